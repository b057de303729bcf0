import { ClusterError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { GroupQuestion, KeyDigest, KeyGroup, MergedAgain } from '../../consensus/pinset-digest.ts'
import { parseCid } from '../../model/cid.ts'
import type { CID } from '../../model/cid.ts'
import { countOf, jsonBytes, listOf, readForeignJson, textOf } from '../../wire/foreign-json.ts'
import type { Fields } from '../../wire/foreign-json.ts'

/** What one peer asks another about its pinset. */
export type PinsetQuestion = { ask: 'heads' } | { ask: 'cells' } | { ask: 'groups', of: readonly GroupQuestion[] } | {
  ask: 'keys', of: readonly string[]
} | { ask: 'merged', heads: readonly CID[] } | { ask: 'merge', heads: readonly CID[], keys: readonly string[] }

/** Why there is no answer. */
export type Refusal = Extract<ErrorCode, 'NOT_AUTHORIZED' | 'NOT_READY' | 'INVALID_ARGUMENT' | 'INTERNAL'>

const mostQuestions = 256
const mostKeysMerged = 10_000
const mostHeads = 256
const mostRows = 200_000
const longestKey = 600
const notOfPinset = 'not a question about the pinset, or not an answer'

/** The answer to a question that isn't answered, and why: JSON `{"refusal": …}`. */
export const refusalBytes = (refusal: Refusal): Uint8Array => jsonBytes({ refusal })

/** Rows are short lists: `[prefix, pins, digest]`, `[key, digest]`. */
export const groupsBytes = (groups: readonly KeyGroup[]): Uint8Array =>
  jsonBytes({ rows: groups.map(({ prefix, pins, digest }) => [prefix, pins, digest]) })
/** Keys with their digests, as an answer. */
export const keysBytes = (keys: readonly KeyDigest[]): Uint8Array => jsonBytes({ rows: keys.map(({ key, digest }) => [key, digest]) })
/** Heads, as an answer; of many only the first. */
export const headsBytes = (heads: readonly CID[]): Uint8Array => jsonBytes({ rows: heads.slice(0, mostHeads).map(String) })
/** What came of merging again, as an answer. */
export const mergedBytes = ({ lostBlocks, repaired }: MergedAgain): Uint8Array => jsonBytes({ lost_blocks: lostBlocks, rows: repaired })

/** Whether blocks are merged, as an answer. */
export const areMergedBytes = (are: boolean): Uint8Array => jsonBytes({ merged: are })

/** A question about the pinset as JSON. Heads beyond the most that are read are left out. */
export function questionBytes (question: PinsetQuestion): Uint8Array {
  if (question.ask === 'groups') return jsonBytes({ ask: 'groups', of: question.of.map(({ prefix, depth }) => [prefix, depth]) })
  if (question.ask === 'merge' || question.ask === 'merged') {
    return jsonBytes({ ...question, heads: question.heads.slice(0, mostHeads).map(String) })
  }
  return jsonBytes(question)
}

/** Throws INVALID_DATA, as all that read here. */
export function questionOf (bytes: Uint8Array): PinsetQuestion {
  return readForeignJson(bytes, notOfPinset, ({ ask, of, heads, keys }) => {
    switch (ask) {
      case 'heads': case 'cells': return { ask }
      case 'groups': return { ask, of: listOf(of, mostQuestions, groupQuestionOf) }
      case 'keys': return { ask, of: listOf(of, mostQuestions, keyOf) }
      case 'merged': return { ask, heads: listOf(heads, mostHeads, headOf) }
      case 'merge': return { ask, heads: listOf(heads, mostHeads, headOf), keys: listOf(keys, mostKeysMerged, keyOf) }
      default: throw new TypeError('not a question')
    }
  })
}

/** Reads an answer of groups; throws as `answered`. */
export const groupsOf = (bytes: Uint8Array): KeyGroup[] => answered(bytes, ({ rows }) => listOf(rows, mostRows, row => {
  const [prefix, pins, digest] = tupleOf(row)
  return { prefix: keyOf(prefix), pins: countOf(pins), digest: digestOf(digest) }
}))

/** Reads an answer of keys; throws as `answered`. */
export const keysOf = (bytes: Uint8Array): KeyDigest[] => answered(bytes, ({ rows }) => listOf(rows, mostRows, row => {
  const [key, digest] = tupleOf(row)
  return { key: keyOf(key), digest: digestOf(digest) }
}))

/** Reads an answer of heads; throws as `answered`. */
export const headsOf = (bytes: Uint8Array): CID[] => answered(bytes, ({ rows }) => listOf(rows, mostHeads, headOf))
/** Reads what came of merging again; throws as `answered`. */
export const mergedOf = (bytes: Uint8Array): MergedAgain =>
  answered(bytes, ({ lost_blocks: lostBlocks, rows }) => ({
    lostBlocks: countOf(lostBlocks), repaired: listOf(rows, mostKeysMerged, keyOf)
  }))

/** Reads whether blocks are merged; throws as `answered`. */
export const areMergedOf = (bytes: Uint8Array): boolean => answered(bytes, ({ merged }) => {
  if (typeof merged !== 'boolean') throw new TypeError('not an answer')
  return merged
})

const refusals: readonly Refusal[] = ['NOT_AUTHORIZED', 'NOT_READY', 'INVALID_ARGUMENT', 'INTERNAL']

function answered<T> (bytes: Uint8Array, take: (fields: Fields) => T): T {
  const found = readForeignJson(
    bytes, notOfPinset,
    fields => fields.refusal == null
      ? { value: take(fields) }
      : { refusal: refusals.find(one => one === fields.refusal) ?? 'INTERNAL' as const }
  )
  if ('refusal' in found) throw new ClusterError(found.refusal, {})
  return found.value
}

function groupQuestionOf (row: unknown): GroupQuestion {
  const [prefix, depth] = tupleOf(row)
  if (countOf(depth) > longestKey) throw new TypeError('too deep')
  return { prefix: keyOf(prefix), depth: countOf(depth) }
}

function tupleOf (row: unknown): unknown[] {
  if (!Array.isArray(row)) throw new TypeError('not a row')
  return row as unknown[]
}

function keyOf (value: unknown): string {
  const key = textOf(value, longestKey)
  if (!/^\/[A-Z2-7]*$/.test(key)) throw new TypeError('not a key')
  return key
}

const digestOf = (value: unknown): string => textOf(value, 64)
const headOf = (value: unknown): CID => parseCid(textOf(value, 128))
