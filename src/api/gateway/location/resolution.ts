import { CID } from 'multiformats/cid'
import { keepNewest } from '../../../base/keep-newest.ts'
import { quotedText } from '../../../base/text/byte-text.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { DagReader, GetBlock } from '../../../ipfs/dag-reader.ts'
import { noLink } from '../../../ipfs/dag-reader.ts'
import { parseCid } from '../../../model/cid.ts'
import { dagPbCodec } from '../../../model/multicodec.ts'
import { decodeBlock } from '../../common/dag/codecs.ts'
import { fieldOf } from '../../common/dag/ipld-path.ts'
import { encodeName } from './content-path.ts'
import type { Target } from '../request-context.ts'

/** Where a path led: the last block's CID, the roots and blocks on the way, and names that go on inside of it. */
export type ResolvedPath = Pick<Target, 'cid' | 'roots' | 'pathBlocks' | 'rest'>

/** `/ipfs/root/names…`, decoded. */
export interface ImmutablePath { root: string, names: readonly string[] }

/** Codecs whose fields a path may go through: dag-cbor, dag-json; plain ones have no links. */
const withFields = new Set([0x71, 0x0129, 0x51, 0x0200])
/** Resolved paths that are remembered. */
const rememberedPaths = 4096
const longestRemembered = 512

/**
 * Follows paths below `/ipfs/`. What a path leads to never changes, so resolved paths are remembered, in bounded memory.
 */
export class Resolution {
  readonly #reader: DagReader
  readonly #known = new Map<string, ResolvedPath>()

  constructor ({ reader }: { reader: DagReader }) { this.#reader = reader }

  /** Throws INVALID_CID, NOT_FOUND for a missing name, and what `get` throws. */
  async resolve ({ root, names }: ImmutablePath, get: GetBlock): Promise<ResolvedPath> {
    const cid = rootCid(root, names)
    if (names.length === 0) return { cid, roots: [cid], pathBlocks: [], rest: [] }
    // a decoded name may hold a slash itself
    const key = `${cid.toString()}/${names.map(encodeName).join('/')}`
    const known = this.#known.get(key)
    if (known != null) return known
    const resolved = await this.#follow(cid, names, get)
    if (key.length <= longestRemembered) this.#remember(key, resolved)
    return resolved
  }

  #remember (key: string, resolved: ResolvedPath): void {
    this.#known.set(key, resolved)
    keepNewest(this.#known, rememberedPaths)
  }

  async #follow (root: CID, names: readonly string[], get: GetBlock): Promise<ResolvedPath> {
    const roots = [root]
    const pathBlocks: CID[] = []
    const noting: GetBlock = async cid => {
      const bytes = await get(cid)
      pathBlocks.push(cid)
      return bytes
    }
    let cid = root
    for (let at = 0; at < names.length;) {
      const step = await this.#step(cid, names.slice(at), noting)
      if (step == null) return { cid, roots, pathBlocks, rest: names.slice(at) }
      cid = step.cid
      at += step.used
      roots.push(cid)
    }
    return { cid, roots, pathBlocks, rest: [] }
  }

  /** The next block and how many names led to it; undefined when the names stay inside of this one. */
  async #step (cid: CID, names: readonly string[], get: GetBlock): Promise<{ cid: CID, used: number } | undefined> {
    const [name = ''] = names
    if (cid.code === dagPbCodec) {
      const found = await this.#reader.findEntry(cid, name, get)
      if (found == null) throw noLink(name, cid)
      return { cid: found, used: 1 }
    }
    if (!withFields.has(cid.code)) {
      // a block that isn't here is the better reason
      await get(cid)
      throw noLink(name, cid)
    }
    let value = decodeBlock(cid.code, await get(cid))
    for (const [at, field] of names.entries()) {
      value = fieldOf(value, field, cid)
      const link = CID.asCID(value)
      if (link != null) return { cid: link, used: at + 1 }
    }
    return undefined
  }
}

function rootCid (root: string, names: readonly string[]): CID {
  try {
    return parseCid(root)
  } catch (err) {
    const path = ['/ipfs', root, ...names].join('/').slice(0, 300)
    const why = err instanceof Error ? err.message : ''
    const message = `invalid path ${quotedText(path)}: ${why}`
    throw new ClusterError('INVALID_CID', { root: root.slice(0, 100) }, { message, cause: err })
  }
}
