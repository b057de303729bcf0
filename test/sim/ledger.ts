import type { PeerId } from '../../src/model/cid.ts'

export type Outcome = 'pending' | 'acknowledged' | 'refused' | 'unknown'

/** Something that a user asked a peer for. `order` counts over the whole run. */
interface Entry { order: number, peer: PeerId, key: string, outcome: Outcome }

/** `name` is given to no other pin. */
export interface PutEntry extends Entry { name: string, expires: boolean }

/** `ids`: the versions that the peer had when it was asked. */
export interface RemovalEntry extends Entry { ids: readonly string[] }

/** What users were told. */
export class Ledger {
  readonly puts: PutEntry[] = []
  readonly removals: RemovalEntry[] = []
  #order = 0

  put (peer: PeerId, key: string, expires: boolean): PutEntry {
    const order = ++this.#order
    const entry: PutEntry = { order, peer, key, expires, outcome: 'pending', name: `put ${order}` }
    this.puts.push(entry)
    return entry
  }

  removal (peer: PeerId, key: string, ids: readonly string[]): RemovalEntry {
    const entry: RemovalEntry = { order: ++this.#order, peer, key, ids, outcome: 'pending' }
    this.removals.push(entry)
    return entry
  }

  /** A later wish for the same item at the same peer. */
  hasLater ({ order, peer, key }: Entry): boolean {
    return [...this.puts, ...this.removals].some(other => other.order > order && other.peer === peer && other.key === key)
  }

  /** The peer's power went: nobody will ever hear how these ended. */
  forget (peer: PeerId): void {
    for (const entry of [...this.puts, ...this.removals]) if (entry.peer === peer && entry.outcome === 'pending') entry.outcome = 'unknown'
  }

  pending (): Array<PutEntry | RemovalEntry> { return [...this.puts, ...this.removals].filter(({ outcome }) => outcome === 'pending') }
}
