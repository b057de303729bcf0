import type { PeerId } from '../../model/cid.ts'
import type { GlobalPinInfo, PinInfo, PinInfoHead } from '../../model/pin-info.ts'
import { globalFromLocal } from '../../model/pin-info.ts'
import type { StatusRows } from './status-rows.ts'

/** What one peer says of its pins. */
export interface PeerRows { peer: PeerId, rows: AsyncIterable<PinInfo[]> }

export interface MergeDeps {
  /** Where rows wait for those of the other peers. */
  table: () => StatusRows
  /** The row of a peer whose answer failed; undefined leaves the peer out. */
  failure: (peer: PeerId, err: unknown) => FailedPeer | undefined
}

/** Makes the row that a peer without an answer gets for each pin that others reported. */
export type FailedPeer = (head: PinInfoHead) => PinInfo

/**
 * Merges the answers of several peers into one row per CID. All answers are read before the first row comes out, because a peer that fails
 * at its end shows as failed in every row; the rows wait in a table whose memory is bounded. When peers disagree about name, allocations, …
 * the last stream's word counts (put this peer last), one in cluster_error never against one that answers.
 */
export async function * mergeStatus (streams: readonly PeerRows[], deps: MergeDeps, signal?: AbortSignal): AsyncGenerator<GlobalPinInfo[]> {
  const table = deps.table()
  try {
    const failed: FailedPeer[] = []
    await Promise.all(streams.map(async ({ peer, rows }, rank) => {
      try {
        for await (const batch of rows) await table.add(rank, batch)
      } catch (err) {
        signal?.throwIfAborted()
        const row = deps.failure(peer, err)
        if (row != null) failed.push(row)
      }
    }))
    for await (const groups of table.groups()) {
      signal?.throwIfAborted()
      yield groups.map(rows => mergeRows(failed.length === 0 ? rows : withFailures(rows, failed)))
    }
  } finally {
    await table.discard()
  }
}

function withFailures (rows: readonly PinInfo[], failed: readonly FailedPeer[]): PinInfo[] {
  const [first] = rows
  return first == null ? [] : [...rows, ...failed.map(row => row(first))]
}

/** One row of all: in the order given, a later row's head wins unless it is a cluster_error. */
export function mergeRows (rows: readonly PinInfo[]): GlobalPinInfo {
  const [first, ...others] = rows
  if (first == null) throw new RangeError('there is nothing to merge')
  const merged = globalFromLocal(first)
  for (const row of others) {
    merged.peerMap.set(row.peer, row)
    if (row.status === 'cluster_error') continue
    const { cid, name, allocations, origins, created, metadata } = row
    Object.assign(merged, { cid, name, allocations, origins, created, metadata })
  }
  return merged
}
