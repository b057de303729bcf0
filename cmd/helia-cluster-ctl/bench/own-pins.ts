/** What a load has pinned and not taken away yet. */
export class OwnPins {
  readonly #cids: string[] = []

  get count (): number { return this.#cids.length }

  put (cid: string): void { this.#cids.push(cid) }

  /** One of them; `position` from 0 to 1 (exclusive). Undefined: there is none. */
  look (position: number): string | undefined { return this.#cids[Math.floor(position * this.#cids.length)] }

  /** The same, and nobody else gets it. */
  take (position: number): string | undefined {
    const at = Math.floor(position * this.#cids.length)
    const taken = this.#cids[at]
    const last = this.#cids.pop()
    if (last != null && at < this.#cids.length) this.#cids[at] = last
    return taken
  }
}
