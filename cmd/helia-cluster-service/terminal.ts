import { createInterface } from 'node:readline'
import { messageOf } from '../../src/base/errors.ts'
import type { Variables } from '../../src/config/reader.ts'

/** What a command may do with the outside. */
export interface Terminal {
  variables: Variables
  out (text: string): void
  err (text: string): void
  /** Prints the question and gives the next line of the input; "" at its end. */
  ask (question: string): Promise<string>
}

/** The process's own. */
export function systemTerminal (): Terminal {
  let lines: AsyncIterator<string> | undefined
  return {
    variables: process.env,
    out: text => { process.stdout.write(text) },
    err: text => { process.stderr.write(text) },
    ask: async question => {
      process.stderr.write(question)
      lines ??= createInterface({ input: process.stdin, terminal: false })[Symbol.asyncIterator]()
      const next = await lines.next()
      return next.done === true ? '' : next.value
    }
  }
}

/** A command that ends with exit code 1: its message is the line on stderr. */
export class CommandFailed extends Error {}

/** Runs a step; what goes wrong becomes `error <what>: <why>`. */
export async function doing<Result> (what: string, step: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await step()
  } catch (err) {
    throw new CommandFailed(`error ${what}: ${messageOf(err)}`, { cause: err })
  }
}
