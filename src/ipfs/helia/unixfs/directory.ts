import type { PBLink } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { murmur3 } from '../../../hash/murmur3.ts'
import { bytesOfText } from '../../../base/text/byte-text.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import { dagPbCodec, rawCodec } from '../../../model/multicodec.ts'
import type { DirectoryEntry, GetBlock, Prefetch, UnixFsNode } from '../../dag-reader.ts'
import { PbNode } from './pb-node.ts'

const kinds: Record<string, UnixFsNode['kind']> = {
  file: 'file', raw: 'file', directory: 'directory', 'hamt-sharded-directory': 'shard', symlink: 'symlink'
}

/** Reads a block as UnixFS. Throws UNSUPPORTED for other codecs and INVALID_DATA for what can't be read. */
export async function readNode (cid: CID, get: GetBlock): Promise<UnixFsNode> {
  if (cid.code === rawCodec) return { cid, kind: 'raw', links: [], unixfs: undefined, data: await get(cid) }
  if (cid.code !== dagPbCodec) {
    throw new ClusterError('UNSUPPORTED', { cid: cid.toString(), codec: cid.code }, { message: `${cid.toString()} is not UnixFS` })
  }
  const bytes = await get(cid)
  const known = read.get(bytes)
  if (known?.cid.version === cid.version) return known
  const node = decodeNode(cid, bytes)
  const unixfs = decodeUnixFs(cid, node)
  const kind = kinds[unixfs.type]
  if (kind == null) {
    throw new ClusterError(
      'UNSUPPORTED', { cid: cid.toString(), type: unixfs.type }, { message: `${cid.toString()} is of the UnixFS type ${unixfs.type}` }
    )
  }
  const made = new PbUnixFsNode({ cid, kind, unixfs, node })
  read.set(bytes, made)
  return made
}

/** What bytes were read as, for as long as somebody keeps them: of a file that is read in ranges its first node is asked for each time. */
const read = new WeakMap<Uint8Array, PbUnixFsNode>()

/** A UnixFS node of dag-pb, whose links become objects when somebody asks for all of them. */
class PbUnixFsNode implements UnixFsNode {
  readonly cid: CID
  readonly kind: UnixFsNode['kind']
  readonly unixfs: UnixFS
  readonly data: Uint8Array
  readonly node: PbNode
  #links: readonly PBLink[] | undefined

  constructor ({ cid, kind, unixfs, node }: { cid: CID, kind: UnixFsNode['kind'], unixfs: UnixFS, node: PbNode }) {
    this.cid = cid
    this.kind = kind
    this.unixfs = unixfs
    this.data = unixfs.data ?? new Uint8Array(0)
    this.node = node
  }

