/** Pieces that are looked at: large ones come with small ones between them, as blocks with their heads and the nodes above them. */
const looksBack = 16

/** Bytes. */
const leastPiece = 16 * 1024
/** What a leaf of a file usually has. Bytes. */
export const usualPiece = 256 * 1024

/** How large the next piece of an answer is likely to be: as the largest of the last ones. Room for it is taken before it is read. */
export class PieceGuess {
  readonly #last: number[]

  constructor (first: number) { this.#last = [first] }

  get bytes (): number { return Math.max(leastPiece, ...this.#last) }

  saw (bytes: number): void {
    this.#last.push(bytes)
    if (this.#last.length > looksBack) this.#last.shift()
  }
}
