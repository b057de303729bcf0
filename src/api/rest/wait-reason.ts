import { pinTimeoutText } from '../../ipfs/ipfs.ts'
import type { PinProgress } from '../../ipfs/ipfs.ts'
import { formatTime } from '../../model/time.ts'
import type { Time } from '../../model/time.ts'
import type { OperationProgress } from '../../tracker/tracker.ts'
import type { PeerPinProgress } from '../../cluster/cluster-api.ts'

/**
 * Why a pin isn't done on a peer, as one sentence for people: "no peer has block bafy…: 2 asked, for 2 min, next try at
 * 2026-11-29T02:40:00Z". '' when nothing is under way. `now` in Unix milliseconds.
 */
export function waitReason ({ operation, ipfs, error }: Pick<PeerPinProgress, 'operation' | 'ipfs' | 'error'>, now: Time): string {
  if (error !== '') return `the peer does not say: ${error}`
  if (operation == null) return ipfs == null ? '' : nodeReason(ipfs, now)
  if (operation.phase === 'queued') {
    return operation.error !== ''
      ? operation.error
      : `its turn has not come: ${placeText(operation)}, ${forText(operation.since, now)}`
  }
  if (operation.phase === 'error') return failureReason(operation, ipfs)
  return ipfs == null || operation.type !== 'pin'
    ? `it is being ${operation.type === 'pin' ? 'pinned' : 'unpinned'}, ${forText(operation.since, now)}`
    : nodeReason(ipfs, now)
}

/** Peers of older versions don't tell the place. */
function placeText ({ turn, queueLength }: OperationProgress): string {
  if (turn == null) return `${countText(queueLength, 'waits', 'wait')} in the same queue`
  const others = turn.place === 1 ? 'it is the next one' : `${countText(turn.place - 1, 'is', 'are')} before it`
  const limit = turn.limit == null ? '' : limitTexts[turn.limit]
  const queue = turn.queue == null ? limit : ` (queue ${JSON.stringify(turn.queue)}${limit})`
  return `${others}${queue}${turn.inMs == null ? '' : `, about ${lengthText(turn.inMs)} more`}`
}

const limitTexts = { rate: ', at its rate', 'at once': ', running as many as it may' } as const

/** What the node waits for. */
function nodeReason (ipfs: PinProgress, now: Time): string {
  if (ipfs.phase === 'done') return ''
  if (ipfs.phase === 'storing') return 'all of it is here and is being stored'
  const { wantedBlock, wantedSince, blocks, startedAt } = ipfs
  if (wantedBlock == null) {
    return blocks === 0
      ? `it has just begun, ${forText(startedAt, now)}`
      : `${countText(blocks, 'block is', 'blocks are')} here, ${forText(startedAt, now)}`
  }
  return `${wanted(ipfs)}, ${forText(wantedSince ?? startedAt, now)}${nextText(ipfs.nextTryAt)}`
}

/** The node's own words for its end are Go's; what it waited for says more. */
function failureReason ({ error, since, nextTryAt }: OperationProgress, ipfs: PinProgress | null): string {
  const what = error !== pinTimeoutText
    ? error
    : ipfs?.wantedBlock == null
    ? 'nothing came for as long as a pin may wait'
    : `${wanted(ipfs)}, ${forText(ipfs.wantedSince ?? ipfs.startedAt, since)}`
  return `${what}${nextText(nextTryAt)}`
}

function wanted ({ phase, wantedBlock, peersAsked }: PinProgress): string {
  const block = `block ${String(wantedBlock)}`
  if (phase === 'no_peers') return `no other IPFS node is connected that could have ${block}`
  return `${phase === 'no_providers' ? 'no peer has' : 'waits for'} ${block}: ${peersAsked.length} asked`
}

const nextText = (time: Time | null): string => time == null ? '' : `, next try at ${formatTime(Math.floor(time / 1000) * 1000)}`

const countText = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** "for 45 s", "for 2 min", "for 3 h 5 min", "for 2 days". */
const forText = (since: Time, now: Time): string => `for ${lengthText(Math.max(0, now - since))}`

function lengthText (ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 2 * minute) return `${seconds} s`
  if (seconds < hour) return `${Math.floor(seconds / minute)} min`
  if (seconds >= 2 * day) return `${Math.floor(seconds / day)} days`
  const minutes = Math.floor(seconds % hour / minute)
  return `${Math.floor(seconds / hour)} h${minutes === 0 ? '' : ` ${minutes} min`}`
}
