import type { PBLink } from '@ipld/dag-pb'
import { ClusterError } from '../../../base/errors.ts'
import type { ByteRange, FilePart, UnixFsNode } from '../../dag-reader.ts'

/** Length of a file's content in bytes. */
export function fileSize (node: UnixFsNode): number {
  return node.unixfs == null ? node.data.length : Number(node.unixfs.fileSize())
}

/** The children that the range needs, with the range as they see it. */
export function partsOf (node: UnixFsNode, range: ByteRange): FilePart[] {
  const offsets = offsetsOf(node)
  const parts: FilePart[] = []
  for (let index = firstBehind(offsets, range.from); index < node.links.length; index++) {
    const [at, end] = [offsets[index] as number, offsets[index + 1] as number]
    if (at >= range.before) break
    const { Hash: cid } = node.links[index] as PBLink
    parts.push({ cid, sizeBytes: end - at, inner: { from: range.from - at, before: range.before - at } })
  }
  return parts
}

const known = new WeakMap<UnixFsNode, Float64Array>()

/** Where the children's content begins, and where the last one's ends. Looked up once for a node: many ranges may be read of it. */
function offsetsOf (node: UnixFsNode): Float64Array {
  const before = known.get(node)
  if (before != null) return before
  const sizes = node.unixfs?.blockSizes ?? []
  if (sizes.length !== node.links.length) {
    throw new ClusterError('INVALID_DATA', { cid: node.cid.toString() }, { message: `${node.cid.toString()} has links without sizes` })
  }
  const offsets = new Float64Array(sizes.length + 1)
  offsets[0] = node.data.length
  for (const [index, size] of sizes.entries()) offsets[index + 1] = (offsets[index] as number) + Number(size)
  known.set(node, offsets)
  return offsets
}

/** The first child whose content ends behind this place. */
function firstBehind (offsets: Float64Array, place: number): number {
  let [low, high] = [0, offsets.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((offsets[middle + 1] as number) <= place) low = middle + 1
    else high = middle
  }
  return low
}
