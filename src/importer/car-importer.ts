import { decode as decodeDagPb } from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { ClusterError, messageOf } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import { decodeDagCbor } from '../model/dag-cbor.ts'
import { BlockBatch } from './block-batch.ts'
import { dagPb } from './block-maker.ts'
import { ByteReader } from './byte-reader.ts'
import { hashFunction, isContentOf } from '../wire/multihash.ts'
import type { CarImporter } from './importer.ts'

/** Blocks are a quarter of this at most on the IPFS network; more isn't read into memory. */
const maxSectionBytes = 8 * 1024 * 1024
/** Room for six thousand roots, far more than any tool writes; it is decoded in one go. */
const maxHeaderBytes = 256 * 1024
/** A root is two values: a tag and its bytes. */
const headerNesting = { depth: 8, items: 20_000 }

/** See `CarImporter`: the contract. */
export const importCar: CarImporter = async (content, sink, { signal }) => {
  const reader = new ByteReader(content, signal)
  const batch = new BlockBatch(sink)
  let finished = false
  try {
    const root = await readHeader(reader)
    let bytes = 0
    let size = 0
    let blocks = 0
    while (!await reader.atEnd()) {
      const block = await readBlock(reader)
      if (block.cid.equals(root)) size = fileSize(block)
      bytes += block.bytes.length
      blocks++
      batch.add(block)
      if (batch.isFull) await batch.flush()
    }
    if (blocks === 0) throw invalid('empty car, no blocks', { empty: true })
    await batch.finish()
    finished = true
    return { root, bytes, size }
  } finally {
    if (!finished) await batch.abandon()
    await reader.close()
  }
}

const invalid = (message: string, facts = {}): ClusterError => new ClusterError('INVALID_ARGUMENT', facts, { message })

/** The header's only root. */
async function readHeader (reader: ByteReader): Promise<CID> {
  if (await reader.atEnd()) throw invalid('EOF')
  const { version, roots } = decodeHeader(await readSection(reader, { limitBytes: maxHeaderBytes, what: 'the header' }))
  if (version !== 1) throw invalid(`invalid car version: ${String(version)}`)
  if (!Array.isArray(roots) || roots.length === 0) throw invalid('empty car, no roots')
  if (roots.length !== 1) throw invalid('only CAR files with a single root are supported')
  const root = CID.asCID(roots[0])
  if (root == null) throw invalid('invalid header: a root is not a CID')
  return root
}

function decodeHeader (bytes: Uint8Array): { version?: unknown, roots?: unknown } {
  try {
    return decodeDagCbor<{ version?: unknown, roots?: unknown } | null>(bytes, headerNesting) ?? {}
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: `invalid header: ${messageOf(err)}`, cause: err })
  }
}

async function readSection (reader: ByteReader, { limitBytes, what }: { limitBytes: number, what: string }): Promise<Uint8Array> {
  const length = await reader.varint()
  if (length > limitBytes) throw invalid(`${what} of the CAR is too large`, { length })
  return await reader.bytes(length)
}

/** A section: CID and bytes. The hash has been compared. */
async function readBlock (reader: ByteReader): Promise<Block> {
  const section = await readSection(reader, { limitBytes: maxSectionBytes, what: 'a section' })
  const [cid, bytes] = splitSection(section)
  if (!await isContentOf(cid, bytes)) {
    const { code } = cid.multihash
    const actual = CID.create(cid.version, cid.code, createDigest(code, (await hashFunction(code)).digest(bytes)))
    throw invalid(`mismatch in content integrity, name: ${String(cid)}, data: ${String(actual)}`)
  }
  return { cid, bytes }
}

function splitSection (section: Uint8Array): [CID, Uint8Array] {
  try {
    return CID.decodeFirst(section)
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: `invalid cid: ${messageOf(err)}`, cause: err })
  }
}

/** The file size that a UnixFS node states; 0 for anything else. */
function fileSize ({ cid, bytes }: Block): number {
  if (cid.code !== dagPb) return 0
  try {
    return statedFileSize(decodeDagPb(bytes).Data ?? new Uint8Array(0))
  } catch {
    return 0
  }
}

/** Field 3 of the UnixFS message. */
function statedFileSize (data: Uint8Array): number {
  let at = 0
  let size = 0
  const varint = (): number => {
    for (let value = 0, factor = 1; at < data.length; factor *= 128) {
      const byte = data[at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw invalid('unexpected EOF')
  }
  while (at < data.length) {
    const tag = varint()
    const value = varint()
    if (tag === 0x18) size = value
    if ((tag & 7) === 2) at += value
  }
  return size
}