  get links (): readonly PBLink[] { return this.#links ??= told(this.cid, () => [...this.node.links()]) }
}

/** The CID behind a name of a dag-pb node: in a sharded directory by the name's hash, else by the link's name. */
export async function findEntry (at: CID | UnixFsNode, name: string, get: GetBlock): Promise<CID | undefined> {
  if ('kind' in at && !(at instanceof PbUnixFsNode)) return undefined
  const [cid, node] = 'kind' in at ? [at.cid, at.node] : [at, decodeNode(at, await get(at))]
  return shardWidthBits(node) == null ? told(cid, () => node.find(name)?.Hash) : findInShard({ cid, node }, name, get)
}

async function findInShard (root: ShardPart, name: string, get: GetBlock): Promise<CID | undefined> {
  const bits = new HashBits(name)
  for (let { cid, node } = root; ;) {
    const width = shardWidthBits(node)
    if (width == null) return undefined
    const prefix = bits.next(width).toString(16).toUpperCase().padStart(hexDigits(width), '0')
    const found = told(cid, () => node.find(prefix + name) ?? node.find(prefix))
    if (found == null || found.Name !== prefix) return found?.Hash
    cid = found.Hash
    node = decodeNode(cid, await get(cid))
  }
}

/** All entries of a plain or sharded directory, in the order of the links. */
export async function * listEntries (
  node: UnixFsNode, get: GetBlock, { prefetch }: { prefetch?: Prefetch | undefined } = {}
): AsyncGenerator<DirectoryEntry> {
  if (!(node instanceof PbUnixFsNode)) return
  if (node.kind === 'shard') yield * listShard(node, { get, prefetch })
  else for (const { Name = '', Hash, Tsize = 0 } of toldLinks(node)) yield { name: Name, cid: Hash, sizeBytes: Tsize }
}

/** Parts of one node that are fetched before their turn. They are small, and most directories have two levels. */
const shardsAhead = 64

interface ShardPart { cid: CID, node: PbNode }
interface ListDeps { get: GetBlock, prefetch: Prefetch | undefined }

/** `usedBits`: of the names' hashes by the levels above, which bounds the depth. */
async function * listShard ({ cid, node }: ShardPart, deps: ListDeps, usedBits = 0): AsyncGenerator<DirectoryEntry> {
  const width = shardWidthBits(node)
  if (width == null) throw new ClusterError('INVALID_DATA', {}, { message: 'a part of a sharded directory is of another kind' })
  if (usedBits + width > hashBits) throw tooDeep()
  const prefixLength = hexDigits(width)
  const isPart = ({ Name = '' }: { Name?: string }): boolean => Name.length <= prefixLength
  const links = told(cid, () => [...node.links()])
  const parts = deps.prefetch == null ? [] : links.filter(isPart)
  let [begun, read] = [0, 0]
  for (const link of links) {
    const { Name = '', Hash, Tsize = 0 } = link
    if (!isPart(link)) {
      yield { name: Name.slice(prefixLength), cid: Hash, sizeBytes: Tsize }
      continue
    }
    // why one can't be fetched shows when it is read
    for (; begun < parts.length && begun - read < shardsAhead; begun++) {
      deps.prefetch?.((parts[begun] as { Hash: CID }).Hash)?.catch(() => {})
    }
    read++
    yield * listShard({ cid: Hash, node: decodeNode(Hash, await deps.get(Hash)) }, deps, usedBits + width)
  }
}

/**
 * Bits of hash that one level of a sharded directory uses; undefined for other nodes. Throws INVALID_DATA for a fanout that Kubo doesn't
 * take either.
 */
function shardWidthBits ({ data, linkCount }: PbNode): number | undefined {
  const unixfs = data == null ? undefined : unixFsIn(data)
  if (unixfs?.type !== 'hamt-sharded-directory') return undefined
  const width = widths.get(unixfs.fanout ?? 256n)
  if (width == null) {
    throw new ClusterError(
      'INVALID_DATA', { fanout: String(unixfs.fanout) }, { message: `a sharded directory has the fanout ${unixfs.fanout}` }
    )
  }
  // a listing holds the links of all levels above
  if (linkCount > 2 ** width) {
    throw new ClusterError(
      'INVALID_DATA', { links: linkCount }, { message: 'a node of a sharded directory has more links than its fanout' }
    )
  }
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
    const hash = murmur3(bytesOfText(name))
    this.#bits = new DataView(hash.buffer, hash.byteOffset, 8).getBigUint64(0)
  }

  /** Throws INVALID_DATA when the hash is used up. */
  next (count: number): number {
    this.#left -= count
    if (this.#left < 0) throw tooDeep()
    return Number((this.#bits >> BigInt(this.#left)) & ((1n << BigInt(count)) - 1n))
  }
}

const decodeNode = (cid: CID, bytes: Uint8Array): PbNode => told(cid, () => new PbNode(bytes))

function * toldLinks ({ cid, node }: PbUnixFsNode): Generator<PBLink> {
  const links = node.links()
  for (let next = told(cid, () => links.next()); next.done !== true; next = told(cid, () => links.next())) yield next.value
}

/** What is wrong with a block is INVALID_DATA. */
function told<T> (cid: CID, read: () => T): T {
  try {
    return read()
  } catch (err) {
    throw new ClusterError(
      'INVALID_DATA', { cid: cid.toString() }, { message: `${cid.toString()} is not dag-pb: ${messageOf(err)}`, cause: err }
    )
  }
}

function decodeUnixFs (cid: CID, { data = new Uint8Array(0) }: PbNode): UnixFS {
  try {
    return UnixFS.unmarshal(data)
  } catch (err) {
    throw new ClusterError(
      'UNSUPPORTED', { cid: cid.toString() }, { message: `${cid.toString()} is not UnixFS: ${messageOf(err)}`, cause: err }
    )
  }
}
