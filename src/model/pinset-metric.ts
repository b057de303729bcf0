import { goJson } from './go-json.ts'

/** The metric by which a peer tells what its pinset is (docs/design/pinset-digest.md). */
export const pinsetMetric = 'pinset'

/** A pinset, as its peer tells it. */
export interface PinsetClaim {
  pins: number
  /** 64 hexadecimal digits. */
  digest: string
  /** Names the set of heads: 32 hexadecimal digits. */
  point: string
  /** The first of the heads, sorted. */
  heads: string[]
  /** Nothing is known to be missing under them. */
  isComplete: boolean
}

const mostHeadsTold = 16
/** Digests of another version are made in another way, and say nothing about this one's. */
const version = 2

/** The value of a `pinset` metric. Of many heads only the first are told. */
export function formatPinsetClaim ({ pins, digest, point, heads, isComplete }: PinsetClaim): string {
  return goJson({ v: version, pins, digest, point, heads: heads.slice(0, mostHeadsTold), complete: isComplete })
}

/** Reads what another peer wrote; undefined when it is no claim, or one of a version that isn't known. */
export function parsePinsetClaim (text: string): PinsetClaim | undefined {
  let json: { v?: unknown, pins?: unknown, digest?: unknown, point?: unknown, heads?: unknown, complete?: unknown } | null
  try { json = JSON.parse(text) as typeof json } catch { return undefined }
  const { v, pins, digest, point, heads, complete } = json ?? {}
  if (v !== version) return undefined
  if (typeof pins !== 'number' || !Number.isSafeInteger(pins) || pins < 0 || typeof complete !== 'boolean') return undefined
  if (!isHex(digest, 64) || !isHex(point, 32) || !Array.isArray(heads) || heads.length > mostHeadsTold) return undefined
  return heads.every(head => typeof head === 'string' && head.length <= 128)
    ? { pins, digest, point, heads: heads as string[], isComplete: complete }
    : undefined
}

const isHex = (value: unknown, digits: number): value is string =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
