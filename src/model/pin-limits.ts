import { byteSize } from '../base/text/byte-size.ts'

/** How much the content of a pin may be; Infinity: no limit. */
export interface PinLimits { maxBytes: number, maxBlocks: number }

/**
 * The keys of a pin's metadata that carry its limits: Go's peers keep metadata and do nothing with it, so that a pin has its limits
 * whoever it was asked of.
 */
export const limitKeys = { maxBytes: 'max-size', maxBlocks: 'max-blocks' } as const

/** Where the configuration sets none. */
export const noLimits: PinLimits = { maxBytes: Infinity, maxBlocks: Infinity }

/** A limit as it is written: "100MB" or a number of bytes, a number of blocks. Undefined for what is none; above 0. */
export function limitOf (key: string, text: string): number | undefined {
  const value = key === limitKeys.maxBytes ? byteSize(text) : /^\d+$/.test(text) ? Number(text) : undefined
  return value != null && value > 0 && Number.isSafeInteger(value) ? value : undefined
}

/** What is wrong with a text as the limit of that key; undefined for a limit, and for what has another key. */
export function whyNoLimit (key: string, text: string): string | undefined {
  if (!Object.values<string>(limitKeys).includes(key) || limitOf(key, text) != null) return undefined
  return `${key} is invalid: ${key === limitKeys.maxBytes ? 'a size such as 100MB' : 'a number of blocks'} is needed`
}

/** The limits of a pin. What can't be read (a Go peer takes any text) is none. */
export function pinLimits (metadata: Readonly<Record<string, string>>): PinLimits {
  const of = (key: string): number => limitOf(key, metadata[key] ?? '') ?? Infinity
  return { maxBytes: of(limitKeys.maxBytes), maxBlocks: of(limitKeys.maxBlocks) }
}

/** The limits that hold when both do: the lower of each. */
export const stricter = (one: PinLimits, other: PinLimits): PinLimits => ({
  maxBytes: Math.min(one.maxBytes, other.maxBytes), maxBlocks: Math.min(one.maxBlocks, other.maxBlocks)
})
