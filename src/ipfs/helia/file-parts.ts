import { ClusterError } from '../../base/errors.ts'
import type { ByteRange, FilePart, UnixFsNode } from '../dag-reader.ts'

/** Length of a file's content in bytes. */
export function fileSize (node: UnixFsNode): number {
  return node.unixfs == null ? node.data.length : Number(node.unixfs.fileSize())
}

/** The children that the range needs, with the range as they see it. */
export function partsOf (node: UnixFsNode, range: ByteRange): FilePart[] {
  const sizes = node.unixfs?.blockSizes ?? []
  if (sizes.length !== node.links.length) throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: `${node.cid.toString()} has links without sizes` })
  let at = node.data.length
  return node.links.flatMap(({ Hash: cid }, index) => {
    const sizeBytes = Number(sizes[index])
    const inner = { from: range.from - at, before: range.before - at }
    at += sizeBytes
    return inner.from >= sizeBytes || inner.before <= 0 ? [] : [{ cid, sizeBytes, inner }]
  })
}
