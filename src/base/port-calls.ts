import { ClusterError, errorCodes, isClusterError, messageOf } from './errors.ts'
import type { ErrorCode, ErrorFacts } from './errors.ts'

/** One end of a channel between two threads, as a MessagePort or a Worker is. */
export interface CallPort {
  postMessage (message: unknown, transfer: readonly ArrayBuffer[]): void
  on (event: 'message', take: (message: never) => void): unknown
}

export interface CallOptions { signal?: AbortSignal | undefined }

/** Answers one kind of call. What it throws is thrown at the caller. */
export type Answerer = (args: never, options: { signal: AbortSignal }) => unknown

/** What this end does for the other: answers calls, and takes notes that nobody waits for. */
export interface PortService { calls: Readonly<Record<string, Answerer>>, notes: Readonly<Record<string, (value: never) => void>> }

/** An answer, or a call's arguments, whose memory goes over to the other thread: nobody here may use it any more. */
export class Moved {
  readonly value: unknown
  readonly memory: readonly ArrayBuffer[]

  constructor (value: unknown, memory: readonly ArrayBuffer[]) {
    this.value = value
    this.memory = memory
  }
}

interface PlainError { code: ErrorCode | undefined, message: string, details: ErrorFacts, stack: string | undefined }

type Message =
  | { kind: 'call', id: number, name: string, args: unknown }
  | { kind: 'value', id: number, value: unknown }
  | { kind: 'error', id: number, error: PlainError }
  | { kind: 'cancel', id: number }
  | { kind: 'note', name: string, value: unknown }

interface Waiting { resolve: (value: unknown) => void, reject: (err: unknown) => void }

/**
 * Calls and notes between two threads, both ways, in the order in which they are sent. Values are copied; errors keep their code. An
 * aborted call rejects at once with the signal's reason, and its answerer's signal aborts.
 */
export class PortCalls {
  readonly #port: CallPort
  readonly #service: PortService
  readonly #waiting = new Map<number, Waiting>()
  readonly #answering = new Map<number, AbortController>()
  #lastId = 0
  #ended: Error | undefined

  constructor (port: CallPort, service: PortService) {
    this.#port = port
    this.#service = service
    port.on('message', (message: Message) => this.#take(message))
  }

  async call<Value> (name: string, args: unknown, { signal }: CallOptions = {}): Promise<Value> {
    signal?.throwIfAborted()
    if (this.#ended != null) throw this.#ended
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    const onAbort = (): void => {
      this.#waiting.delete(id)
      this.#send({ kind: 'cancel', id })
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (args instanceof Moved) this.#send({ kind: 'call', id, name, args: args.value }, args.memory)
    else this.#send({ kind: 'call', id, name, args })
    return promise.finally(() => signal?.removeEventListener('abort', onAbort)) as Promise<Value>
  }

  tell (name: string, value: unknown): void { if (this.#ended == null) this.#send({ kind: 'note', name, value }) }

  /** The other end is gone: calls reject with the reason, and what is being answered is aborted. */
  end (reason: Error): void {
    this.#ended ??= reason
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
    for (const abort of this.#answering.values()) abort.abort(reason)
    this.#answering.clear()
  }

  #take (message: Message): void {
    if (this.#ended != null) return
    if (message.kind === 'call') void this.#answer(message)
    else if (message.kind === 'note') this.#service.notes[message.name]?.(message.value as never)
    else if (message.kind === 'cancel')
      this.#answering.get(message.id)?.abort(new ClusterError('TIMEOUT', {}, { message: 'the caller waits no longer' }))
    else this.#settle(message)
  }

  #settle (message: Message & { kind: 'value' | 'error' }): void {
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.kind === 'value') waiting?.resolve(message.value)
    else waiting?.reject(revived(message.error))
  }

  async #answer ({ id, name, args }: Message & { kind: 'call' }): Promise<void> {
    const abort = new AbortController()
    this.#answering.set(id, abort)
    try {
      const answerer = this.#service.calls[name]
      if (answerer == null) throw new ClusterError('UNSUPPORTED', { name }, { message: `nobody answers ${name}` })
      const value = await answerer(args as never, { signal: abort.signal })
      if (this.#answering.has(id) && !abort.signal.aborted) this.#sendValue(id, value)
    } catch (err) {
      if (!abort.signal.aborted) this.#send({ kind: 'error', id, error: plain(err) })
    } finally {
      this.#answering.delete(id)
    }
  }

  #sendValue (id: number, value: unknown): void {
    if (value instanceof Moved) this.#send({ kind: 'value', id, value: value.value }, value.memory)
    else this.#send({ kind: 'value', id, value })
  }

  #send (message: Message, memory: readonly ArrayBuffer[] = none): void { this.#port.postMessage(message, memory) }
}

const none: readonly ArrayBuffer[] = []

const plain = (err: unknown): PlainError => ({
  code: isClusterError(err) ? err.code : undefined,
  message: messageOf(err),
  details: isClusterError(err) ? err.details : {},
  stack: err instanceof Error ? err.stack : undefined
})

/** A surprise of the other thread is one here, with the place where it happened. */
function revived ({ code, message, details, stack }: PlainError): Error {
  if (code != null && Object.hasOwn(errorCodes, code)) return new ClusterError(code, details, { message })
  const err = new Error(message)
  if (stack != null) err.stack = stack
  return err
}
