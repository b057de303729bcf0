import { CID } from 'multiformats/cid'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import { percentEncode } from '../../../base/text/percent-encode.ts'
import { parseCid } from '../../../model/cid.ts'
import { decodeDagCbor } from '../../../model/dag-cbor.ts'
import { dagCborCodec, dagPbCodec } from '../../../model/multicodec.ts'
import { findEntry } from './directory.ts'
import type { GetBlock } from '../../dag-reader.ts'
import { noLink } from '../../dag-reader.ts'

/** A path without its namespace: a CID and the names after it. */
export interface ParsedPath { root: CID, names: string[] }

/**
 * `/ipfs/CID/a/b`, `/ipld/CID/a/b` or a bare `CID/a/b`. Empty and trailing slashes don't count. Throws INVALID_CID, and UNSUPPORTED for
 * `/ipns/…`: names are not looked up here.
 */
export function parsePath (path: string): ParsedPath {
  const parts = path.split('/').filter(part => part !== '')
  const namespace = path.startsWith('/') ? parts.shift() : undefined
  if (namespace === 'ipns') {
    throw new ClusterError('UNSUPPORTED', { path }, {
      message: `could not resolve name: the embedded IPFS node does not look up /ipns/ names: ${path}`
    })
  }
  if (namespace != null && namespace !== 'ipfs' && namespace !== 'ipld') {
    throw new ClusterError('INVALID_ARGUMENT', { path }, { message: `invalid path "${path}": unknown namespace "${namespace}"` })
  }
  const [root = '', ...names] = parts
  return { root: parseCid(root), names }
}

/** Follows the names from the root: UnixFS directories (sharded, too), named dag-pb links, fields of dag-cbor. */
export async function resolveNames ({ root, names }: ParsedPath, get: GetBlock): Promise<CID> {
  let at: Position = { cid: root }
  for (const name of names) at = await step(at, name, get)
  if ('value' in at) {
    throw new ClusterError('NOT_FOUND', {}, { message: `cannot resolve to a CID: the path ends inside of ${at.cid.toString()}` })
  }
  return at.cid
}

/** Where a path has come: at a block, or at a value inside of a dag-cbor block. */
type Position = { cid: CID } | { cid: CID, value: unknown }

async function step (at: Position, name: string, get: GetBlock): Promise<Position> {
  const { cid } = at
  if ('value' in at) return inside(at.value, name, cid)
  if (cid.code === dagPbCodec) {
    const found = await findEntry(cid, name, get)
    if (found == null) throw noLink(name, cid)
    return { cid: found }
  }
  if (cid.code === dagCborCodec) return inside(decodedCbor(cid, await get(cid)), name, cid)
  throw noLink(name, cid)
}

function decodedCbor (cid: CID, bytes: Uint8Array): unknown {
  try {
    return decodeDagCbor(bytes)
  } catch (err) {
    throw new ClusterError(
      'INVALID_DATA', { cid: cid.toString() }, { message: `${cid.toString()} is not dag-cbor: ${messageOf(err)}`, cause: err }
    )
  }
}

function inside (value: unknown, name: string, cid: CID): Position {
  const isMap = typeof value === 'object' && value != null && Object.hasOwn(value, name)
  if (!isMap) throw noLink(name, cid)
  const next = (value as Record<string, unknown>)[name]
  const link = CID.asCID(next)
  return link == null ? { cid, value: next } : { cid: link }
}

/** An error of a look-up in the words that Go passes on from Kubo. Aborts and IPFS_UNAVAILABLE stay what they are. */
export function resolveError (path: string, err: unknown): unknown {
  if (!isClusterError(err) || err.code === 'IPFS_UNAVAILABLE' || err.code === 'TIMEOUT' || err.code === 'DENIED') return err
  return new ClusterError('IPFS_ERROR', err.details, {
    message: `IPFS error (resolve?arg=${percentEncode(path)}). Code: 500. Message: ${messageOf(err)}`, cause: err
  })
}
