import { CID } from 'multiformats/cid'
import { decode as decodeDagPb } from '@ipld/dag-pb'
import { ClusterError, messageOf } from '../base/errors.ts'
import { isContentOf } from '../hash/multihash.ts'
import { decodeDagCbor } from '../model/dag-cbor.ts'
import { dagCborCodec, dagPbCodec } from '../model/multicodec.ts'
import type { CheckedSections, PackedBlock, PackedBlocks, SectionJob } from './block-workers.ts'
import { unpacked } from './block-workers.ts'
import { packedBlock } from './leaf-jobs.ts'

/** The answer to a job, as it can be copied to another thread. */
export interface PackedSections extends PackedBlocks { bad: Uint8Array | undefined }

/** Checks sections one after the other, up to the first that isn't right. */
export async function checkSections ({ bytes, lengths }: SectionJob): Promise<PackedSections> {
  const blocks: PackedBlock[] = []
  let at = 0
  for (const length of lengths) {
    const section = bytes.subarray(at, at += length)
    try {
      const [cid, content] = splitSection(section)
      if (!await isContentOf(cid, content)) return { memory: bytes.buffer, blocks, bad: section.slice() }
      refuseUndecodable(cid, content)
      blocks.push(packedBlock(cid.bytes.slice(), content))
    } catch {
      return { memory: bytes.buffer, blocks, bad: section.slice() }
    }
  }
  return { memory: bytes.buffer, blocks, bad: undefined }
}

/** A section is CID and bytes. Throws INVALID_ARGUMENT. */
export function splitSection (section: Uint8Array): [CID, Uint8Array] {
  try {
    return CID.decodeFirst(section)
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: `invalid cid: ${messageOf(err)}`, cause: err })
  }
}

const decoders = new Map<number, (bytes: Uint8Array) => unknown>([[dagPbCodec, decodeDagPb], [dagCborCodec, decodeDagCbor]])

/** Nobody could pin what has no links that can be read. Throws INVALID_ARGUMENT. */
export function refuseUndecodable (cid: CID, bytes: Uint8Array): void {
  const decode = decoders.get(cid.code)
  try {
    decode?.(bytes)
  } catch (err) {
    const facts = { block: String(cid), reason: messageOf(err) }
    throw new ClusterError('INVALID_ARGUMENT', facts, { message: `block ${facts.block} can't be decoded: ${facts.reason}`, cause: err })
  }
}

/** The blocks of a job's answer. Their bytes are views of its memory. */
export const checkedSections = (packed: PackedSections): CheckedSections => ({ blocks: unpacked(packed, CID.decode), bad: packed.bad })
