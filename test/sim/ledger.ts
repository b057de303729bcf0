import type { PeerId } from '../../src/model/cid.ts'

export type Outcome = 'pending' | 'acknowledged' | 'refused' | 'unknown'

/** Something that a user asked a peer for. `order` and `settledAt` count over the whole run. */
interface Entry { order: number, peer: PeerId, key: string, outcome: Outcome, settledAt?: number }

/** `name` is given to no other pin. `isSlow`: the pin comes some time after it was asked for, as with uploads. */
export interface PutEntry extends Entry { name: string, expires: boolean, isSlow: boolean }

/** `ids`: the versions that the peer had when it was asked. */
export interface RemovalEntry extends Entry { ids: readonly string[] }

/** What users were told. */
export class Ledger {
  readonly puts: PutEntry[] = []
  readonly removals: RemovalEntry[] = []
  #order = 0

  put (peer: PeerId, key: string, { expires, isSlow = false }: { expires: boolean, isSlow?: boolean }): PutEntry {
    const order = ++this.#order
    const entry: PutEntry = { order, peer, key, expires, isSlow, outcome: 'pending', name: `put ${order}` }
    this.puts.push(entry)
    return entry
  }

  removal (peer: PeerId, key: string, ids: readonly string[]): RemovalEntry {
    const entry: RemovalEntry = { order: ++this.#order, peer, key, ids, outcome: 'pending' }
    this.removals.push(entry)
    return entry
  }

  settle (entry: PutEntry | RemovalEntry, outcome: Outcome): void {
    entry.outcome = outcome
    entry.settledAt = ++this.#order
  }

  /** A wish for the same item at the same peer that came later, or was slow and may have come later. */
  hasLater (entry: PutEntry | RemovalEntry): boolean {
    const { order, peer, key } = entry
    const isLater = (other: PutEntry | RemovalEntry): boolean =>
      other.order > order || (isSlow(other) && (other.settledAt ?? Infinity) > order)
    return [...this.puts, ...this.removals].some(other => other !== entry && other.peer === peer && other.key === key && isLater(other))
  }

  /** The peer's power went: nobody will ever hear how these ended. */
  forget (peer: PeerId): void {
    for (const entry of [...this.puts, ...this.removals]) if (entry.peer === peer && entry.outcome === 'pending') entry.outcome = 'unknown'
  }

  pending (): Array<PutEntry | RemovalEntry> { return [...this.puts, ...this.removals].filter(({ outcome }) => outcome === 'pending') }
}

const isSlow = (entry: PutEntry | RemovalEntry): boolean => 'isSlow' in entry && entry.isSlow
