import type { Terminal } from '../../cmd/helia-cluster-service/terminal.ts'

/** A terminal that remembers what is printed and answers questions from a list ("" when it is used up). */
export interface FakeTerminal extends Terminal { printed: { out: string, err: string }, asked: string[] }

export function fakeTerminal (init: { answers?: string[], variables?: Record<string, string> } = {}): FakeTerminal {
  const answers = [...init.answers ?? []]
  const printed = { out: '', err: '' }
  const asked: string[] = []
  const ask = async (question: string): Promise<string> => {
    asked.push(question)
    return answers.shift() ?? ''
  }
  return {
    printed,
    asked,
    variables: init.variables ?? {},
    out: text => { printed.out += text },
    err: text => { printed.err += text },
    ask,
    askSecretly: ask
  }
}
