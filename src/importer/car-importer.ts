import { decode as decodeDagPb } from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { ClusterError, invalidArgument, isClusterError, messageOf } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import { decodeDagCbor } from '../model/dag-cbor.ts'
import { dagPbCodec, identityHash } from '../model/multicodec.ts'
import { BlockBatch } from './block-batch.ts'
import type { BlockWorkers } from './block-workers.ts'
import { ByteReader } from './byte-reader.ts'
import { hashFunction, isContentOf } from '../hash/multihash.ts'
import type { CarImporter } from './importer.ts'
import { refuseUndecodable, splitSection } from './section-jobs.ts'
import { sectionStream } from './section-stream.ts'

/** Blocks are a quarter of this at most on the IPFS network; more isn't read into memory. */
const maxSectionBytes = 8 * 1024 * 1024
/** Room for six thousand roots, far more than any tool writes; it is decoded in one go. */
const maxHeaderBytes = 256 * 1024
/** A root is two values: a tag and its bytes. */
const headerNesting = { depth: 8, items: 20_000 }

/** CARs of so many bytes are checked by the workers from there on; below, handing over costs more than it brings. */
const usualLargeBytes = 4 * 1024 * 1024

export interface CarReaderInit {
  /** From so many bytes on the rest is checked by the workers. Default 4 MiB. */
  largeBytes?: number
}

/** A reader that lets others check the blocks of large CARs: what it writes and what it refuses is the same. */
export function carImporter ({ largeBytes = usualLargeBytes }: CarReaderInit, workers: BlockWorkers | undefined): CarImporter {
  return async (content, sink, { signal, likeKubo = false, needsRoot = false }) => {
    const reader = new ByteReader(content, signal)
    const batch = new BlockBatch(sink)
    let finished = false
    try {
      const roots = likeKubo ? await readAnyHeader(reader) : [await readHeader(reader)]
      const car = new CarContent(roots, batch)
      const rules = likeKubo ? kuboRules : clusterRules
      try {
        await readBlocks(reader, { rules, car, largeBytes, workers })
      } catch (err) {
        throw rules.failure(err, car.last)
      }
      if (car.last == null && !likeKubo) throw invalidArgument('empty car, no blocks', { empty: true })
      if (needsRoot && !car.hasRoot) throw rootMissing(roots)
      await batch.finish()
      finished = true
      return { roots, bytes: car.bytes, size: car.size }
    } finally {
      if (!finished) await batch.abandon()
      await reader.close()
    }
  }
}

/** The blocks that were read. */
class CarContent {
  readonly #root: CID | undefined
  readonly #batch: BlockBatch
  bytes = 0
  size = 0
  last: CID | undefined
  hasRoot: boolean

  constructor (roots: readonly CID[], batch: BlockBatch) {
    this.#root = roots.length === 1 ? roots[0] : undefined
    // an identity has its content in itself
    this.hasRoot = this.#root?.multihash.code === identityHash
    this.#batch = batch
  }

  /** A promise when others should have their turn. */
  add (block: Block): Promise<void> | undefined {
    if (this.#root?.equals(block.cid) === true) {
      this.size = fileSize(block)
      this.hasRoot = true
    }
    this.bytes += block.bytes.length
    this.last = block.cid
    this.#batch.add(block)
    return this.#batch.isFull ? this.#batch.flush() : undefined
  }
}

const rootMissing = (roots: readonly CID[]): ClusterError =>
  invalidArgument(`the CAR has no block of its root ${roots.join(', ')}`)

interface CarReading { rules: CarRules, car: CarContent, largeBytes: number, workers: BlockWorkers | undefined }

async function readBlocks (reader: ByteReader, { rules, car, largeBytes, workers }: CarReading): Promise<void> {
  while (workers == null || car.bytes < largeBytes) {
    const length = await nextLength(reader, rules)
    if (length == null) return
    await car.add(await checkedBlock(await reader.bytes(length), rules))
  }
  const source = {
    next: async () => nextLength(reader, rules),
    read: async (target: Uint8Array) => reader.readInto(target)
  }
  const refuse = async (section: Uint8Array) => checkedBlock(section, rules)
  for await (const blocks of sectionStream(source, { workers, refuse })) {
    for (const block of blocks) await car.add(block)
  }
}

/** Where go-car's versions differ. */
interface CarRules {
  /** Padding behind the last block. */
  endsAtEmptySection: boolean
  mismatch: (named: CID, actual: CID) => string
  /** What is told of a fault behind the block `last`. */
  failure: (err: unknown, last: CID | undefined) => unknown
}

