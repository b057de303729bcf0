import { ClusterError } from '../base/errors.ts'

/** Lets work in between `open` and `close`; `close` waits until who is inside has left. */
export class OpenGate {
  readonly #what: string
  #isOpen = false
  #inside = 0
  #allOut: (() => void) | undefined

  constructor (what: string) { this.#what = what }

  open (): void { this.#isOpen = true }

  /** False when it wasn't open. */
  async close (): Promise<boolean> {
    if (!this.#isOpen) return false
    this.#isOpen = false
    if (this.#inside > 0) await new Promise<void>(resolve => { this.#allOut = resolve })
    return true
  }

  /** Throws NOT_READY when closed. */
  check (): void {
    if (!this.#isOpen) throw new ClusterError('NOT_READY', { component: this.#what }, { message: `${this.#what} isn't open` })
  }

  async pass<T> (work: () => Promise<T>): Promise<T> {
    this.check()
    this.#inside++
    try {
      return await work()
    } finally {
      this.#inside--
      if (this.#inside === 0) this.#allOut?.()
    }
  }
}
