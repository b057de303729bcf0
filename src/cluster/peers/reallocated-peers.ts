import { keepNewest } from '../../base/keep-newest.ts'
import type { CID, PeerId } from '../../model/cid.ts'

const remembered = 1024
const lossesUntilExcluded = 3

/**
 * Notices peers that lose again what they are given: somebody else empties them, most likely another removal, which only the peer that was
 * asked for it knows of. Two removals that give to each other's peers would go on for ever. Remembers the latest thousand gifts only: what
 * goes to and fro is among them.
 */
export class ReallocatedPeers {
  readonly #given = new Map<string, ReadonlySet<PeerId>>()
  readonly #losses = new Map<PeerId, number>()

  /** The item was given to these peers; one that had it before has lost it since. */
  gave (cid: CID, holders: readonly PeerId[]): void {
    const key = cid.toString()
    const before = this.#given.get(key)
    this.lost(holders.filter(holder => before?.has(holder)))
    this.#given.delete(key)
    this.#given.set(key, new Set([...before ?? [], ...holders]))
    keepNewest(this.#given, remembered)
  }

  /** These peers have lost something. */
  lost (holders: readonly PeerId[]): void {
    for (const holder of holders) this.#losses.set(holder, (this.#losses.get(holder) ?? 0) + 1)
  }

  /** Those that lost what they got too often to be given anything more. */
  reallocated (): PeerId[] { return [...this.#losses].filter(([, losses]) => losses >= lossesUntilExcluded).map(([peer]) => peer) }
}
