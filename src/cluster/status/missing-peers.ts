import type { PinState } from '../../consensus/consensus.ts'
import type { PeerId } from '../../model/cid.ts'
import type { GlobalPinInfo, PinInfo, PinInfoHead } from '../../model/pin-info.ts'
import type { Pin } from '../../model/pin.ts'
import type { StatusFilter } from '../../model/status.ts'
import { formatTime } from '../../model/time.ts'
import type { CallOptions } from '../cluster-api.ts'
import type { MissingPeer } from '../peers/members.ts'

export interface MissingPeersDeps {
  state: Pick<PinState, 'pins'>
  /** Who is there. */
  members: ReadonlySet<PeerId>
  filter: StatusFilter
  rowOf: (peer: PeerId, head: PinInfoHead) => PinInfo
}

/** What an operator is told of a peer that isn't there. */
export function missingText ({ lastSeen }: Pick<MissingPeer, 'lastSeen'>): string {
  return lastSeen == null
    ? 'the peer is missing: it was not heard since this peer began'
    : `the peer is missing: it was heard last at ${formatTime(Math.floor(lastSeen / 1000) * 1000)}`
}

/** What a row says of the pin itself. */
export const headOf = ({ cid, name, allocations, origins, metadata, timestamp }: Pin): PinInfoHead => ({
  cid, name, allocations, origins, metadata, created: timestamp
})

/**
 * A status list with a row for each allocated peer that isn't there. With a filter the peers that answer leave out most pins: then those
 * that a missing peer shall hold come after the others.
 */
export async function * withMissingHolders (
  rows: AsyncIterable<GlobalPinInfo[]>, deps: MissingPeersDeps, call: CallOptions
): AsyncGenerator<GlobalPinInfo[]> {
  const shown = new Set<string>()
  for await (const batch of rows) {
    for (const info of batch) if (addMissing(info, deps) && deps.filter !== 0) shown.add(info.cid.toString())
    yield batch
  }
  if (deps.filter === 0) return
  for await (const pins of deps.state.pins(call)) {
    const found = pins.filter(({ cid, allocations }) => allocations.some(peer => !deps.members.has(peer)) && !shown.has(cid.toString()))
      .map((pin): GlobalPinInfo => ({ ...headOf(pin), peerMap: new Map() }))
    for (const info of found) addMissing(info, deps)
    if (found.length > 0) yield found
  }
}

/** False when all of its holders are there. */
function addMissing (info: GlobalPinInfo, { members, rowOf }: MissingPeersDeps): boolean {
  const missing = info.allocations?.filter(peer => !members.has(peer)) ?? []
  for (const peer of missing) if (!info.peerMap.has(peer)) info.peerMap.set(peer, rowOf(peer, info))
  return missing.length > 0
}
