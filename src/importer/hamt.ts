import type { Block } from '../blockstore/blockstore.ts'
import { bytesOfText } from '../base/text/byte-text.ts'
import { ClusterError } from '../base/errors.ts'
import type { DirectoryEntry } from './directory-node.ts'
import { DirectoryWriter } from './directory-node.ts'
import { murmur3 } from '../hash/murmur3.ts'
import { ProtobufWriter } from '../wire/protobuf.ts'

/** Multihash code of the hash that says where a name goes. */
const murmurCode = 0x22
const fanout = 256
const maxLevels = 8
/** Entries that are looked at in one step. */
export const entriesPerStep = 512

interface ShardOptions { level: number, make: (bytes: Uint8Array) => Block, fields: Uint8Array | undefined }

interface Slot extends DirectoryEntry { hash: Uint8Array }

/**
 * The nodes of a sharded directory, children before parents: one step per node and some on the way, so that the caller can write between
 * them. The result is the root. `fields` go to the end of the root's UnixFS message. Throws INVALID_ARGUMENT when 64 bits of two names'
 * hashes are equal.
 */
export function * encodeHamt (
  entries: Iterable<DirectoryEntry>, make: (bytes: Uint8Array) => Block, fields?: Uint8Array
): Generator<void, DirectoryEntry> {
  const slots: Slot[] = []
  for (const entry of entries) {
    slots.push({ ...entry, hash: murmur3(bytesOfText(entry.name)) })
    if (slots.length % entriesPerStep === 0) yield
  }
  return yield * encodeShard(slots, { level: 0, make, fields })
}

function * encodeShard (slots: Slot[], { level, make, fields }: ShardOptions): Generator<void, DirectoryEntry> {
  if (level >= maxLevels) throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'sharded directory too deep' })
  const buckets = new Map<number, Slot[]>()
  for (const slot of slots) {
    const index = slot.hash[level] ?? 0
    const bucket = buckets.get(index)
    if (bucket == null) buckets.set(index, [slot])
    else bucket.push(slot)
  }
  const indexes = [...buckets.keys()].toSorted((a, b) => a - b)
  const writer = new DirectoryWriter()
  for (const index of indexes) {
    const bucket = buckets.get(index) ?? []
    const prefix = index.toString(16).toUpperCase().padStart(2, '0')
    const [only] = bucket
    if (bucket.length === 1 && only != null) writer.add({ ...only, name: prefix + only.name })
    else writer.add({ ...yield * encodeShard(bucket, { level: level + 1, make, fields: undefined }), name: prefix })
  }
  const data = shardData(indexes)
  const node = writer.finish(fields == null ? data : Buffer.concat([data, fields]), make)
  yield
  return node
}

/** The UnixFS part: the bit field of used slots (most significant byte first, without leading zeros), hash and fanout. */
function shardData (indexes: number[]): Uint8Array {
  const bits = new Uint8Array(fanout / 8)
  for (const index of indexes) bits[bits.length - 1 - (index >> 3)]! |= 1 << (index & 7)
  const data = new ProtobufWriter(64)
  data.uintField(1, 5)
  data.bytesField(2, bits.subarray(bits.findIndex(byte => byte !== 0)))
  data.uintField(5, murmurCode)
  data.uintField(6, fanout)
  return data.view
}
