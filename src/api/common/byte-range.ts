import type { IncomingHttpHeaders } from 'node:http'
import type { ByteRange } from '../../ipfs/dag-reader.ts'

/** More ranges in one request than anybody needs: as if there were none. */
const maxRanges = 16

/**
 * The parts of a file that a request asks for: undefined for all of it (no Range, an If-Range that doesn't match, what RFC 9110 says to
 * ignore: other units, nonsense; parts that together are more than the whole; any part of nothing), 'unsatisfiable' for 416 when all of
 * them lie outside.
 */
export function byteRangesOf (
  { range, 'if-range': condition }: IncomingHttpHeaders, { size, etag }: { size: number, etag: string }
): ByteRange[] | 'unsatisfiable' | undefined {
  const list = /^bytes=(.*)$/.exec(range?.trim() ?? '')?.[1]
  if (list == null || (condition != null && (condition !== etag || etag.startsWith('W/')))) return undefined
  const specs = list.split(',', maxRanges + 1).map(spec => spec.trim()).filter(spec => spec !== '')
  if (specs.length === 0 || specs.length > maxRanges || size === 0) return undefined
  const parsed = specs.map(spec => rangeOf(spec, size))
  if (parsed.some(one => one === 'nonsense')) return undefined
  const inside = parsed.filter(one => typeof one === 'object')
  if (inside.length === 0) return 'unsatisfiable'
  return inside.reduce((sum, { from, before }) => sum + before - from, 0) > size ? undefined : inside
}

function rangeOf (spec: string, size: number): ByteRange | 'outside' | 'nonsense' {
  const [, first, last] = /^(\d{0,15})-(\d{0,15})$/.exec(spec) ?? []
  if (first == null || last == null || (first === '' && last === '')) return 'nonsense'
  if (first === '') return Number(last) === 0 ? 'outside' : { from: Math.max(0, size - Number(last)), before: size }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return 'nonsense'
  if (from >= size) return 'outside'
  return { from, before: last === '' ? size : Math.min(size, Number(last) + 1) }
}
