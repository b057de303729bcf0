import { decode as decodePb } from '@ipld/dag-pb'
import type { PBNode } from '@ipld/dag-pb'
import { murmur3128 } from '@multiformats/murmur3'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { DirectoryEntry, GetBlock, UnixFsNode } from '../dag-reader.ts'

const kinds: Record<string, UnixFsNode['kind']> = { file: 'file', raw: 'file', directory: 'directory', 'hamt-sharded-directory': 'shard', symlink: 'symlink' }

/** Reads a block as UnixFS. Throws UNSUPPORTED for other codecs and INVALID_DATA for what can't be read. */
export async function readNode (cid: CID, get: GetBlock): Promise<UnixFsNode> {
  if (cid.code === 0x55) return { cid, kind: 'raw', links: [], unixfs: undefined, data: await get(cid) }
  if (cid.code !== 0x70) throw new ClusterError('UNSUPPORTED', { cid: cid.toString(), codec: cid.code }, { message: `${cid.toString()} is not UnixFS` })
  const node = decodeNode(cid, await get(cid))
  const unixfs = decodeUnixFs(cid, node)
  const kind = kinds[unixfs.type]
  if (kind == null) throw new ClusterError('UNSUPPORTED', { cid: cid.toString(), type: unixfs.type }, { message: `${cid.toString()} is of the UnixFS type ${unixfs.type}` })
  return { cid, kind, links: node.Links, unixfs, data: unixfs.data ?? new Uint8Array(0) }
}

/** The CID behind a name of a dag-pb node: in a sharded directory by the name's hash, else by the link's name. */
export async function findEntry (cid: CID, name: string, get: GetBlock): Promise<CID | undefined> {
  const node = decodeNode(cid, await get(cid))
  if (shardWidthBits(node) == null) return node.Links.find(link => link.Name === name)?.Hash
  return findInShard(node, new HashBits(name), name, get)
}

async function findInShard (node: PBNode, bits: HashBits, name: string, get: GetBlock): Promise<CID | undefined> {
  const width = shardWidthBits(node)
  if (width == null) return undefined
  const prefixLength = hexDigits(width)
  const prefix = bits.next(width).toString(16).toUpperCase().padStart(prefixLength, '0')
  for (const { Name = '', Hash } of node.Links) {
    if (Name === prefix + name) return Hash
    if (Name === prefix) return findInShard(decodeNode(Hash, await get(Hash)), bits, name, get)
  }
  return undefined
}

/** All entries of a plain or sharded directory, in the order of the links. */
export async function * listEntries (node: UnixFsNode, get: GetBlock): AsyncGenerator<DirectoryEntry> {
  if (node.kind === 'shard') {
    yield * listShard({ Links: [...node.links], Data: node.unixfs?.marshal() ?? new Uint8Array(0) }, get)
    return
  }
  for (const { Name = '', Hash, Tsize = 0 } of node.links) yield { name: Name, cid: Hash, sizeBytes: Tsize }
}

async function * listShard (node: PBNode, get: GetBlock): AsyncGenerator<DirectoryEntry> {
  const width = shardWidthBits(node)
  if (width == null) throw new ClusterError('INVALID_DATA', {}, { message: 'a part of a sharded directory is of another kind' })
  const prefixLength = hexDigits(width)
  for (const { Name = '', Hash, Tsize = 0 } of node.Links) {
    if (Name.length > prefixLength) yield { name: Name.slice(prefixLength), cid: Hash, sizeBytes: Tsize }
    else yield * listShard(decodeNode(Hash, await get(Hash)), get)
  }
}

/** Bits of hash that one level of a sharded directory uses; undefined for other nodes. */
function shardWidthBits (node: PBNode): number | undefined {
  if (node.Data == null) return undefined
  try {
    const unixfs = UnixFS.unmarshal(node.Data)
    if (unixfs.type !== 'hamt-sharded-directory') return undefined
    return Math.log2(Number(unixfs.fanout ?? 256n))
  } catch {
    return undefined
  }
}

const hexDigits = (widthBits: number): number => (2 ** widthBits - 1).toString(16).length

/** The first 64 bits of a name's murmur3-x64-128, from the most significant on. */
class HashBits {
  readonly #bits: bigint
  #left = 64

  constructor (name: string) {
    const hash = murmur3128.encode(new TextEncoder().encode(name)) as Uint8Array
    this.#bits = new DataView(hash.buffer, hash.byteOffset, 8).getBigUint64(0)
  }

  /** -1 when the hash is used up. */
  next (count: number): number {
    this.#left -= count
    return this.#left < 0 ? -1 : Number((this.#bits >> BigInt(this.#left)) & ((1n << BigInt(count)) - 1n))
  }
}

function decodeNode (cid: CID, bytes: Uint8Array): PBNode {
  try {
    return decodePb(bytes)
  } catch (err) {
    throw new ClusterError('INVALID_DATA', { cid: cid.toString() }, { message: `${cid.toString()} is not dag-pb: ${messageOf(err)}`, cause: err })
  }
}

function decodeUnixFs (cid: CID, node: PBNode): UnixFS {
  try {
    return UnixFS.unmarshal(node.Data ?? new Uint8Array(0))
  } catch (err) {
    throw new ClusterError('UNSUPPORTED', { cid: cid.toString() }, { message: `${cid.toString()} is not UnixFS: ${messageOf(err)}`, cause: err })
  }
}
