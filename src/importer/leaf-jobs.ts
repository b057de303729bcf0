import { crc32 } from 'node:zlib'
import { CID } from 'multiformats/cid'
import type { LeafBatch, LeafFormat, LeafJob, OwnBytes, PackedBlock, PackedBlocks } from './block-workers.ts'
import type { BlockMaker } from './block-maker.ts'
import { createBlockMaker } from './block-maker.ts'
import { unpacked } from './block-workers.ts'
import type { Chunker } from './chunk-source.ts'
import { parseChunker } from './chunkers.ts'
import { leafLength, leafTypes, writeLeaf } from './file-node.ts'

/** The answer to a job, as it can be copied to another thread. */
export interface PackedLeaves extends PackedBlocks {
  /** Of each leaf. */
  fileSizes: readonly number[]
  rest: Uint8Array
  spare: ArrayBuffer | undefined
}

/** Cuts bytes into chunks and makes leaves of them. One serves any number of jobs; it remembers the chunker of the last one. */
export class LeafJobs {
  #last: { format: LeafFormat, chunker: Chunker, maker: BlockMaker } | undefined

  async run ({ format, bytes, isLast, into }: LeafJob): Promise<PackedLeaves> {
    const { chunker, maker } = await this.#prepared(format)
    const lengths = chunkLengths(chunker, { bytes, isLast })
    const end = lengths.reduce((sum, length) => sum + length, 0)
    const packed = format.rawLeaves ? rawLeaves(bytes, { lengths, maker }) : nodeLeaves(bytes, { lengths, maker, format, into })
    return {
      ...packed,
      fileSizes: lengths,
      rest: bytes.slice(end),
      spare: packed.memory === bytes.buffer ? undefined : bytes.buffer
    }
  }

  async #prepared (format: LeafFormat): Promise<{ chunker: Chunker, maker: BlockMaker }> {
    if (this.#last == null || !sameFormat(this.#last.format, format)) {
      this.#last = { format, chunker: parseChunker(format.chunker), maker: await createBlockMaker(format) }
    }
    return this.#last
  }
}

const sameFormat = (a: LeafFormat, b: LeafFormat): boolean =>
  a.chunker === b.chunker && a.hash === b.hash && a.cidVersion === b.cidVersion && a.rawLeaves === b.rawLeaves && a.layout === b.layout

/** Of the whole chunks, and at the end of a file of what is left. */
function chunkLengths (chunker: Chunker, { bytes, isLast }: { bytes: Uint8Array, isLast: boolean }): number[] {
  const { maxBytes } = chunker
  const lengths: number[] = []
  for (let at = 0; bytes.length - at >= maxBytes || (isLast && at < bytes.length);) {
    const length = chunker.cut(bytes, at, Math.min(bytes.length, at + maxBytes))
    lengths.push(length)
    at += length
  }
  return lengths
}

/** Raw leaves are parts of the file as it came. */
function rawLeaves (bytes: OwnBytes, { lengths, maker }: { lengths: readonly number[], maker: BlockMaker }): PackedBlocks {
  let at = 0
  const blocks = lengths.map(length => {
    const leaf = bytes.subarray(at, at += length)
    return packedBlock(maker.leaf(leaf).cid.bytes, leaf)
  })
  return { memory: bytes.buffer, blocks }
}

function nodeLeaves (
  bytes: OwnBytes,
  { lengths, maker, format, into: memory }: {
    lengths: readonly number[], maker: BlockMaker, format: LeafFormat, into: ArrayBuffer | undefined
  }
): PackedBlocks {
  const type = format.layout === 'trickle' ? leafTypes.raw : leafTypes.file
  const needed = lengths.reduce((sum, length) => sum + leafLength(length), 0)
  const into = memory != null && memory.byteLength >= needed ? Buffer.from(memory) : Buffer.allocUnsafeSlow(needed)
  let [from, at] = [0, 0]
  const blocks = lengths.map(length => {
    const chunk = bytes.subarray(from, from += length)
    const begin = at
    at = writeLeaf(into, at, { length, type, copy: to => into.set(chunk, to) })
    const leaf = into.subarray(begin, at)
    return packedBlock(maker.node(leaf).cid.bytes, leaf)
  })
  return { memory: into.buffer as ArrayBuffer, blocks }
}

/** `bytes`: where they are in their memory. */
export const packedBlock = (cid: Uint8Array, bytes: Uint8Array): PackedBlock =>
  ({ cid, at: bytes.byteOffset, length: bytes.length, crc32: crc32(bytes) })

/** The leaves of a job's answer. Their bytes are views of its memory. */
export function leafBatch (packed: PackedLeaves): LeafBatch {
  const leaves = unpacked(packed, CID.decode).map((block, n) => ({ block, fileSize: packed.fileSizes[n] ?? 0 }))
  return { leaves, rest: packed.rest, spare: packed.spare, memory: packed.memory }
}
