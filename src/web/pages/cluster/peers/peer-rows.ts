import type { Alert, Id, Metric, PeerPins, PeerSync, PinsHealth } from '../../../../client/types.ts'
import { msOfTime, shortCid, shownName } from '../../../data/format.ts'

/** What the pages show of one peer, from all that the API says of it. */
export interface PeerRow {
  id: string
  /** Its name, or the beginning and end of its ID. */
  name: string
  state: 'up' | 'missing' | 'silent'
  /** Why it isn't up; '' when it is. */
  error: string
  isSelf: boolean
  version: string
  /** Of its IPFS node; '' when that answers. */
  ipfsError: string
  /** Bytes that its IPFS node can still take. Null: it doesn't say. */
  freeBytes: number | null
  queued: number | null
  holding: PeerPins | undefined
  lastSeenMs: number | null
  alerts: string[]
  info: Id | undefined
  /** How its pinset is to that of the peer that is asked; undefined for that one itself, and while it isn't known. */
  sync: PeerSync | undefined
}

/** What the table of peers is assembled from; parts may still be loading. */
export interface PeerSources {
  self: string
  peers: readonly Id[]
  health: PinsHealth | undefined
  metrics: readonly Metric[]
  alerts: readonly Alert[]
  sync?: readonly PeerSync[] | undefined
}

/** A peer calls itself what it likes. */
export const shownPeer = (id: string, name: string): string => name === '' ? shortCid(id) : shownName(name)

/** Sorted by name; those that are gone first. */
export function peerRows ({ self, peers, health, metrics, alerts, sync = [] }: PeerSources): PeerRow[] {
  const infos = new Map(peers.map(info => [info.id, info]))
  const holdings = new Map((health?.peers ?? []).map(one => [one.peer, one]))
  const silent = silentMetrics(alerts, metrics)
  const syncs = new Map(sync.map(one => [one.peer, one]))
  const rows = [...new Set([...infos.keys(), ...holdings.keys()])].map((id): PeerRow => {
    const info = infos.get(id)
    const holding = holdings.get(id)
    const state = stateOf(info, holding)
    return {
      id,
      name: shownPeer(id, info?.peername || holding?.peername || ''),
      state,
      error: info?.error ?? '',
      isSelf: id === self,
      version: info?.version ?? '',
      ipfsError: state === 'up' ? info?.ipfs.error ?? '' : '',
      freeBytes: numberOf(metrics, 'freespace', id),
      queued: numberOf(metrics, 'pinqueue', id),
      holding,
      lastSeenMs: msOfTime(holding?.last_seen ?? null),
      alerts: silent.get(id) ?? [],
      info,
      sync: state === 'up' ? syncs.get(id) : undefined
    }
  })
  return rows.toSorted((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1))
}

/** It isn't a member any more, or it is one that doesn't answer. */
function stateOf (info: Id | undefined, holding: PeerPins | undefined): PeerRow['state'] {
  if (holding?.missing === true) return 'missing'
  if (info == null) return 'up' // the list of peers is older than the figures
  return info.error === '' ? 'up' : holding == null ? 'missing' : 'silent'
}

const order = ({ state }: PeerRow): number => state === 'up' ? 1 : 0

function numberOf (metrics: readonly Metric[], name: string, peer: string): number | null {
  const found = metrics.find(metric => metric.name === name && metric.peer === peer)
  const value = Number(found?.value ?? NaN)
  return Number.isFinite(value) ? value : null
}

/** Names of metrics that ran out and haven't come again, by peer. */
function silentMetrics (alerts: readonly Alert[], valid: readonly Metric[]): Map<string, string[]> {
  const isBack = new Set(valid.map(({ name, peer }) => `${name} ${peer}`))
  const names = new Map<string, string[]>()
  for (const { name, peer } of alerts) {
    const known = names.get(peer) ?? []
    if (!isBack.has(`${name} ${peer}`) && !known.includes(name)) names.set(peer, [...known, name])
  }
  return names
}

/** What a missing peer costs, in words; '' when nothing is allocated to it by name. */
export function costText ({ pins, alone }: Pick<PeerPins, 'pins' | 'alone'>): string {
  if (pins === 0) return 'No pin is allocated to it by name.'
  const some = pins === 1 ? '1 pin has a copy less' : `${countOf(pins)} pins have a copy less`
  if (alone === 0) return `${some}; all of ${pins === 1 ? 'it' : 'them'} can still be reached on other peers.`
  if (alone === pins) {
    return pins === 1
      ? '1 pin is out of reach: no other peer is to have it.'
      : `${countOf(pins)} pins are out of reach: no other peer is to have them.`
  }
  return `${some}; ${countOf(alone)} of them ${alone === 1 ? 'is' : 'are'} out of reach: no other peer is to have ${alone === 1 ? 'it' : 'them'}.`
}

const counts = new Intl.NumberFormat('en')
const countOf = (count: number): string => counts.format(count)
