import { invalidArgument } from './errors.ts'

export interface FairSemaphoreInit {
  count: number
  /** How many of them one asker may hold: less than all, so that one that never gives back keeps nobody else waiting. */
  perAsker: number
}

/** A semaphore whose waiters stand in one line per asker; the lines are served in turn, so that no asker starves the others. */
export class FairSemaphore {
  readonly #perAsker: number
  readonly #held = new Map<string, number>()
  /** In the order of their turns. */
  readonly #lines = new Map<string, Array<() => void>>()
  #free: number

  /** Throws INVALID_ARGUMENT for numbers that would let nobody in: all would wait without a word. */
  constructor ({ count, perAsker }: FairSemaphoreInit) {
    if (!(count >= 1 && perAsker >= 1)) {
      throw invalidArgument('count and limit must be at least 1', { count, perAsker })
    }
    this.#free = count
    this.#perAsker = perAsker
  }

  /** Resolves with a function that gives the place back; calling it twice is fine. */
  async take (asker: string): Promise<() => void> {
    if (this.#mayHave(asker)) this.#give(asker)
    else await new Promise<void>(resolve => this.#line(asker).push(resolve))
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#takeBack(asker)
    }
  }

  #mayHave (asker: string): boolean { return this.#free > 0 && (this.#held.get(asker) ?? 0) < this.#perAsker }

  #line (asker: string): Array<() => void> {
    const line = this.#lines.get(asker) ?? []
    this.#lines.set(asker, line)
    return line
  }

  #give (asker: string): void {
    this.#free--
    this.#held.set(asker, (this.#held.get(asker) ?? 0) + 1)
  }

  #takeBack (asker: string): void {
    this.#free++
    const held = (this.#held.get(asker) ?? 1) - 1
    if (held === 0) this.#held.delete(asker)
    else this.#held.set(asker, held)
    this.#serveNext()
  }

  #serveNext (): void {
    for (const [asker, line] of this.#lines) {
      if (!this.#mayHave(asker)) continue
      this.#give(asker)
      line.shift()?.()
      // behind the others
      this.#lines.delete(asker)
      if (line.length > 0) this.#lines.set(asker, line)
      return
    }
  }
}
