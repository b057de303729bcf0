import { fstatSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { messageOf } from '../../src/base/errors.ts'
import type { Variables } from '../../src/config/reader.ts'
import { endOnBrokenOutput } from './end-process.ts'

/** What a command may do with the outside. */
export interface Terminal {
  variables: Variables
  out (text: string): void
  err (text: string): void
  /** Prints the question and gives the next line of the input; "" at its end. */
  ask (question: string): Promise<string>
  /** The same for what nobody may read over a shoulder: on a terminal the answer isn't shown while it is typed, and a pipe isn't asked. */
  askSecretly (question: string): Promise<string>
}

/** The process's own. It ends when nobody reads what it prints any more (`… | head`), without a word. */
export function systemTerminal (): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endOnBrokenOutput)
  let lines: AsyncIterator<string> | undefined
  const ask = async (question: string): Promise<string> => {
    process.stderr.write(question)
    lines ??= createInterface({ input: process.stdin, terminal: false })[Symbol.asyncIterator]()
    process.stdin.ref?.()
    const next = await lines.next()
    // an open input keeps no program alive that asks nothing more
    process.stdin.unref?.()
    return next.done === true ? '' : next.value
  }
  return {
    variables: process.env,
    out: text => { process.stdout.write(text) },
    err: isFile(process.stderr.fd) ? intoFile(process.stderr.fd) : text => { process.stderr.write(text) },
    ask,
    askSecretly: async question => process.stdin.isTTY && lines == null ? typedUnseen(question) : ask(process.stdin.isTTY ? question : '')
  }
}

/** A line that is typed at the terminal, which shows nothing of it. Ctrl-C is the program's, as ever. */
async function typedUnseen (question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const line = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 })
  process.stderr.write(question)
  try {
    return await new Promise<string>(resolve => {
      line.once('line', resolve)
      line.once('close', () => resolve(''))
      line.once('SIGINT', () => {
        line.close()
        process.kill(process.pid, 'SIGINT')
      })
    })
  } finally {
    line.close()
    process.stdin.unref()
    process.stderr.write('\n')
  }
}

function isFile (fd: number): boolean {
  try { return fstatSync(fd).isFile() } catch { return false }
}

/** A log on a disk that is full loses lines until there is room again; a stream would end at the first, and the process with it. */
const intoFile = (fd: number) => (text: string): void => {
  try {
    writeSync(fd, text)
  } catch (err) {
    const { code = '' } = err as NodeJS.ErrnoException
    if (!['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'].includes(code)) throw err
  }
}

/** Asks a question that is answered with y or yes; everything else is no. */
export const confirmed = async (question: string, terminal: Pick<Terminal, 'ask'>): Promise<boolean> =>
  /^y(es)?$/i.test((await terminal.ask(question)).trim())

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
