/** A bounded number of places; those who find none wait in line. */
export class Slots {
  #free: number
  readonly #line: Array<() => void> = []

  constructor (count: number) { this.#free = count }

  /** Resolves with a function that gives the place back; calling it twice is fine. */
  async take (): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => { this.#line.push(resolve) })
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const next = this.#line.shift()
      if (next == null) this.#free++
      else next()
    }
  }
}
