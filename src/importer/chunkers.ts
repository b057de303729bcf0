import { ClusterError, invalidArgument } from '../base/errors.ts'
import { buzhashChunker } from './buzhash.ts'
import type { Chunker } from './chunk-source.ts'
import { rabinChunker } from './rabin.ts'

/** Kubo's largest block, and what it leaves for a chunk. */
const maxBlockBytes = 2 * 1024 * 1024
const maxChunkBytes = maxBlockBytes - 256
const defaultChunkBytes = 262144

/**
 * The chunker that a `chunker` option names: "", "default", "size-N", "rabin", "rabin-AVG", "rabin-MIN-AVG-MAX" (also
 * "rabin-min:A-avg:B-max:C"), "buzhash". Throws INVALID_ARGUMENT with Go's texts.
 */
export function parseChunker (text: string): Chunker {
  if (text === '' || text === 'default') return sizeChunker(defaultChunkBytes)
  const parts = text.split('-')
  switch (parts[0]) {
    case 'size': return parseSize(parts)
    case 'rabin': return parseRabin(parts)
    case 'buzhash': return buzhashChunker()
    default: throw invalidArgument(`unrecognized chunker option: ${text}`)
  }
}
const tooLarge = (): ClusterError => invalidArgument(`chunker parameters may not exceed the maximum chunk size of ${maxChunkBytes}`)

const sizeChunker = (size: number): Chunker => ({
  maxBytes: size, fixedBytes: size, cut: (_bytes, start, end) => Math.min(size, end - start)
})

function parseSize (parts: string[]): Chunker {
  if (parts.length !== 2) throw invalidArgument('incorrect chunker string format (expected size-{size})')
  const size = parseInteger(parts[1] ?? '')
  if (size <= 0) throw invalidArgument('chunker size must be greater than 0')
  if (size > maxChunkBytes) throw tooLarge()
  return sizeChunker(size)
}

function parseRabin (parts: string[]): Chunker {
  if (parts.length === 1) return rabinByAverage(defaultChunkBytes)
  if (parts.length === 2) {
    const average = parseInteger(parts[1] ?? '')
    if (Math.trunc(Math.fround(Math.fround(average) * 1.5)) > maxChunkBytes) throw tooLarge()
    return rabinByAverage(average)
  }
  if (parts.length === 4) return rabinByBounds(parts)
  throw invalidArgument("incorrect format (expected 'rabin' 'rabin-[avg]' or 'rabin-[min]-[avg]-[max]'")
}

function rabinByAverage (average: number): Chunker {
  const min = Math.floor(average / 3)
  // With a minimum below its window of 16 bytes Go's chunker never cuts: a file is one chunk, and fails when that is too large for a block.
  if (min < 16) return wholeFileChunker
  return rabinChunker({ min, average, max: average + Math.floor(average / 2) })
}

const wholeFileChunker: Chunker = {
  maxBytes: maxBlockBytes + 1,
  cut: (_bytes, start, end) => {
    if (end - start > maxBlockBytes) throw invalidArgument('object size limit exceeded')
    return end - start
  }
}

function rabinByBounds (parts: string[]): Chunker {
  const min = parseLabelled(parts[1] ?? '', 'min', 'first label must be min')
  if (min < 16) throw invalidArgument('rabin min must be greater than 16')
  const average = parseLabelled(parts[2] ?? '', 'avg', 'second label must be avg')
  const max = parseLabelled(parts[3] ?? '', 'max', 'final label must be max')
  if (min >= average) throw invalidArgument('incorrect format: rabin-min must be smaller than rabin-avg')
  if (average >= max) throw invalidArgument('incorrect format: rabin-avg must be smaller than rabin-max')
  if (max > maxChunkBytes) throw tooLarge()
  return rabinChunker({ min, average, max })
}

function parseLabelled (text: string, label: string, otherwise: string): number {
  const parts = text.split(':')
  if (parts.length > 1 && parts[0] !== label) throw invalidArgument(otherwise)
  return parseInteger(parts.at(-1) ?? '')
}

/** strconv.Atoi */
function parseInteger (text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalidArgument(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text.replace(/^\+/, ''))
  if (BigInt.asIntN(64, value) !== value) throw invalidArgument(`strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`)
  return Number(value)
}
