import { ClusterError } from '../base/errors.ts'
import { varintBytes } from '../base/varint.ts'

/** Blocks asked for and given one after the other on one stream: docs/design/wire/blocks.md. */
export const blocksProtocol = '/helia-cluster/blocks/1.0.0'

/** No block is larger. */
export const maxAnswerBytes = 4 * 2 ** 20
/** Multihashes that a peer may ask for before it is answered. */
export const maxAsked = 512
/** Bytes of a multihash in a question. Longer ones are of no hash function in use. */
export const maxMultihashBytes = 200

/** Stands for the length of a block that isn't there. */
const notHere = 0xffff_ffff
const headBytes = 4

/** What stands before a block's bytes. Without a block: that it isn't there. */
export function answerHead (block: Uint8Array | undefined): Uint8Array {
  const head = Buffer.allocUnsafe(headBytes)
  head.writeUInt32BE(block?.length ?? notHere)
  return head
}

/** What is asked for, as bytes: each multihash behind its length as a varint. */
export const askFrames = (multihashes: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(multihashes.flatMap(multihash => [varintBytes(multihash.length), multihash]))

type Bytes = Uint8Array | Iterable<Uint8Array>

/** Puts answers together as they come. Each block is one array of its own: the transport's buffers aren't kept. */
export class AnswerReader {
  readonly #head = Buffer.alloc(headBytes)
  #headFilled = 0
  #block: Buffer | undefined
  #filled = 0

  #isWhole (): boolean { return this.#block != null && this.#filled === this.#block.length }

  /** Gives a block, or undefined for one that isn't there, for each answer that is whole. Throws INVALID_DATA for one that is too long. */
  * push (data: Bytes): Generator<Uint8Array | undefined> {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      for (let at = 0; at < chunk.length || this.#isWhole();) {
        if (this.#block == null) {
          at = this.#takeHead(chunk, at)
          if (this.#headFilled < headBytes) continue
          if (this.#begin()) continue
          yield undefined
        } else if (this.#isWhole()) yield this.#end()
        else at = this.#takeBody(chunk, at, this.#block)
      }
    }
  }

  #takeHead (chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + headBytes - this.#headFilled)
    this.#head.set(part, this.#headFilled)
    this.#headFilled += part.length
    return at + part.length
  }

  /** False when it is no block that begins. */
  #begin (): boolean {
    const length = this.#head.readUInt32BE()
    this.#headFilled = 0
    if (length === notHere) return false
    if (length > maxAnswerBytes) throw new ClusterError('INVALID_DATA', { length }, { message: 'a block is too long' })
    this.#block = Buffer.allocUnsafeSlow(length)
    this.#filled = 0
    return true
  }

  #takeBody (chunk: Uint8Array, at: number, block: Buffer): number {
    const part = chunk.subarray(at, at + block.length - this.#filled)
    block.set(part, this.#filled)
    this.#filled += part.length
    return at + part.length
  }

  #end (): Uint8Array {
    const block = this.#block as Buffer
    this.#block = undefined
    return block
  }
}
