import { endOnBrokenOutput } from '../helia-cluster-service/end-process.ts'

/** What the program may do with the outside. */
export interface CtlTerminal {
  variables: Readonly<Record<string, string | undefined>>
  /** Whether a person looks at it; columns and rows are asked for each time, since windows change. */
  outIsTerminal: boolean
  errIsTerminal: boolean
  size (): { columns: number, rows: number }
  out (text: string): void
  err (text: string): void
}

const batchLength = 16 * 1024

/** The process's own. What is printed goes out when 16 KiB have gathered or the program waits for something; call `flush` at the end. */
export function systemTerminal (): CtlTerminal & { flush (): Promise<void> } {
  let waiting = ''
  let timer: NodeJS.Immediate | undefined
  const write = (): void => {
    timer = undefined
    if (waiting !== '') process.stdout.write(waiting)
    waiting = ''
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endOnBrokenOutput)
  return {
    variables: process.env,
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    // terminals that don't know their size say 0
    size: () => ({
      columns: process.stdout.columns || process.stderr.columns || 80, rows: process.stdout.rows || process.stderr.rows || 24
    }),
    out: text => {
      waiting += text
      if (waiting.length >= batchLength) write()
      else timer ??= setImmediate(write)
    },
    err: text => { process.stderr.write(text) },
    flush: async () => {
      write()
      await new Promise(resolve => process.stdout.write('', resolve))
    }
  }
}
