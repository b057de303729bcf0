import type { GlobalPinInfo, Pin, PinInfo, TrackerStatus } from '../../../../client/types.ts'
import { msOfTime } from '../../../data/format.ts'

/** One pin of a long list: only what is shown and searched. */
export interface PinRow {
  cid: string
  name: string
  addedMs: number
  /** Peer IDs; empty: every peer. */
  allocations: readonly string[]
  /** Absent as long as nobody was asked. */
  standing: PinStanding | undefined
}

/** How a pin stands on all peers together. */
export interface PinStanding {
  have: number
  wanted: number
  /** What is most in need of a look. */
  status: TrackerStatus
  error: string
}

const noPeers: readonly string[] = []

/** A row out of the pinset: nobody has been asked yet how the pin stands. */
export const rowOfPin = ({ cid, name, timestamp, allocations }: Pin): PinRow =>
  ({ cid, name, addedMs: msOfTime(timestamp) ?? 0, allocations: allocations ?? noPeers, standing: undefined })

/** A row out of a status: how the pin stands is known. */
export const rowOfStatus = (info: GlobalPinInfo): PinRow =>
  ({
    cid: info.cid, name: info.name, addedMs: msOfTime(info.created) ?? 0, allocations: info.allocations ?? noPeers,
    standing: standingOf(info.peer_map)
  })

/** From what needs most to what needs nothing. */
const urgency: readonly TrackerStatus[] = [
  'pin_error', 'unexpectedly_unpinned', 'unpin_error', 'cluster_error', 'pinning', 'pin_queued', 'unpinning', 'unpin_queued', 'undefined',
  'pinned', 'sharded', 'unpinned', 'remote'
]

/** One word for a pin on many peers: the most urgent of what they say. */
export function standingOf (peers: Readonly<Record<string, Pick<PinInfo, 'status' | 'error'>>>): PinStanding {
  const all = Object.values(peers)
  const holders = all.filter(({ status }) => status !== 'remote')
  const worst = holders.toSorted((a, b) => urgency.indexOf(a.status) - urgency.indexOf(b.status))[0]
  return {
    have: holders.filter(({ status }) => status === 'pinned' || status === 'sharded').length,
    wanted: holders.length,
    status: worst?.status ?? (all.length > 0 ? 'remote' : 'undefined'),
    error: worst?.error ?? ''
  }
}

/** Which rows. Empty texts: all. */
export interface PinFilter {
  /** Part of a name or a CID, in any case. */
  text: string
  /** Allocated to this peer. */
  peer: string
}

/** Whether a row passes the filter. */
export function matches ({ cid, name, allocations }: PinRow, { text, peer }: PinFilter): boolean {
  if (peer !== '' && !allocations.includes(peer)) return false
  if (text === '') return true
  const wanted = text.toLowerCase()
  return name.toLowerCase().includes(wanted) || cid.toLowerCase().includes(wanted)
}

