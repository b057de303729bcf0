import type { Clock } from '../base/clock.ts'
import { answerText, isFault } from '../base/errors.ts'
import { othersTurn } from '../base/event-loop.ts'
import type { Logger } from '../base/log.ts'
import type { ErrorDialect } from './dialect.ts'
import { errorReply } from './dialect.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderList, LinesReply } from './reply.ts'
import { jsonType } from './reply.ts'
import { breakOff, drained, hidesTrailers, isHttp11, writeHead } from './send.ts'
import type { Turns } from './turns.ts'

const writeSize = 64 * 1024
const trailerName = 'X-Stream-Error'
const lateFault = 'a fault ended an answer'

export interface LinesDeps {
  clock: Clock
  dialect: ErrorDialect
  /** Told of faults, whose texts don't go out. */
  log: Pick<Logger, 'error'>
  /** Shared with whoever else writes much. Without it nothing waits for its turn. */
  turns?: Pick<Turns, 'take'> | undefined
}

/** Answers with a stream of lines (see LinesReply). Never rejects. */
export async function sendLines (exchange: Exchange, reply: LinesReply, { clock, dialect, log, turns }: LinesDeps): Promise<void> {
  const source = reply.source[Symbol.asyncIterator]()
  const head = headOf(exchange, reply)
  const chunked = { status: 200, headers: head, framing: 'chunked' } as const
  try {
    const first = reply.style === 'list' ? await firstPiece(source) : ''
    if (first == null) {
      writeHead(exchange, { status: 204, headers: head, framing: 'none' }, clock)
      exchange.response.end()
      return
    }
    // Node keeps the head of a body that is never sent until its end, and some streams have none
    if (exchange.method === 'HEAD') {
      writeHead(exchange, chunked, clock)
      exchange.response.end()
      await source.return?.()
      return
    }
    const writer = new LineWriter(exchange, { begin: () => writeHead(exchange, chunked, clock), onWritten: reply.onWritten, turns })
    const failure = await writer.copy(first, source)
    // who can't be told later is told now
    if (failure != null && !writer.hasBegun && hidesTrailers(exchange)) throw failure.error
    if (isFault(failure?.error)) log.error(lateFault, { err: failure?.error })
    writer.end(failure == null ? (reply.style === 'list' ? [''] : []) : lateTexts(failure.error))
  } catch (err) {
    if (isFault(err)) log.error(lateFault, { err })
    const { status, text } = errorReply(dialect, err)
    writeHead(exchange, { status, headers: head, framing: 'chunked' }, clock)
    exchange.bytesSent += Buffer.byteLength(text)
    exchange.response.end(text)
  }
}

function headOf (exchange: Exchange, reply: LinesReply): HeaderList {
  const trailer: HeaderList = isHttp11(exchange) ? [['Trailer', trailerName]] : []
  return [...exchange.answerHeaders, ['Content-Type', reply.contentType ?? jsonType], ...trailer, ...reply.headers ?? []]
}

async function firstPiece (source: AsyncIterator<string | Uint8Array>): Promise<string | Uint8Array | null> {
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return null
    if (value.length > 0) return value
  }
}

interface LineWriterInit { begin: () => void, onWritten: ((piece: Uint8Array) => void) | undefined, turns: Pick<Turns, 'take'> | undefined }

/** Gathers pieces, waits for the client where it is slow, and never holds text back while the source is idle. */
class LineWriter {
  readonly #exchange: Exchange
  readonly #begin: () => void
  readonly #onWritten: ((piece: Uint8Array) => void) | undefined
  readonly #turns: Pick<Turns, 'take'> | undefined
  #begun = false
  #pending = ''

  constructor (exchange: Exchange, { begin, onWritten, turns }: LineWriterInit) {
    this.#exchange = exchange
    this.#begin = begin
    this.#onWritten = onWritten
    this.#turns = turns
  }

  /** Whether the client has got something. */
  get hasBegun (): boolean { return this.#begun }

  /** Writes everything, until the source fails. */
  async copy (first: string | Uint8Array, source: AsyncIterator<string | Uint8Array>): Promise<{ error: unknown } | undefined> {
    try {
      let piece = first
      for (;;) {
        await this.#take(piece)
        if (this.#exchange.isGone) {
          await source.return?.()
          return undefined
        }
        const next = await this.#next(source)
        if (next.done === true) return undefined
        piece = next.value
      }
    } catch (error) {
      return { error }
    }
  }

  end (errors: readonly string[]): void {
    const { response } = this.#exchange
    if (response.destroyed) return
    this.#write(this.#pending)
    if (!this.#begun) this.#start()
    if (errors.some(text => text !== '') && hidesTrailers(this.#exchange)) {
      breakOff(this.#exchange)
      return
    }
    if (errors.length > 0 && isHttp11(this.#exchange)) {
      response.addTrailers(errors.map(text => [trailerName, trailerText(text)]) as Array<[string, string]>)
    }
    response.end()
  }

  async #take (piece: string | Uint8Array): Promise<void> {
    if (typeof piece === 'string') {
      this.#pending += piece
      if (this.#pending.length < writeSize) return
      piece = this.#pending
    } else this.#write(this.#pending)
    this.#pending = ''
    await this.#turns?.take(piece)
    if (!this.#write(piece)) await drained(this.#exchange.response)
  }

  async #next (source: AsyncIterator<string | Uint8Array>): Promise<IteratorResult<string | Uint8Array>> {
    const next = source.next()
    if (this.#pending === '') return next
    let ready = false
    const settle = (): void => { ready = true }
    next.then(settle, settle)
    await othersTurn()
    if (!ready) {
      this.#write(this.#pending)
      this.#pending = ''
    }
    return next
  }

  #start (): void {
    this.#begun = true
    this.#begin()
  }

  /** False when the client has to catch up. */
  #write (piece: string | Uint8Array): boolean {
    const { response } = this.#exchange
    if (piece.length === 0 || response.destroyed) return true
    if (!this.#begun) this.#start()
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
    this.#exchange.bytesSent += bytes.length
    const onWritten = this.#onWritten
    return onWritten == null || typeof piece === 'string' ? response.write(bytes) : response.write(bytes, () => onWritten(bytes))
  }
}

/** What the trailer has to tell of an error. */
const lateTexts = (err: unknown): string[] => err instanceof AggregateError ? ['', ...err.errors.map(answerText)] : [answerText(err)]

/** One header line: line breaks become blanks as in Go, other control characters too; UTF-8 goes out as it is. */
function trailerText (text: string): string {
  // eslint-disable-next-line no-control-regex
  const line = text.slice(0, 4000).replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').trim()
  return Buffer.from(line, 'utf8').toString('latin1')
}
