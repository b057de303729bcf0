import type { ChunkFraming } from './chunk-framing.ts'
import type { ParserClass } from './chunk-parser.ts'
import { ChunkParser } from './chunk-parser.ts'

/** Who gets the content of a body. */
export interface ContentTaker {
  /** Content lies there among the bytes that are taken. */
  run (from: number, to: number): void
  /** Content in memory of its own. */
  piece (bytes: Buffer): void
}

/** Finds the content of a body among the bytes of a connection. */
export interface BodyFraming {
  /** The whole body has been taken. What comes behind it is nobody's. */
  readonly isDone: boolean
  /** Takes the next bytes. Gives what is wrong with them, as Node's parser says it; then nothing more is to be taken. */
  take (bytes: Uint8Array, content: ContentTaker): Error | undefined
}

/** So many bytes. */
export function lengthFraming (bytes: number): BodyFraming {
  let left = bytes
  return {
    get isDone () { return left === 0 },
    take: (taken, content) => {
      const length = Math.min(left, taken.length)
      left -= length
      if (length > 0) content.run(0, length)
      return undefined
    }
  }
}

/**
 * Chunks, from the place on where `framing` is: usual ones by that, and from the first one on that is not, by a parser of Node's, which
 * takes at most `maxHeaderBytes` of trailers.
 */
export function chunkedFraming (
  framing: ChunkFraming, { Parser, maxHeaderBytes }: { Parser: ParserClass, maxHeaderBytes: number }
): BodyFraming {
  let parser: ChunkParser | undefined
  return {
    get isDone () { return framing.isDone || parser?.isDone === true },
    take: (bytes, content) => {
      let at = 0
      if (parser == null) {
        at = framing.take(bytes, (from, to) => content.run(from, to))
        if (!framing.isUnusual) return undefined
        parser = new ChunkParser({ unread: framing.unread, maxHeaderBytes }, Parser)
      }
      return parser.take(bytes.subarray(at), bytes => content.piece(bytes))
    }
  }
}
