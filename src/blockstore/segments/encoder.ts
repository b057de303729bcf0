import { encodeHeader, headerLength } from './record.ts'
import type { NewBlock } from './record.ts'

/** Payloads up to here are copied beside their headers: cheaper than a buffer of their own in the system call. */
const copiedBytes = 8 * 1024
/** A slab that was needed once is kept up to this size. */
const keptSlabBytes = 4 * 1024 * 1024

/**
 * Turns blocks into the buffers of one write: larger payloads as they are, without copying, all else in a slab that is used again.
 * The buffers hold until the next `encode`.
 */
export class Encoder {
  #slab = Buffer.allocUnsafeSlow(0)

  encode (blocks: readonly NewBlock[]): Uint8Array[] {
    const slab = this.#slabOf(blocks.reduce((sum, block) => sum + slabBytes(block), 0))
    const buffers: Uint8Array[] = []
    let begin = 0
    let at = 0
    for (const block of blocks) {
      at = encodeHeader(slab, at, block)
      if (block.bytes.length <= copiedBytes) {
        slab.set(block.bytes, at)
        at += block.bytes.length
        continue
      }
      buffers.push(slab.subarray(begin, at), block.bytes)
      begin = at
    }
    if (at > begin) buffers.push(slab.subarray(begin, at))
    return buffers
  }

  #slabOf (length: number): Buffer {
    if (length <= this.#slab.length) return this.#slab
    const slab = Buffer.allocUnsafeSlow(length)
    if (length <= keptSlabBytes) this.#slab = slab
    return slab
  }
}

const slabBytes = ({ multihash, bytes }: NewBlock): number =>
  headerLength + multihash.length + (bytes.length <= copiedBytes ? bytes.length : 0)
