import type { CID } from '../../model/cid.ts'
import { blockKey } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'

/** A tip of the DAG as far as it is here. */
export interface Head { cid: CID, priority: number }

/** A block that is linked but isn't here. `root`: id of the head through which it became known. */
export interface MissingBlock { cid: CID, root: string }

/** The edge of what is here, by block key. */
export interface Frontier { heads: Edge<Head>, missing: Edge<MissingBlock> }
type Edge<T> = Pick<ReadonlyMap<string, T>, 'has' | 'get'>

/** How a merged block moves the edge. */
export interface FrontierMove {
  addHead: Head | undefined
  removeHeads: string[]
  addMissing: Array<[id: string, block: MissingBlock]>
  removeMissing: string | undefined
}

/**
 * Heads are exactly the merged blocks that no merged block links: a block that was wanted is linked, so it is none. Go comes to the same
 * heads once a branch is walked; here they hold at every step, so that a write made meanwhile stands above all that was merged.
 */
export function moveFrontier (frontier: Frontier, block: CrdtBlock, isHere: (id: string) => boolean): FrontierMove {
  const id = blockKey(block.cid)
  const wanted = frontier.missing.get(id)
  const root = wanted?.root ?? id
  const move: FrontierMove = {
    // of a head that was lost the height may not have been known
    addHead: wanted == null || frontier.heads.has(id) ? { cid: block.cid, priority: block.delta.priority } : undefined,
    removeHeads: [],
    addMissing: [],
    removeMissing: wanted == null ? undefined : id
  }
  for (const cid of block.links) {
    const linked = blockKey(cid)
    if (frontier.heads.has(linked)) move.removeHeads.push(linked)
    else if (!frontier.missing.has(linked) && !isHere(linked)) move.addMissing.push([linked, { cid, root }])
  }
  return move
}
