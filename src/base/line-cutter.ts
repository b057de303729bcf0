/** Cuts text that comes in pieces into lines, in time that is linear in it, however small the pieces and long the lines are. */
export class LineCutter {
  #parts: string[] = []
  #length = 0

  /** Characters of the line that has begun. */
  get heldLength (): number { return this.#length }

  /** The lines that this piece ends, without their breaks. */
  push (piece: string): string[] {
    const lines = piece.split('\n')
    const rest = lines.pop() ?? ''
    if (lines.length > 0) lines[0] = this.end() + (lines[0] ?? '')
    if (rest !== '') this.#parts.push(rest)
    this.#length += rest.length
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
