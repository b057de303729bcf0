import type { Clock } from '../../base/clock.ts'
import { answerText, isFault } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import type { ErrorDialect } from '../error-dialect.ts'
import { errorReply } from '../error-dialect.ts'
import type { RequestContext } from '../request-context.ts'
import type { HeaderList, LinesReply } from './reply.ts'
import { jsonType } from './reply.ts'
import { breakOff, drained, hidesTrailers, isHttp11, writeHead } from './send.ts'
import type { TickBudget } from './tick-budget.ts'

const writeSize = 64 * 1024
const trailerName = 'X-Stream-Error'
const lateFault = 'a fault ended an answer'

export interface LinesDeps {
  clock: Clock
  dialect: ErrorDialect
  /** Told of faults, whose texts don't go out. */
  log: Pick<Logger, 'error'>
  /** Shared with whoever else writes much. Without it nothing waits for its turn. */
  tickBudget?: Pick<TickBudget, 'take'> | undefined
}

/** Answers with a stream of lines (see LinesReply). Never rejects. */
export async function sendLines (
  context: RequestContext, reply: LinesReply, { clock, dialect, log, tickBudget }: LinesDeps
): Promise<void> {
  const source = reply.source[Symbol.asyncIterator]()
  const head = headOf(context, reply)
  const chunked = { status: 200, headers: head, framing: 'chunked' } as const
  try {
    const first = reply.style === 'list' ? await firstPiece(source) : ''
    if (first == null) {
      writeHead(context, { status: 204, headers: head, framing: 'none' }, clock)
      context.response.end()
      return
    }
    // Node keeps the head of a body that is never sent until its end, and some streams have none
    if (context.method === 'HEAD') {
      writeHead(context, chunked, clock)
      context.response.end()
      await source.return?.()
      return
    }
    const writer = new LineWriter(context, { begin: () => writeHead(context, chunked, clock), onWritten: reply.onWritten, tickBudget })
    const failure = await writer.copy(first, source)
    // who can't be told later is told now
    if (failure != null && !writer.hasBegun && hidesTrailers(context)) throw failure.error
    if (isFault(failure?.error)) log.error(lateFault, { err: failure?.error })
    writer.end(failure == null ? (reply.style === 'list' ? [''] : []) : lateTexts(failure.error))
  } catch (err) {
    if (isFault(err)) log.error(lateFault, { err })
    const { status, text } = errorReply(dialect, err)
    writeHead(context, { status, headers: head, framing: 'chunked' }, clock)
    context.bytesSent += Buffer.byteLength(text)
    context.response.end(text)
  }
}

function headOf (context: RequestContext, reply: LinesReply): HeaderList {
  const trailer: HeaderList = isHttp11(context) ? [['Trailer', trailerName]] : []
  return [...context.answerHeaders, ['Content-Type', reply.contentType ?? jsonType], ...trailer, ...reply.headers ?? []]
}

async function firstPiece (source: AsyncIterator<string | Uint8Array>): Promise<string | Uint8Array | null> {
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return null
    if (value.length > 0) return value
  }
}

interface LineWriterInit {
  begin: () => void
  onWritten: ((piece: Uint8Array) => void) | undefined
  tickBudget: Pick<TickBudget, 'take'> | undefined
}

/** Gathers pieces, waits for the client where it is slow, and never holds text back while the source is idle. */
class LineWriter {
  readonly #context: RequestContext
  readonly #begin: () => void
  readonly #onWritten: ((piece: Uint8Array) => void) | undefined
  readonly #tickBudget: Pick<TickBudget, 'take'> | undefined
  #begun = false
  #pending = ''

  constructor (context: RequestContext, { begin, onWritten, tickBudget }: LineWriterInit) {
    this.#context = context
    this.#begin = begin
    this.#onWritten = onWritten
    this.#tickBudget = tickBudget
  }

  /** Whether the client has got something. */
  get hasBegun (): boolean { return this.#begun }

  /** Writes everything, until the source fails. */
  async copy (first: string | Uint8Array, source: AsyncIterator<string | Uint8Array>): Promise<{ error: unknown } | undefined> {
    try {
      let piece = first
      for (;;) {
        await this.#take(piece)
        if (this.#context.isGone) {
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
    const { response } = this.#context
    if (response.destroyed) return
    this.#write(this.#pending)
    if (!this.#begun) this.#start()
    if (errors.some(text => text !== '') && hidesTrailers(this.#context)) {
      breakOff(this.#context)
      return
    }
    if (errors.length > 0 && isHttp11(this.#context)) {
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
    await this.#tickBudget?.take(piece)
    if (!this.#write(piece)) await drained(this.#context.response)
  }

  async #next (source: AsyncIterator<string | Uint8Array>): Promise<IteratorResult<string | Uint8Array>> {
    const next = source.next()
    if (this.#pending === '') return next
    let ready = false
    const settle = (): void => { ready = true }
    next.then(settle, settle)
    await yieldToEventLoop()
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
    const { response } = this.#context
    if (piece.length === 0 || response.destroyed) return true
    if (!this.#begun) this.#start()
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
    this.#context.bytesSent += bytes.length
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
