import { decode as decodeDagPb } from '@ipld/dag-pb'
import { isClusterError } from '../../base/errors.ts'
import type { DagReader, GetBlock } from '../../ipfs/dag-reader.ts'
import { nextLink } from '../../ipfs/dag-reader.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { CID } from '../../model/cid.ts'
import { dagPbCodec } from '../../model/multicodec.ts'

export interface DagSizeDeps { reader: Pick<DagReader, 'waitingLinks' | 'seenBlocks'>, ipfs: Pick<IpfsConnector, 'getBlock'> }

const blocksPerRoom = 1024

/**
 * Bytes of a DAG's distinct blocks. Where all of them are on this peer they are counted; else the root is fetched, and what its links say
 * is taken, which whoever made the DAG may have written as it likes. Rejects as reading a block does.
 */
export async function dagSize (root: CID, deps: DagSizeDeps, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
  try {
    return await countedSize(root, deps, signal)
  } catch (err) {
    if (!isClusterError(err, 'BLOCK_MISSING')) throw err
    return toldSize(root, await deps.ipfs.getBlock(root, { root, ...(signal == null ? {} : { signal }) }))
  }
}

async function countedSize (root: CID, { reader, ipfs }: DagSizeDeps, signal: AbortSignal | undefined): Promise<number> {
  const get: GetBlock = async cid => ipfs.getBlock(cid, { local: true, ...(signal == null ? {} : { signal }) })
  const seen = reader.seenBlocks()
  const waiting = reader.waitingLinks(get)
  let size = 0
  let blocks = 0
  try {
    for (let cid: CID | undefined = root; cid != null; cid = (await nextLink(waiting))?.cid) {
      signal?.throwIfAborted()
      if (!seen.add(cid.multihash.bytes)) continue
      if (++blocks % blocksPerRoom === 0) await seen.room()
      const bytes = await get(cid)
      size += bytes.length
      waiting.push({ cid, bytes }, -1)
      await waiting.room()
    }
    return size
  } finally {
    await waiting.close()
    await seen.close()
  }
}

function toldSize (root: CID, bytes: Uint8Array): number {
  if (root.code !== dagPbCodec) return bytes.length
  const links = decodeDagPb(bytes).Links
  const sum = links.reduce((total, { Tsize }) => total + Math.max(0, Tsize ?? 0), bytes.length)
  return Number.isSafeInteger(sum) ? sum : Number.MAX_SAFE_INTEGER
}
