import { base32 } from '../../../../base/text/base32.ts'
import { rawCodec } from '../../../../model/multicodec.ts'

/** What a block of UnixFS says, as far as a list needs it. */
export interface UnixFsBlock {
  /** `shard`: a part of a folder that is too large for one block. */
  kind: 'directory' | 'shard' | 'file' | 'link'
  /** Of a file. */
  sizeBytes: number | null
  entries: UnixFsEntry[]
  /** Of a shard: CIDs of the shards below it, in their order. */
  shards: string[]
}
/** `isFile`: it surely is one; what has links of its own may be either. `sizeBytes`: with all that is below. */
export interface UnixFsEntry { name: string, sizeBytes: number, isFile: boolean }

const kinds: Readonly<Record<number, UnixFsBlock['kind']>> = { 0: 'file', 1: 'directory', 2: 'file', 4: 'link', 5: 'shard' }

/** Reads a dag-pb block. Null for what is none. */
export function unixFsBlockOf (bytes: Uint8Array): UnixFsBlock | null {
  try {
    let kind: UnixFsBlock['kind'] | undefined
    let sizeBytes: number | null = null
    let fanout = 256
    const links: Link[] = []
    for (const [field, value] of fieldsOf(bytes)) {
      if (field === 2 && value instanceof Uint8Array) links.push(linkOf(value))
      if (field !== 1 || !(value instanceof Uint8Array)) continue
      for (const [inner, number] of fieldsOf(value)) {
        if (inner === 1 && typeof number === 'number') kind = kinds[number]
        if (inner === 3 && typeof number === 'number') sizeBytes = number
        if (inner === 6 && typeof number === 'number') fanout = number
      }
    }
    if (kind == null) return null
    return kind === 'shard'
      ? { kind, sizeBytes: null, ...shardOf(links, fanout) }
      : { kind, sizeBytes, entries: links.map(entryOf), shards: [] }
  } catch {
    return null
  }
}

interface Link { hash: Uint8Array, name: string, sizeBytes: number }

function linkOf (bytes: Uint8Array): Link {
  const link = { hash: new Uint8Array(), name: '', sizeBytes: 0 }
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1 && value instanceof Uint8Array) link.hash = value as Uint8Array<ArrayBuffer>
    if (field === 2 && value instanceof Uint8Array) link.name = new TextDecoder().decode(value)
    if (field === 3 && typeof value === 'number') link.sizeBytes = value
  }
  return link
}

const entryOf = ({ hash, name, sizeBytes }: Link): UnixFsEntry => ({ name, sizeBytes, isFile: hash[0] === 1 && hash[1] === rawCodec })

/**
 * Names begin with the place in the shard, in as many hexadecimal digits as the last place has; what has no more than that is a shard below
 * (UnixFS specification, HAMTShard).
 */
function shardOf (links: readonly Link[], fanout: number): Pick<UnixFsBlock, 'entries' | 'shards'> {
  const digits = (fanout - 1).toString(16).length
  return {
    entries: links.filter(({ name }) => name.length > digits).map(link => entryOf({ ...link, name: link.name.slice(digits) })),
    shards: links.filter(({ name }) => name.length <= digits).map(({ hash }) => cidOf(hash))
  }
}

/** A multihash alone is a CID of version 0, and the same as one of version 1 for dag-pb. */
const cidOf = (hash: Uint8Array): string => `b${base32(hash[0] === 0x12 ? new Uint8Array([1, 0x70, ...hash]) : hash)}`

/** The fields of a protobuf message. */
function * fieldsOf (bytes: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      if (byte == null || factor > 2 ** 56) throw new RangeError('the block is broken')
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const wire = tag & 7
    if (wire === 0) yield [Math.floor(tag / 8), varint()]
    else if (wire === 2) {
      const end = varint() + at
      if (end > bytes.length) throw new RangeError('the block is broken')
      yield [Math.floor(tag / 8), bytes.subarray(at, end)]
      at = end
    } else throw new RangeError('the block is broken')
  }
}
