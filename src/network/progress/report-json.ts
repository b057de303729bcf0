import type { PinPhase, PinProgress } from '../../ipfs/ipfs.ts'
import { parseCid } from '../../model/cid.ts'
import type { OperationProgress, QueueTurn } from '../../tracker/tracker.ts'
import { countOf, fieldsOf, jsonBytes, listOf, readForeignJson, textOf, wordOf } from '../../wire/foreign-json.ts'
import type { Fields } from '../../wire/foreign-json.ts'
import type { PinProgressReport } from '../remote-progress.ts'

/** An answer: a report, or why there is none. */
export type ProgressAnswer = PinProgressReport | { refusal: 'NOT_AUTHORIZED' }

const operationTypes = ['pin', 'unpin', 'remote', 'shard'] as const
const operationPhases = ['error', 'queued', 'in_progress'] as const
/** What peers of every version know. The words of `lacks` came later: they travel beside one of these. */
const nodePhases = ['connecting', 'fetching', 'storing', 'done'] as const
const lacks = ['no_peers', 'no_providers'] as const
const mostPeers = 1000
const longestText = 16 * 1024

/** The answer as JSON text in bytes: the fields as they are named here, times in Unix milliseconds, CIDs as text. */
export function encodeProgressAnswer (answer: ProgressAnswer): Uint8Array {
  if ('refusal' in answer) return jsonBytes({ refusal: answer.refusal })
  const { operation, ipfs } = answer
  return jsonBytes({
    operation: operation == null ? null : { ...operation, error: operation.error.slice(0, longestText / 4) },
    ipfs: ipfs == null
      ? null
      : {
        ...ipfs, ...phaseFields(ipfs), wantedBlock: ipfs.wantedBlock?.toString() ?? null, peersAsked: ipfs.peersAsked.slice(0, mostPeers)
      }
  })
}

/** Reads what another peer wrote. Throws INVALID_DATA. */
export function decodeProgressAnswer (bytes: Uint8Array): ProgressAnswer {
  return readForeignJson(bytes, 'not the progress of a pin', ({ refusal, operation, ipfs }) => {
    if (refusal != null) return { refusal: wordOf(['NOT_AUTHORIZED'], refusal) }
    return {
      operation: operation == null ? null : operationOf(fieldsOf(operation)),
      ipfs: ipfs == null ? null : nodeProgressOf(fieldsOf(ipfs))
    }
  })
}

const operationOf = ({ type, phase, since, attempts, error, queueLength, turn, nextTryAt }: Fields): OperationProgress => ({
  type: wordOf(operationTypes, type),
  phase: wordOf(operationPhases, phase),
  since: countOf(since),
  attempts: countOf(attempts),
  error: textOf(error, longestText),
  queueLength: countOf(queueLength),
  ...(turn == null ? {} : { turn: turnOf(fieldsOf(turn)) }),
  nextTryAt: nullOr(countOf, nextTryAt)
})

const queueLimits = ['rate', 'at once'] as const

const turnOf = ({ place, inMs, queue, limit }: Fields): QueueTurn => ({
  place: countOf(place),
  inMs: nullOr(countOf, inMs),
  ...(queue == null ? {} : { queue: textOf(queue, longestText) }),
  ...(limit == null ? {} : { limit: wordOf(queueLimits, limit) })
})

/** A peer that doesn't know a phase would refuse all of the answer. */
function phaseFields ({ phase, blocks }: PinProgress): { phase: PinPhase, lack?: PinPhase } {
  if (phase !== 'no_peers' && phase !== 'no_providers') return { phase }
  return { phase: blocks === 0 ? 'connecting' : 'fetching', lack: phase }
}

const nodeProgressOf = (
  { phase, lack, blocks, bytes, fetchedBlocks, fetchedBytes, wantedBlock, wantedSince, peersAsked, nextTryAt, startedAt }: Fields
): PinProgress => ({
  phase: lacks.find(one => one === lack) ?? wordOf(nodePhases, phase),
  blocks: countOf(blocks),
  bytes: countOf(bytes),
  fetchedBlocks: countOf(fetchedBlocks),
  fetchedBytes: countOf(fetchedBytes),
  wantedBlock: nullOr(value => parseCid(textOf(value, longestText)), wantedBlock),
  wantedSince: nullOr(countOf, wantedSince),
  peersAsked: listOf(peersAsked, mostPeers, peer => textOf(peer, longestText)),
  nextTryAt: nullOr(countOf, nextTryAt),
  startedAt: countOf(startedAt)
})

const nullOr = <T>(read: (value: unknown) => T, value: unknown): T | null => value == null ? null : read(value)
