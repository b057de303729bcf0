import type { IncomingHttpHeaders } from 'node:http'
import type { HeaderList } from '../../http/reply.ts'
import type { ByteRange } from '../../ipfs/dag-reader.ts'
import { byteRangesOf } from './byte-range.ts'
import { plainAnswer } from './answers.ts'
import type { Answer, Visit } from './visit.ts'

/** Content of a known size, of which a request may want parts. */
export interface Sized { size: number, read: (range: ByteRange) => AsyncIterable<Uint8Array> | Uint8Array }

/** 200, 206 or 416, as `Range` asks. `headers` has the Etag and the Content-Type. */
export function partialAnswer ({ headers: asked }: { headers: IncomingHttpHeaders }, { size, read }: Sized, headers: HeaderList): Answer {
  const etag = headers.find(([name]) => name === 'Etag')?.[1] ?? ''
  const ranges = asked.range == null ? undefined : byteRangesOf(asked, { size, etag })
  if (ranges === 'unsatisfiable') {
    return plainAnswer(416, 'the range is outside of the content', [['Content-Range', `bytes */${size}`], ['Accept-Ranges', 'bytes']])
  }
  // of several ranges the first one is sent: a client asks again for what is missing
  const [range] = ranges ?? []
  const all: HeaderList = [...headers, ['Accept-Ranges', 'bytes']]
  if (range == null) return { status: 200, headers: all, body: read({ from: 0, before: size }) as AsyncIterable<Uint8Array>, length: size }
  return {
    status: 206,
    headers: [...all, ['Content-Range', `bytes ${range.from}-${range.before - 1}/${size}`]],
    body: read(range),
    length: range.before - range.from
  }
}

export const bytesAnswer = (visit: Pick<Visit, 'headers'>, bytes: Uint8Array, headers: HeaderList): Answer =>
  partialAnswer(visit, { size: bytes.length, read: ({ from, before }) => bytes.subarray(from, before) }, headers)
