import type { CID } from '../../model/cid.ts'
import { blockKey, crdtBlockPlace } from '../../wire/crdt-block.ts'
import type { HistoryBlock, HistoryRequest } from '../history.ts'
import { Heap } from './heap.ts'

export interface WalkInit {
  /** Blocks that may wait to be walked: the width of the DAG. The walk ends when there are more. */
  maxWidth: number
  /** Bytes of waiting blocks that are kept in memory; the rest is read twice. */
  keptBytes: number
}

/** 50,000 blocks that wait, 4 MiB of their bytes in memory. */
export const walkDefaults: WalkInit = { maxWidth: 50_000, keptBytes: 4 * 1024 * 1024 }

/** Links of a waiting block that are kept; of one that has more they are read again. Writers link to the heads, which are few. */
const keptLinks = 64

interface Place { cid: CID, links: CID[] | undefined, priority: number, isKnown: boolean, bytes: Uint8Array | undefined }

/**
 * The blocks under the roots that aren't under what is known, from the highest down, so that all parents come before their links. Each
 * once, in memory that depends on the DAG's width and not on its depth: by the time a block's turn comes, all that links it has been
 * walked, as heights fall along links. (Where a faulty writer's don't, blocks come twice.) `undefined` is yielded for a step that gives no
 * block. What isn't stored here ends its branch.
 */
export function * historyWalk (
  { roots, known }: HistoryRequest, getBlock: (cid: CID) => Uint8Array | undefined, init = walkDefaults
): Generator<HistoryBlock | undefined> {
  const frontier = new Frontier(getBlock, init.keptBytes)
  for (const cid of roots) frontier.add(cid, false)
  for (const cid of known) frontier.add(cid, true)
  while (frontier.neededCount > 0 && frontier.size <= init.maxWidth) {
    const place = frontier.take()
    if (place == null) return
    const bytes = place.isKnown && place.links != null ? undefined : place.bytes ?? getBlock(place.cid)
    for (const link of place.links ?? (bytes == null ? [] : crdtBlockPlace(bytes).links)) frontier.add(link, place.isKnown)
    yield bytes == null || place.isKnown ? undefined : { cid: place.cid, bytes }
  }
}

/** Blocks that are to be walked, the highest first. */
class Frontier {
  /** How many of them are needed. */
  neededCount = 0
  readonly #getBlock: (cid: CID) => Uint8Array | undefined
  readonly #places = new Map<string, Place>()
  readonly #order = new Heap<Place>((a, b) => a.priority > b.priority)
  #roomBytes: number

  constructor (getBlock: (cid: CID) => Uint8Array | undefined, keptBytes: number) {
    this.#getBlock = getBlock
    this.#roomBytes = keptBytes
  }

  get size (): number { return this.#places.size }

  add (cid: CID, isKnown: boolean): void {
    const id = blockKey(cid)
    const waiting = this.#places.get(id)
    if (waiting == null) this.#insert(id, cid, isKnown)
    else if (isKnown && !waiting.isKnown) {
      waiting.isKnown = true
      this.neededCount--
    }
  }

  /** The highest. */
  take (): Place | undefined {
    const place = this.#order.pop()
    if (place == null) return undefined
    this.#places.delete(blockKey(place.cid))
    if (!place.isKnown) this.neededCount--
    this.#roomBytes += place.bytes?.length ?? 0
    return place
  }

  #insert (id: string, cid: CID, isKnown: boolean): void {
    const bytes = this.#getBlock(cid)
    if (bytes == null) return
    const isKept = !isKnown && bytes.length <= this.#roomBytes
    const { priority, links } = crdtBlockPlace(bytes)
    const place: Place = { cid, priority, links: links.length <= keptLinks ? links : undefined, isKnown, bytes: isKept ? bytes : undefined }
    if (isKept) this.#roomBytes -= bytes.length
    if (!isKnown) this.neededCount++
    this.#places.set(id, place)
    this.#order.push(place)
  }
}
