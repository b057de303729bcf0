export interface LineCutterInit {
  /** Characters that a line may have. Default: any number. */
  maxLength?: number
  /** What is thrown for a longer one. */
  tooLong?: () => Error
}

/** Cuts text that comes in pieces into lines, in time that is linear in it, however small the pieces and long the lines are. */
export class LineCutter {
  readonly #maxLength: number
  readonly #tooLong: () => Error
  #parts: string[] = []
  #length = 0

  constructor ({ maxLength = Infinity, tooLong = () => new RangeError('a line is too long') }: LineCutterInit = {}) {
    this.#maxLength = maxLength
    this.#tooLong = tooLong
  }

  /** Characters of the line that has begun. */
  get heldLength (): number { return this.#length }

  /**
   * The lines that this piece ends, without their breaks. Throws as soon as one is longer than lines may be, whether its end is there or
   * not.
   */
  push (piece: string): string[] {
    const lines = piece.split('\n')
    const rest = lines.pop() ?? ''
    if (lines.length > 0) lines[0] = this.end() + (lines[0] ?? '')
    if (rest !== '') this.#parts.push(rest)
    this.#length += rest.length
    if (this.#length > this.#maxLength || lines.some(line => line.length > this.#maxLength)) throw this.#tooLong()
    return lines
  }

  /** What came behind the last line break. */
  end (): string {
    const rest = this.#parts.join('')
    this.#parts = []
    this.#length = 0
    return rest
  }
}
