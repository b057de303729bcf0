import { isClusterError } from '../../../base/errors.ts'
import type { DagReader, DirectoryEntry, GetBlock } from '../../../ipfs/dag-reader.ts'
import type { CID } from '../../../model/cid.ts'
import { dagPbCodec, rawCodec } from '../../../model/multicodec.ts'
import type { EntryKind } from '../pages/listing-page.ts'

export interface EntryKindsDeps {
  reader: DagReader
  /** The block when it is here; nothing is fetched for a word on a page. */
  peek: (cid: CID) => Promise<Uint8Array | undefined>
}

/** Blocks that are looked at for one page. */
const mostLooks = 256

/**
 * What the entries of a listing are. A link doesn't say whether it leads to a file or a folder: the first blocks are looked at where they
 * are here.
 */
export function entryKinds ({ reader, peek }: EntryKindsDeps): (entry: DirectoryEntry) => Promise<EntryKind> | EntryKind {
  let looks = 0
  return ({ cid }) => {
    if (cid.code === rawCodec) return 'file'
    if (cid.code !== dagPbCodec) return 'data'
    return looks++ < mostLooks ? kindOf(cid, { reader, peek }) : undefined
  }
}

async function kindOf (cid: CID, { reader, peek }: EntryKindsDeps): Promise<EntryKind> {
  const bytes = await peek(cid)
  if (bytes == null) return undefined
  const get: GetBlock = async () => bytes
  try {
    const { kind } = await reader.readNode(cid, get)
    return kind === 'directory' || kind === 'shard' ? 'folder' : kind === 'symlink' ? 'link' : 'file'
  } catch (err) {
    if (isClusterError(err)) return 'data'
    throw err
  }
}
