import type { HeaderList } from '../../../http/answer/reply.ts'
import type { ByteRange } from '../../../ipfs/dag-reader.ts'
import { byteRangesOf } from '../../common/byte-range.ts'
import { plainAnswer } from './answers.ts'
import type { Answer, GatewayContext } from '../request-context.ts'

/** Content of a known size, of which a request may want parts. */
export interface Sized { size: number, read: (range: ByteRange) => AsyncIterable<Uint8Array> | Uint8Array }

type RangeContext = Pick<GatewayContext, 'headers' | 'boundary'>

/** 200, 206 or 416, as `Range` asks. `headers` has the Etag and the Content-Type. */
export function partialAnswer ({ headers: asked, boundary }: RangeContext, content: Sized, headers: HeaderList): Answer {
  const { size, read } = content
  const etag = headers.find(([name]) => name === 'Etag')?.[1] ?? ''
  const ranges = asked.range == null ? undefined : byteRangesOf(asked, { size, etag })
  if (ranges === 'unsatisfiable') {
    return plainAnswer(416, 'the range is outside of the content', [['Content-Range', `bytes */${size}`], ['Accept-Ranges', 'bytes']])
  }
  const [range, ...others] = ranges ?? []
  const all: HeaderList = [...headers, ['Accept-Ranges', 'bytes']]
  if (range == null) return { status: 200, headers: all, body: read({ from: 0, before: size }) as AsyncIterable<Uint8Array>, length: size }
  if (others.length > 0) return severalParts([range, ...others], content, { headers: all, boundary: boundary() })
  return { status: 206, headers: [...all, ['Content-Range', contentRange(range, size)]], body: read(range), length: lengthOf(range) }
}

/** The answer with these bytes, or with the part of them that was asked for. */
export const bytesAnswer = (context: RangeContext, bytes: Uint8Array, headers: HeaderList): Answer =>
  partialAnswer(context, { size: bytes.length, read: ({ from, before }) => bytes.subarray(from, before) }, headers)

const lengthOf = ({ from, before }: ByteRange): number => before - from
const contentRange = ({ from, before }: ByteRange, size: number): string => `bytes ${from}-${before - 1}/${size}`

/** Parts in the order in which they are asked for, each with its type and place: `multipart/byteranges`. */
function severalParts (
  ranges: ByteRange[], { size, read }: Sized, { headers, boundary }: { headers: HeaderList, boundary: string }
): Answer {
  const type = headers.find(([name]) => name === 'Content-Type')?.[1] ?? 'application/octet-stream'
  const heads = ranges.map(range => {
    const lines = [`--${boundary}`, `Content-Type: ${type}`, `Content-Range: ${contentRange(range, size)}`, '', '']
    return Buffer.from(`\r\n${lines.join('\r\n')}`)
  })
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  const parts = ranges.map(read)
  const isHere = parts.every(part => part instanceof Uint8Array)
  return {
    status: 206,
    headers: [...headers.filter(([name]) => name !== 'Content-Type'), ['Content-Type', `multipart/byteranges; boundary=${boundary}`]],
    body: isHere ? Buffer.concat([...parts.flatMap((part, at) => [heads[at] as Buffer, part]), end]) : streamed(parts, { heads, end }),
    length: [...heads, end].reduce((sum, { length }) => sum + length, ranges.reduce((sum, range) => sum + lengthOf(range), 0))
  }
}

async function * streamed (
  parts: ReadonlyArray<AsyncIterable<Uint8Array> | Uint8Array>, { heads, end }: { heads: readonly Buffer[], end: Buffer }
): AsyncGenerator<Uint8Array> {
  for (const [at, part] of parts.entries()) {
    yield heads[at] as Buffer
    if (part instanceof Uint8Array) yield part
    else yield * part
  }
  yield end
}
