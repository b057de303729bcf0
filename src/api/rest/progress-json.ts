import type { PeerPinProgress } from '../../cluster/cluster-api.ts'
import type { PinProgress } from '../../ipfs/ipfs.ts'
import { goJson } from '../../model/go-json.ts'
import { formatTime, formatTimeOrNull } from '../../model/time.ts'
import type { OperationProgress } from '../../tracker/tracker.ts'
import { waitReason } from './wait-reason.ts'

const operationJson = (operation: OperationProgress, now: number): Record<string, unknown> => ({
  type: operation.type,
  phase: operation.phase,
  since: formatTime(operation.since),
  attempt_count: operation.attempts,
  error: operation.error,
  queue_length: operation.queueLength,
  queue_position: operation.turn?.place ?? null,
  queue: operation.turn?.queue ?? null,
  estimated_start: formatTimeOrNull(operation.turn?.inMs == null ? null : now + operation.turn.inMs),
  next_try_at: formatTimeOrNull(operation.nextTryAt)
})

const ipfsJson = (progress: PinProgress): Record<string, unknown> => ({
  phase: progress.phase,
  blocks: progress.blocks,
  bytes: progress.bytes,
  fetched_blocks: progress.fetchedBlocks,
  fetched_bytes: progress.fetchedBytes,
  wanted_block: progress.wantedBlock?.toString() ?? null,
  wanted_since: formatTimeOrNull(progress.wantedSince),
  peers_asked: progress.peersAsked,
  next_try_at: formatTimeOrNull(progress.nextTryAt),
  started_at: formatTime(progress.startedAt)
})

/**
 * How far a pin is on each peer: our answer to "why is this pin stuck". Times are RFC 3339; `now`, for the sentence, is Unix milliseconds.
 */
export function progressJson (peers: readonly PeerPinProgress[], now: number): string {
  return goJson(peers.map(({ peer, peerName, operation, ipfs, error }) => ({
    peer,
    peername: peerName,
    error,
    reason: waitReason({ operation, ipfs, error }, now),
    operation: operation == null ? null : operationJson(operation, now),
    ipfs: ipfs == null ? null : ipfsJson(ipfs)
  })))
}
