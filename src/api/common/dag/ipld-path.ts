import { CID } from 'multiformats/cid'
import { ClusterError } from '../../../base/errors.ts'
import type { DagReader, GetBlock } from '../../../ipfs/dag-reader.ts'
import { noLink } from '../../../ipfs/dag-reader.ts'
import { parseCid } from '../../../model/cid.ts'
import { dagPbCodec } from '../../../model/multicodec.ts'
import { decodeBlock } from './codecs.ts'

/**
 * Follows `/ipfs/CID/…` through names of directories and fields of values: the last block, and the names that lead on inside of it.
 * Throws UNSUPPORTED for `/ipns/…`, INVALID_CID, NOT_FOUND for a name that leads nowhere, and what reading a block throws.
 */
export async function lookUp (path: string, reader: DagReader, get: GetBlock): Promise<{ cid: CID, rest: string[] }> {
  const [namespace, root = '', ...names] = path.split('/').slice(1)
  if (namespace === 'ipns') {
    throw new ClusterError('UNSUPPORTED', { path }, {
      message: `could not resolve name: the embedded IPFS node does not look up /ipns/ names: ${path}`
    })
  }
  let cid = parseCid(root)
  while (names.length > 0) {
    const next = cid.code === dagPbCodec ? await pbStep(cid, names, { reader, get }) : await valueStep(cid, names, get)
    if (next == null) return { cid, rest: names }
    cid = next
  }
  return { cid, rest: [] }
}

/** The next block; undefined when the names stay in this one. Takes the names that it used. */
async function pbStep (cid: CID, names: string[], { reader, get }: { reader: DagReader, get: GetBlock }): Promise<CID | undefined> {
  const [name = ''] = names
  const found = await reader.findEntry(cid, name, get)
  if (found != null) {
    names.shift()
    return found
  }
  if (name !== 'Links' && name !== 'Data') throw noLink(name, cid)
  return valueStep(cid, names, get)
}

async function valueStep (cid: CID, names: string[], get: GetBlock): Promise<CID | undefined> {
  let value = decodeBlock(cid.code, await get(cid))
  for (const [at, name] of names.entries()) {
    value = fieldOf(value, name, cid)
    const link = CID.asCID(value)
    if (link != null) {
      names.splice(0, at + 1)
      return link
    }
  }
  return undefined
}

/** The value that these names lead to inside of one block's value. Throws NOT_FOUND (`noLink`); `cid` names the block. */
export function inside (value: unknown, names: readonly string[], cid: CID): unknown {
  return names.reduce((at, name) => fieldOf(at, name, cid), value)
}

/** The value of a field. Throws NOT_FOUND (`noLink`) for what has none of this name. */
export function fieldOf (value: unknown, name: string, cid: CID): unknown {
  const isContainer = typeof value === 'object' && value != null && !(value instanceof Uint8Array) && Object.hasOwn(value, name)
  if (!isContainer) throw noLink(name, cid)
  return (value as Record<string, unknown>)[name]
}
