import { ClusterError } from '../../base/errors.ts'
import type { PinPhase, PinProgress } from '../../ipfs/ipfs.ts'
import { parseCid } from '../../model/cid.ts'
import type { OperationProgress, QueueTurn } from '../../tracker/tracker.ts'
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
  if ('refusal' in answer) return textBytes({ refusal: answer.refusal })
  const { operation, ipfs } = answer
  return textBytes({
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
  try {
    const json = fieldsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    if (json.refusal != null) return { refusal: oneOf(['NOT_AUTHORIZED'], json.refusal) }
    return {
      operation: json.operation == null ? null : operationOf(fieldsOf(json.operation)),
      ipfs: json.ipfs == null ? null : nodeProgressOf(fieldsOf(json.ipfs))
    }
  } catch (err) {
    throw new ClusterError('INVALID_DATA', {}, { message: 'not the progress of a pin', cause: err })
  }
}

type Fields = Readonly<Record<string, unknown>>

const operationOf = ({ type, phase, since, attempts, error, queueLength, turn, nextTryAt }: Fields): OperationProgress => ({
  type: oneOf(operationTypes, type),
  phase: oneOf(operationPhases, phase),
  since: numberOf(since),
  attempts: numberOf(attempts),
  error: textOf(error),
  queueLength: numberOf(queueLength),
  ...(turn == null ? {} : { turn: turnOf(fieldsOf(turn)) }),
  nextTryAt: nullOr(numberOf, nextTryAt)
})

const queueLimits = ['rate', 'at once'] as const

const turnOf = ({ place, inMs, queue, limit }: Fields): QueueTurn => ({
  place: numberOf(place),
  inMs: nullOr(numberOf, inMs),
  ...(queue == null ? {} : { queue: textOf(queue) }),
  ...(limit == null ? {} : { limit: oneOf(queueLimits, limit) })
})

/** A peer that doesn't know a phase would refuse all of the answer. */
function phaseFields ({ phase, blocks }: PinProgress): { phase: PinPhase, lack?: PinPhase } {
  if (phase !== 'no_peers' && phase !== 'no_providers') return { phase }
  return { phase: blocks === 0 ? 'connecting' : 'fetching', lack: phase }
}

const nodeProgressOf = (
  { phase, lack, blocks, bytes, fetchedBlocks, fetchedBytes, wantedBlock, wantedSince, peersAsked, nextTryAt, startedAt }: Fields
): PinProgress => ({
  phase: lacks.find(one => one === lack) ?? oneOf(nodePhases, phase),
  blocks: numberOf(blocks),
  bytes: numberOf(bytes),
  fetchedBlocks: numberOf(fetchedBlocks),
  fetchedBytes: numberOf(fetchedBytes),
  wantedBlock: nullOr(value => parseCid(textOf(value)), wantedBlock),
  wantedSince: nullOr(numberOf, wantedSince),
  peersAsked: listOf(textOf, peersAsked),
  nextTryAt: nullOr(numberOf, nextTryAt),
  startedAt: numberOf(startedAt)
})

const textBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const nullOr = <T>(read: (value: unknown) => T, value: unknown): T | null => value == null ? null : read(value)

function fieldsOf (value: unknown): Fields {
  if (typeof value !== 'object' || value == null || Array.isArray(value)) throw new TypeError('not an object')
  return value as Fields
}

/** Also what a time can be: one that `Date` can't hold would fail where it is shown. */
function numberOf (value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > 8.64e15) throw new TypeError('not a count')
  return value
}

function textOf (value: unknown): string {
  if (typeof value !== 'string' || value.length > longestText) throw new TypeError('not a text')
  return value
}

function listOf<T> (read: (value: unknown) => T, value: unknown): T[] {
  if (!Array.isArray(value) || value.length > mostPeers) throw new TypeError('not a list')
  return value.map(read)
}

function oneOf<T extends string> (known: readonly T[], value: unknown): T {
  const found = known.find(one => one === value)
  if (found == null) throw new TypeError('not one of the known words')
  return found
}
