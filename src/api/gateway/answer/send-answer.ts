import type { ServerResponse } from 'node:http'
import type { BufferPool } from '../../../base/buffer-pool.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Reader } from '../../../http/answer/bytes-in-flight.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import { PieceGuess, usualPiece } from '../../../http/answer/piece-guess.ts'
import { drained } from '../../../http/answer/send.ts'
import type { TickBudget } from '../../../http/answer/tick-budget.ts'
import { closeBody } from './answers.ts'
import type { Answer } from '../request-context.ts'

/** The response that an answer is written to, and what that needs. */
export interface Sending {
  response: ServerResponse
  isHead: boolean
  /** Asked for when the body is a stream. */
  reader: () => Reader
  signal: () => AbortSignal
  buffers: BufferPool
  tickBudget: TickBudget
  /** Told of what was written. */
  sent: (bytes: number) => void
}

/** Headers as `writeHead` takes them fastest: names and values in turn. `size`: bytes of the body; undefined: chunked. */
export function headOf (headers: HeaderList, size: number | undefined): string[] {
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, headerText(value))
  if (size != null) flat.push('Content-Length', String(size))
  return flat
}

/** Writes head and body; waits for the client piece by piece. Rejects when the body can't be read: the answer is cut off then. */
export async function sendAnswer ({ status, headers, body, length, held = 0 }: Answer, sending: Sending): Promise<void> {
  const { response, isHead, sent } = sending
  const whole = typeof body === 'string' ? Buffer.from(body) : body
  const bytes = whole instanceof Uint8Array ? whole : undefined
  const size = bytes?.length ?? length ?? (body == null && !isHead ? 0 : undefined)
  const head = headOf(headers, status === 304 ? undefined : size)
  const begin = (): void => { response.writeHead(status, head) }
  if (isHead || status === 304 || whole == null || (bytes != null && bytes.length === 0)) {
    begin()
    response.end()
    await closeBody(body)
    return
  }
  if (whole instanceof Uint8Array) {
    begin()
    sent(whole.length)
    response.end(whole, () => sending.buffers.release(whole))
    return
  }
  await pump(whole, { ...sending, held, length, begin })
  response.end()
}

/** `begin` writes the head: with the first piece, so that an error before it has a status. */
interface Pumping extends Sending { held: number, length: number | undefined, begin: () => void }

async function pump (
  body: AsyncIterable<Uint8Array | string>, { response, buffers, tickBudget, sent, held, length, begin, ...more }: Pumping
): Promise<void> {
  const [reader, signal] = [more.reader(), more.signal()]
  const source = body[Symbol.asyncIterator]()
  const guess = new PieceGuess(held > 0 ? held : Math.min(usualPiece, length ?? usualPiece))
  let isTaken = held > 0
  let written = 0
  try {
    for (;;) {
      const expected = isTaken ? held : guess.bytes
      if (!isTaken) await reader.take(expected, signal)
      isTaken = false
      const { done, value } = await source.next()
      if (done === true) {
        if (length != null && written < length) throw wrongLength('shorter', length)
        if (!response.headersSent) begin()
        return
      }
      const piece = typeof value === 'string' ? Buffer.from(value) : value
      // more than was promised would be read as the next answer
      written += piece.length
      if (length != null && written > length) throw wrongLength('longer', length)
      const more = piece.length - expected
      if (more > 0) reader.tookMore(more)
      await tickBudget.take(value)
      if (response.destroyed) {
        buffers.release(piece)
        return
      }
      if (!response.headersSent) begin()
      // called when the kernel has it, or when the connection is gone: nobody reads this memory any more
      if (!response.write(piece, () => buffers.release(piece))) await drained(response)
      signal.throwIfAborted()
      sent(piece.length)
      reader.moved()
      reader.give(Math.max(expected, piece.length))
      guess.saw(piece.length)
    }
  } finally {
    await source.return?.()
  }
}

const wrongLength = (how: 'longer' | 'shorter', length: number): ClusterError =>
  new ClusterError('INVALID_DATA', { length }, { message: `the content is ${how} than its size says` })

/** Header values are bytes for Node; line breaks can't get into one. */
function headerText (value: string): string {
  if (!/[^\x20-\x7e]/.test(value)) return value
  // eslint-disable-next-line no-control-regex
  const line = value.replace(/[\x00-\x1f\x7f]/g, ' ')
  return /[^\x00-\xff]/.test(line) ? Buffer.from(line, 'utf8').toString('latin1') : line
}
