import type { ByteRange } from '../dag-reader.ts'

interface RangeHeaders { range?: string | undefined, 'if-range'?: string | undefined }

/**
 * The part of a file that a request asks for: undefined for all of it (no Range, several ranges, an If-Range that doesn't match, or nonsense,
 * which RFC 9110 says to ignore), 'unsatisfiable' for 416.
 */
export function byteRangeOf (headers: RangeHeaders, { size, etag }: { size: number, etag: string }): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range?.trim() ?? '')
  if (match == null || (headers['if-range'] != null && headers['if-range'] !== etag)) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') return last === '0' || size === 0 ? 'unsatisfiable' : { from: Math.max(0, size - Number(last)), before: size }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return undefined
  if (from >= size) return 'unsatisfiable'
  return { from, before: last === '' ? size : Math.min(size, Number(last) + 1) }
}
