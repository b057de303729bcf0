import { neverText } from '../../../src/client/types.ts'
import type { GlobalPinInfo, GlobalRepoGc, Id, Metric, Pin, PinInfo } from '../../../src/client/types.ts'
import type { Style } from './colours.ts'
import { bytesText, relativeTime } from './humanize.ts'
import { nameAndTail, peerLabels } from './peer-labels.ts'
import type { Cell, Table } from './table.ts'

/** The lists as people read them. */

const when = (time: string): string => time === neverText ? '-' : time.slice(0, 19).replace('T', ' ')

/** Errors of dials have a line for each address; a cell has one. */
const errorCell = (error: string): Cell => ({ text: error.trim().replaceAll(/\s*\n\s*/g, ' '), style: 'red' })

const peersText = (count: number): string => count === 1 ? '1 peer' : `${count} peers`

/** Peers, one a row. */
export const idTable: Table<Id> = {
  columns: ['PEER', 'NAME', 'VERSION', 'SEES', 'IPFS', 'ERROR'],
  rows: id => id.error !== ''
    ? [[id.id, orDash(id.peername ?? ''), '-', '-', '-', errorCell(id.error)]]
    : [[
        id.id, id.peername, id.version, String(Math.max(0, (id.cluster_peers ?? []).length - 1)), orDash(id.ipfs.id ?? ''),
        id.ipfs.error === '' ? '' : errorCell(`IPFS: ${id.ipfs.error}`)
      ]]
}

const orDash = (text: string): string => text === '' ? '-' : text

/** Pins of the pinset, one a row. */
export const pinTable: Table<Pin> = {
  columns: ['CID', 'NAME', 'TYPE', 'FACTORS', 'ON', 'EXPIRES', 'ADDED'],
  rows: pin => [[
    pin.cid,
    orDash(pin.name),
    pin.mode === 'direct' ? `${pin.type} (direct)` : pin.type,
    pin.replication_factor_min === -1 ? '-' : `${pin.replication_factor_min}-${pin.replication_factor_max}`,
    pin.replication_factor_min === -1 ? 'every peer' : peersText((pin.allocations ?? []).length),
    when(pin.expire_at),
    when(pin.timestamp)
  ]]
}

const statusStyles: Partial<Record<PinInfo['status'], Style>> = {
  pinned: 'green',
  cluster_error: 'red',
  pin_error: 'red',
  unpin_error: 'red',
  unexpectedly_unpinned: 'red',
  pinning: 'yellow',
  unpinning: 'yellow',
  pin_queued: 'yellow',
  unpin_queued: 'yellow',
  remote: 'dim'
}

/** A peer may remove millions of blocks: on a terminal their number is wanted. `--enc text` names them. */
export const repoGcTable: Table<GlobalRepoGc> = {
  columns: ['PEER', 'REMOVED', 'ERRORS', 'ERROR'],
  rows: ({ peer_map: peers }) =>
    Object.entries(peers).toSorted(([a], [b]) => a < b ? -1 : 1).map(([peer, { peername, keys, error = '' }]) => {
    const errors = (keys ?? []).map(one => one.error ?? '').filter(text => text !== '')
    const first = error === '' ? errors[0] ?? '' : error
    return [
      peername === '' ? peer : peername, String((keys ?? []).length - errors.length), String(errors.length),
      first === '' ? '-' : errorCell(first)
    ]
  })
}

/** One row per peer, so that the CID stands before the first one only. */
export const statusTable: Table<GlobalPinInfo> = {
  columns: ['CID', 'NAME', 'PEER', 'STATUS', 'SINCE', 'TRIES', 'ERROR'],
  rows: info => {
    const peers = Object.entries(info.peer_map).map(([peer, one]) => ({ ...one, peer })).toSorted((a, b) => a.peer < b.peer ? -1 : 1)
    const label = peerLabels(peers, nameAndTail)
    return peers.map((one, at) => [
      at === 0 ? info.cid : '',
      at > 0 ? '' : info.name === '' ? '-' : info.name,
      label(one),
      { text: one.status, style: statusStyles[one.status] ?? 'cyan' },
      when(one.timestamp),
      String(one.attempt_count),
      errorCell(one.error)
    ])
  }
}

/** `now` in Unix milliseconds. */
export const metricTable = (now: number): Table<Metric> => ({
  columns: ['PEER', 'METRIC', 'VALUE', 'RUNS OUT'],
  rows: metric => [[
    metric.peer,
    metric.name,
    metric.name === 'freespace' && metric.weight > 0n ? bytesText(Number(metric.weight)) : metric.value,
    relativeTime(Number(metric.expire) / 1e6, now)
  ]]
})
