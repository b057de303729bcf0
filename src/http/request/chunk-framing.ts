const cr = 13
const lf = 10
/** More digits than any chunk needs, and few enough for a number of JavaScript. */
const usualDigits = 12

/** What comes next. `lastCr`: behind the line of the last chunk. */
type State = 'size' | 'sizeLf' | 'content' | 'contentCr' | 'contentLf' | 'lastCr' | 'lastLf' | 'done' | 'unusual'

/**
 * A body in chunks (RFC 9112, 7.1), as nearly all clients write it: digits, CRLF, content, CRLF, and nothing behind the last chunk.
 * Whatever else comes, an extension, a trailer or a fault, is unusual: it is not judged here, and `unread` brings a parser to the same
 * place.
 */
export class ChunkFraming {
  #state: State = 'size'
  #digits = 0
  /** Bytes of the chunk that are still to come. */
  #size = 0
  #unread = ''

  get isDone (): boolean { return this.#state === 'done' }
  /** The byte at the offset that `take` gave is none that is read here. Nothing more is taken. */
  get isUnusual (): boolean { return this.#state === 'unusual' }
  /** What a parser at the beginning of a chunk has to be given before that byte. Content in it was taken before. */
  get unread (): Buffer { return Buffer.from(this.#unread, 'latin1') }

  /** Calls `content` for each run of content. Gives the offset of the first byte that isn't the body's, or isn't usual. */
  take (bytes: Uint8Array, content: (from: number, to: number) => void): number {
    let at = 0
    while (at < bytes.length && !this.isDone) {
      if (this.#state === 'content') {
        const begin = at
        at = Math.min(bytes.length, at + this.#size)
        this.#size -= at - begin
        if (this.#size === 0) this.#state = 'contentCr'
        content(begin, at)
      } else {
        this.#state = this.#next(bytes[at] ?? 0)
        if (this.isUnusual) break
        at++
      }
    }
    return at
  }

  /** The state behind a byte that isn't content. */
  #next (byte: number): State {
    switch (this.#state) {
      case 'size': return byte === cr && this.#digits > 0 ? this.#read(byte, 'sizeLf') : this.#digit(byte)
      case 'sizeLf': return byte === lf ? this.#begin() : 'unusual'
      case 'contentCr': return byte === cr ? this.#read(byte, 'contentLf') : 'unusual'
      case 'contentLf': return byte === lf ? this.#beginSize() : 'unusual'
      case 'lastCr': return byte === cr ? this.#read(byte, 'lastLf') : 'unusual'
      case 'lastLf': return byte === lf ? 'done' : 'unusual'
      default: return 'unusual'
    }
  }

  #read (byte: number, next: State): State {
    this.#unread += String.fromCharCode(byte)
    return next
  }

  #digit (byte: number): State {
    const value = byte >= 48 && byte <= 57 ? byte - 48 : byte >= 65 && byte <= 70 ? byte - 55 : byte >= 97 && byte <= 102 ? byte - 87 : -1
    if (value < 0 || this.#digits === usualDigits) return 'unusual'
    this.#digits++
    this.#size = this.#size * 16 + value
    return this.#read(byte, 'size')
  }

  #begin (): State {
    if (this.#size === 0) return this.#read(lf, 'lastCr')
    this.#unread = insideChunk
    return 'content'
  }

  #beginSize (): State {
    this.#unread = ''
    this.#digits = 0
    return 'size'
  }
}

/** The end of a chunk's content for a parser: any one will do. */
const insideChunk = '1\r\nx'
