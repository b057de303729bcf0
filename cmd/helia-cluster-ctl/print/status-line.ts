import type { CtlTerminal } from '../terminal.ts'

/** One line on stderr that is written again and again; nothing when no person looks. */
export class StatusLine {
  readonly #terminal: Pick<CtlTerminal, 'err' | 'errIsTerminal' | 'size'>
  #isShown = false

  constructor (terminal: Pick<CtlTerminal, 'err' | 'errIsTerminal' | 'size'>) { this.#terminal = terminal }

  show (text: string): void {
    if (!this.#terminal.errIsTerminal) return
    this.#terminal.err(`\r\u001B[K${[...text].slice(0, this.#terminal.size().columns - 1).join('')}`)
    this.#isShown = true
  }

  /** Call it before anything else is printed. */
  clear (): void {
    if (this.#isShown) this.#terminal.err('\r\u001B[K')
    this.#isShown = false
  }
}
