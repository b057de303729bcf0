import { ClusterError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { GroupQuestion, KeyDigest, KeyGroup, MergedAgain } from '../../consensus/pinset-digest.ts'
import { parseCid } from '../../model/cid.ts'
import type { CID } from '../../model/cid.ts'

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

type Fields = Readonly<Record<string, unknown>>

/** The answer to a question that isn't answered, and why: JSON `{"refusal": …}`. */
export const refusalBytes = (refusal: Refusal): Uint8Array => textBytes({ refusal })

/** Rows are short lists: `[prefix, pins, digest]`, `[key, digest]`. */
export const groupsBytes = (groups: readonly KeyGroup[]): Uint8Array =>
  textBytes({ rows: groups.map(({ prefix, pins, digest }) => [prefix, pins, digest]) })
/** Keys with their digests, as an answer. */
export const keysBytes = (keys: readonly KeyDigest[]): Uint8Array => textBytes({ rows: keys.map(({ key, digest }) => [key, digest]) })
/** Heads, as an answer; of many only the first. */
export const headsBytes = (heads: readonly CID[]): Uint8Array => textBytes({ rows: heads.slice(0, mostHeads).map(String) })
/** What came of merging again, as an answer. */
export const mergedBytes = ({ lostBlocks, mended }: MergedAgain): Uint8Array => textBytes({ lost_blocks: lostBlocks, rows: mended })

/** Whether blocks are merged, as an answer. */
export const areMergedBytes = (are: boolean): Uint8Array => textBytes({ merged: are })

/** A question about the pinset as JSON. Heads beyond the most that are read are left out. */
export function questionBytes (question: PinsetQuestion): Uint8Array {
  if (question.ask === 'groups') return textBytes({ ask: 'groups', of: question.of.map(({ prefix, depth }) => [prefix, depth]) })
  if (question.ask === 'merge' || question.ask === 'merged') {
    return textBytes({ ...question, heads: question.heads.slice(0, mostHeads).map(String) })
  }
  return textBytes(question)
}

/** Throws INVALID_DATA, as all that read here. */
export function questionOf (bytes: Uint8Array): PinsetQuestion {
  return read(bytes, ({ ask, of, heads, keys }) => {
    switch (ask) {
      case 'heads': case 'cells': return { ask }
      case 'groups': return { ask, of: listOf(mostQuestions, row => groupQuestionOf(row), of) }
      case 'keys': return { ask, of: listOf(mostQuestions, keyOf, of) }
      case 'merged': return { ask, heads: listOf(mostHeads, headOf, heads) }
      case 'merge': return { ask, heads: listOf(mostHeads, headOf, heads), keys: listOf(mostKeysMerged, keyOf, keys) }
      default: throw new TypeError('not a question')
    }
  })
}

/** Reads an answer of groups; throws as `answered`. */
export const groupsOf = (bytes: Uint8Array): KeyGroup[] => answered(bytes, ({ rows }) => listOf(mostRows, row => {
  const [prefix, pins, digest] = tupleOf(row)
  return { prefix: keyOf(prefix), pins: countOf(pins), digest: digestOf(digest) }
}, rows))

/** Reads an answer of keys; throws as `answered`. */
export const keysOf = (bytes: Uint8Array): KeyDigest[] => answered(bytes, ({ rows }) => listOf(mostRows, row => {
  const [key, digest] = tupleOf(row)
  return { key: keyOf(key), digest: digestOf(digest) }
}, rows))

/** Reads an answer of heads; throws as `answered`. */
export const headsOf = (bytes: Uint8Array): CID[] => answered(bytes, ({ rows }) => listOf(mostHeads, headOf, rows))
/** Reads what came of merging again; throws as `answered`. */
export const mergedOf = (bytes: Uint8Array): MergedAgain =>
  answered(bytes, ({ lost_blocks: lostBlocks, rows }) => ({ lostBlocks: countOf(lostBlocks), mended: listOf(mostKeysMerged, keyOf, rows) }))

/** Reads whether blocks are merged; throws as `answered`. */
export const areMergedOf = (bytes: Uint8Array): boolean => answered(bytes, ({ merged }) => {
  if (typeof merged !== 'boolean') throw new TypeError('not an answer')
  return merged
})

const refusals: readonly Refusal[] = ['NOT_AUTHORIZED', 'NOT_READY', 'INVALID_ARGUMENT', 'INTERNAL']

function answered<T> (bytes: Uint8Array, take: (fields: Fields) => T): T {
  const found = read(
    bytes,
    fields => fields.refusal == null
      ? { value: take(fields) }
      : { refusal: refusals.find(one => one === fields.refusal) ?? 'INTERNAL' as const }
  )
  if ('refusal' in found) throw new ClusterError(found.refusal, {})
  return found.value
}

function read<T> (bytes: Uint8Array, take: (fields: Fields) => T): T {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof json !== 'object' || json == null || Array.isArray(json)) throw new TypeError('not an object')
    return take(json as Fields)
  } catch (err) {
    throw new ClusterError('INVALID_DATA', {}, { message: 'not a question about the pinset, or not an answer', cause: err })
  }
}

const textBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

function groupQuestionOf (row: unknown): GroupQuestion {
  const [prefix, depth] = tupleOf(row)
  if (countOf(depth) > longestKey) throw new TypeError('too deep')
  return { prefix: keyOf(prefix), depth: countOf(depth) }
}

function tupleOf (row: unknown): unknown[] {
  if (!Array.isArray(row)) throw new TypeError('not a row')
  return row as unknown[]
}

function listOf<T> (most: number, take: (value: unknown) => T, value: unknown): T[] {
  if (!Array.isArray(value) || value.length > most) throw new TypeError('not a list')
  return value.map(take)
}

function countOf (value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError('not a count')
  return value
}

function keyOf (value: unknown): string {
  if (typeof value !== 'string' || value.length > longestKey || !/^\/[A-Z2-7]*$/.test(value)) throw new TypeError('not a key')
  return value
}

function digestOf (value: unknown): string {
  if (typeof value !== 'string' || value.length > 64) throw new TypeError('not a digest')
  return value
}

const headOf = (value: unknown): CID => {
  if (typeof value !== 'string' || value.length > 128) throw new TypeError('not a head')
  return parseCid(value)
}