const clusterRules: CarRules = {
  endsAtEmptySection: true,
  mismatch: (named, actual) => `mismatch in content integrity, name: ${String(named)}, data: ${String(actual)}`,
  failure: err => err
}
const kuboRules: CarRules = {
  endsAtEmptySection: false,
  mismatch: (named, actual) => `mismatch in content integrity, expected: ${String(named)}, got: ${String(actual)}`,
  failure: (err, last) => {
    if (!isClusterError(err, 'INVALID_ARGUMENT')) return err
    const { block, reason = err.message } = err.details
    const place = block == null ? last == null ? '' : ` after block "${String(last)}"` : ` at block "${String(block)}"`
    const message = `import failed${place}: ${String(reason)}`
    return new ClusterError('INVALID_ARGUMENT', err.details, { message, cause: err })
  }
}

/** Length of the next section. Undefined at the end. */
async function nextLength (reader: ByteReader, rules: CarRules): Promise<number | undefined> {
  if (await reader.atEnd()) return undefined
  const length = await readLength(reader, { limitBytes: maxSectionBytes, what: 'a section' })
  return length === 0 && rules.endsAtEmptySection ? undefined : length
}

/** The header's only root. */
async function readHeader (reader: ByteReader): Promise<CID> {
  if (await reader.atEnd()) throw invalidArgument('EOF')
  const { version, roots } = await nextHeader(reader)
  if (version !== 1) throw invalidArgument(`invalid car version: ${String(version)}`)
  if (!Array.isArray(roots) || roots.length === 0) throw invalidArgument('empty car, no roots')
  if (roots.length !== 1) throw invalidArgument('only CAR files with a single root are supported')
  return rootCid(roots[0])
}

/** The roots of a CAR of either version; the reader stands before its first block, and ends behind its last. */
async function readAnyHeader (reader: ByteReader): Promise<CID[]> {
  if (await reader.atEnd()) throw invalidArgument('EOF')
  const header = await nextHeader(reader)
  if (header.version === 1) return rootCids(header.roots)
  if (header.version !== 2) throw invalidArgument(`invalid car version: ${String(header.version)}`)
  const fixed = Buffer.from(await reader.bytes(fixedBytes))
  const [offset, length] = [Number(fixed.readBigUInt64LE(dataOffsetAt)), Number(fixed.readBigUInt64LE(dataLengthAt))]
  if (offset < pragmaBytes + fixedBytes) throw invalidArgument(`invalid data payload offset: ${offset}`)
  await reader.skip(offset - pragmaBytes - fixedBytes)
  reader.limit(length)
  const inner = await nextHeader(reader)
  if (inner.version !== 1) throw invalidArgument(`invalid data payload header version; expected 1, got ${String(inner.version)}`)
  return rootCids(inner.roots)
}

/**
 * CARv2: a pragma that reads as a header, characteristics, and three numbers: where the CARv1 inside begins, how long it is, where the
 * index begins.
 */
const pragmaBytes = 11
const fixedBytes = 40
const dataOffsetAt = 16
const dataLengthAt = 24

const nextHeader = async (reader: ByteReader): Promise<{ version?: unknown, roots?: unknown }> =>
  decodeHeader(await readSection(reader, { limitBytes: maxHeaderBytes, what: 'the header' }))

const rootCids = (roots: unknown): CID[] => Array.isArray(roots) ? roots.map(rootCid) : []

function rootCid (root: unknown): CID {
  const cid = CID.asCID(root)
  if (cid == null) throw invalidArgument('invalid header: a root is not a CID')
  return cid
}

function decodeHeader (bytes: Uint8Array): { version?: unknown, roots?: unknown } {
  try {
    return decodeDagCbor<{ version?: unknown, roots?: unknown } | null>(bytes, headerNesting) ?? {}
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: `invalid header: ${messageOf(err)}`, cause: err })
  }
}

async function readSection (reader: ByteReader, limit: { limitBytes: number, what: string }): Promise<Uint8Array> {
  return await reader.bytes(await readLength(reader, limit))
}

async function readLength (reader: ByteReader, { limitBytes, what }: { limitBytes: number, what: string }): Promise<number> {
  const length = await reader.varint()
  if (length > limitBytes) throw invalidArgument(`${what} of the CAR is too large`, { length })
  return length
}

/** A section is CID and bytes. The hash has been compared. */
async function checkedBlock (section: Uint8Array, { mismatch }: CarRules): Promise<Block> {
  const [cid, bytes] = splitSection(section)
  if (!await isContentOf(cid, bytes)) {
    const { code } = cid.multihash
    const actual = CID.create(cid.version, cid.code, createDigest(code, (await hashFunction(code)).digest(bytes)))
    throw invalidArgument(mismatch(cid, actual))
  }
  refuseUndecodable(cid, bytes)
  return { cid, bytes }
}

/** The file size that a UnixFS node states; 0 for anything else. */
function fileSize ({ cid, bytes }: Block): number {
  if (cid.code !== dagPbCodec) return 0
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
    throw invalidArgument('unexpected EOF')
  }
  while (at < data.length) {
    const tag = varint()
    const value = varint()
    if (tag === 0x18) size = value
    if ((tag & 7) === 2) at += value
  }
  return size
}
