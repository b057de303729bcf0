import { parseTime } from '../../../src/model/time.ts'
import { neverText } from '../../../src/client/types.ts'
import type {
  Added, Alert, Bandwidth, GlobalPinInfo, GlobalRepoGc, Id, Metric, Pin, PinInfo, Readiness, RepoGc
} from '../../../src/client/types.ts'
import { bytesText, relativeTime } from './humanize.ts'

/** The lines that scripts read (cmd/ipfs-cluster-ctl). Every text ends with a newline, or is empty. */

const sorted = (texts: readonly string[] | null | undefined): string[] => [...texts ?? []].toSorted()
const linesOf = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('')
const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - [...text].length))
const seconds = (time: string): string => time.slice(0, 19).replace('T', ' ')
const isNever = (time: string | undefined): boolean => time == null || time === '' || time === neverText

/** A peer as Go's ctl prints it. So are all below, with their newlines. */
export function idText (id: Id): string {
  if (id.error !== '' && id.error != null) return `${id.id} | ERROR: ${id.error}\n`
  const head = [
    `${id.id} | ${id.peername} | Sees ${(id.cluster_peers ?? []).length - 1} other peers`, '  > Addresses:',
    ...sorted(id.addresses).map(address => `    - ${address}`)
  ]
  if (id.ipfs.error !== '') return linesOf([...head, `  > IPFS ERROR: ${id.ipfs.error}`])
  return linesOf([...head, `  > IPFS: ${id.ipfs.id ?? ''}`, ...sorted(id.ipfs.addresses).map(address => `    - ${address}`)])
}

/** A pin of the pinset on one line. */
export function pinText (pin: Pin): string {
  const isEverywhere = pin.replication_factor_min === -1 && pin.replication_factor_max === -1
  return `${[
    pin.cid,
    pin.name,
    pin.type.toUpperCase() + (pin.mode === 'direct' ? '-DIRECT' : ''),
    `Repl. Factor: ${isEverywhere ? '-1' : `${pin.replication_factor_min}--${pin.replication_factor_max}`}`,
    `Allocations: [${isEverywhere ? 'everywhere' : sorted(pin.allocations).join(' ')}]`,
    depthText(pin.max_depth),
    `Metadata: ${Object.keys(pin.metadata ?? {}).length === 0 ? 'no' : 'yes'}`,
    `Exp: ${isNever(pin.expire_at) ? '∞' : seconds(pin.expire_at)}`,
    `Added: ${isNever(pin.timestamp) ? 'unknown' : seconds(pin.timestamp)}`
  ].join(' | ')}\n`
}

function depthText (depth: number): string {
  if (depth === 0) return 'Direct'
  return depth === -1 ? 'Recursive' : `Recursive-${depth}`
}

/** A pin and its peers, one a line. */
export function statusText (info: GlobalPinInfo): string {
  const head = `${info.cid}${info.name === '' ? '' : ` | ${info.name}`}:`
  const peers = Object.entries(info.peer_map ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1)
  return linesOf([head, ...peers.map(([peer, one]) => peerStatusText(peer, one))])
}

function peerStatusText (
  peer: string, { peername, status, error, timestamp, attempt_count: attempts, priority_pin: priority }: PinInfo
): string {
  const what = `${status.toUpperCase()}${error === '' ? '' : `: ${error}`}`
  return `    > ${padded(peername === '' ? peer : peername, 20)} : ${what} | ${timestamp} | Attempts: ${attempts} | Priority: ${priority}`
}

/** What was added. */
export const addedText = ({ cid, name }: Added): string => `added ${cid ?? 'b'} ${name}\n`

/** `now` in Unix milliseconds. */
export function metricText ({ peer, name, value, weight, expire }: Metric, now: number): string {
  const shown = name === 'freespace' && weight > 0n ? bytesText(Number(weight)) : value
  return `${peer} | ${name}: ${shown} | Expires in: ${relativeTime(Number(expire) / 1e6, now)}\n`
}

/** An alert; `now` in Unix milliseconds. */
export function alertText ({ peer, name, expire, triggered_at: triggered }: Alert, now: number): string {
  return `${peer}: ${name}. Expired at: ${relativeTime(Number(expire) / 1e6, now)}. Triggered at: ${relativeTime(parseTime(triggered), now)}\n`
}

/** Libp2p's counters, a protocol a line. */
export function bandwidthText (bandwidth: Readonly<Record<string, Bandwidth>>): string {
  return linesOf(Object.entries(bandwidth).toSorted(([a], [b]) => a < b ? -1 : 1).map(([protocol, {
    total_in: totalIn, total_out: totalOut, rate_in: rateIn, rate_out: rateOut
  }]) =>
    `${protocol.padStart(25)}: In: ${bytesText(totalIn).padStart(7)}. Out: ${bytesText(totalOut).padStart(7)}. RateIn: ${rateIn.toFixed(2)}B/s. RateOut: ${rateOut.toFixed(2)}B/s`))
}

/** Whether the peer is ready. Not of Go's. */
export function readinessText ({ ready, problems, pins }: Readiness): string {
  return `${ready ? 'ready' : 'not ready'}, ${pins === 1 ? '1 pin' : `${pins} pins`}, ${problems.length === 0 ? 'no problems' : `problems: ${problems.join(', ')}`}\n`
}

/** What a collection removed, peer by peer. */
export function repoGcText ({ peer_map: peers }: GlobalRepoGc): string {
  return Object.keys(peers).toSorted().map(peer => peerGcText(peer, peers[peer] as RepoGc)).join('')
}

function peerGcText (peer: string, { peername, error = '', keys }: RepoGc): string {
  const who = padded(peername === '' ? peer : peername, 15)
  return linesOf([
    error === '' ? who : `${who} | ERROR: ${error}`,
    '  > CIDs:',
    ...(keys ?? []).map(one => one.error == null || one.error === '' ? `    - ${one.key ?? 'b'}` : `    - ERROR: ${one.error}`)
  ])
}

/** What Go's ctl prints of an API's error. */
export const errorText = ({ code, message }: { code: number, message: string }): string =>
  `An error occurred:\n  Code: ${code}\n  Message: ${message}\n`
