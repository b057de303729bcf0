import { decode as decodePb } from '@ipld/dag-pb'
import type { PBNode } from '@ipld/dag-pb'
import { murmur3128 } from '@multiformats/murmur3'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { DirectoryEntry, GetBlock, Prefetch, UnixFsNode } from '../dag-reader.ts'

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
  return findInShard(node, name, get)
}

async function findInShard (root: PBNode, name: string, get: GetBlock): Promise<CID | undefined> {
  const bits = new HashBits(name)
  for (let node = root; ;) {
    const width = shardWidthBits(node)
    if (width == null) return undefined
    const prefix = bits.next(width).toString(16).toUpperCase().padStart(hexDigits(width), '0')
    const found = node.Links.find(link => link.Name === prefix + name || link.Name === prefix)
    if (found == null || found.Name !== prefix) return found?.Hash
    node = decodeNode(found.Hash, await get(found.Hash))
  }
}

/** All entries of a plain or sharded directory, in the order of the links. */
export async function * listEntries (node: UnixFsNode, get: GetBlock, { prefetch }: { prefetch?: Prefetch | undefined } = {}): AsyncGenerator<DirectoryEntry> {
  if (node.kind === 'shard') {
    yield * listShard({ Links: [...node.links], Data: node.unixfs?.marshal() ?? new Uint8Array(0) }, { get, prefetch })
    return
  }
  for (const { Name = '', Hash, Tsize = 0 } of node.links) yield { name: Name, cid: Hash, sizeBytes: Tsize }
}

/** Parts of one node that are fetched before their turn. They are small, and most directories have two levels. */
const shardsAhead = 64

/** `usedBits`: of the names' hashes by the levels above, which bounds the depth. */
async function * listShard (node: PBNode, deps: { get: GetBlock, prefetch: Prefetch | undefined }, usedBits = 0): AsyncGenerator<DirectoryEntry> {
  const width = shardWidthBits(node)
  if (width == null) throw new ClusterError('INVALID_DATA', {}, { message: 'a part of a sharded directory is of another kind' })
  if (usedBits + width > hashBits) throw tooDeep()
  const prefixLength = hexDigits(width)
  const isPart = ({ Name = '' }: { Name?: string }): boolean => Name.length <= prefixLength
  const parts = deps.prefetch == null ? [] : node.Links.filter(isPart)
  let [begun, read] = [0, 0]
  for (const link of node.Links) {
    const { Name = '', Hash, Tsize = 0 } = link
    if (!isPart(link)) {
      yield { name: Name.slice(prefixLength), cid: Hash, sizeBytes: Tsize }
      continue
    }
    // why one can't be had shows when it is read
    for (; begun < parts.length && begun - read < shardsAhead; begun++) deps.prefetch?.((parts[begun] as { Hash: CID }).Hash)?.catch(() => {})
    read++
    yield * listShard(decodeNode(Hash, await deps.get(Hash)), deps, usedBits + width)
  }
}

/** Bits of hash that one level of a sharded directory uses; undefined for other nodes. Throws INVALID_DATA for a fanout that Kubo doesn't take either. */
function shardWidthBits (node: PBNode): number | undefined {
  const unixfs = node.Data == null ? undefined : unixFsIn(node.Data)
  if (unixfs?.type !== 'hamt-sharded-directory') return undefined
  const width = widths.get(unixfs.fanout ?? 256n)
  if (width == null) throw new ClusterError('INVALID_DATA', { fanout: String(unixfs.fanout) }, { message: `a sharded directory has the fanout ${unixfs.fanout}` })
  // a listing holds the links of all levels above
  if (node.Links.length > 2 ** width) throw new ClusterError('INVALID_DATA', { links: node.Links.length }, { message: 'a node of a sharded directory has more links than its fanout' })
  return width
}

/** Bits by fanout: powers of two from 8 to 1024. */
const widths = new Map([3, 4, 5, 6, 7, 8, 9, 10].map(bits => [2n ** BigInt(bits), bits]))

function unixFsIn (data: Uint8Array): UnixFS | undefined {
  try {
    return UnixFS.unmarshal(data)
  } catch {
    return undefined
  }
}

const hexDigits = (widthBits: number): number => (2 ** widthBits - 1).toString(16).length

const hashBits = 64

const tooDeep = (): ClusterError => new ClusterError('INVALID_DATA', {}, { message: 'a sharded directory is nested too deeply' })

/** The first 64 bits of a name's murmur3-x64-128, from the most significant on. */
class HashBits {
  readonly #bits: bigint
  #left = hashBits

  constructor (name: string) {
    const hash = murmur3128.encode(new TextEncoder().encode(name)) as Uint8Array
    this.#bits = new DataView(hash.buffer, hash.byteOffset, 8).getBigUint64(0)
  }

  /** Throws INVALID_DATA when the hash is used up. */
  next (count: number): number {
    this.#left -= count
    if (this.#left < 0) throw tooDeep()
    return Number((this.#bits >> BigInt(this.#left)) & ((1n << BigInt(count)) - 1n))
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
