import { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { PeerStream } from './network.ts'

export interface StreamDuplexDeps { clock: Clock }

/**
 * A stream to another peer as Node's `Duplex`, for what expects a socket (Node's HTTP). Both directions end by themselves; back-pressure
 * works both ways. Destroying it resets the stream unless both directions had ended.
 */
export function streamDuplex (stream: PeerStream, deps: StreamDuplexDeps): Duplex { return new StreamDuplex(stream, deps) }

class StreamDuplex extends Duplex {
  /** Where a socket has the address, this has the peer, as Go's. */
  readonly remoteAddress: string
  readonly #stream: PeerStream
  readonly #clock: Clock
  readonly #source: AsyncIterator<Uint8Array>
  #timeoutMs = 0
  #cancelTimeout: () => void = () => {}

  constructor (stream: PeerStream, { clock }: StreamDuplexDeps) {
    super({ allowHalfOpen: true })
    this.#stream = stream
    this.#clock = clock
    this.#source = stream.source[Symbol.asyncIterator]()
    this.remoteAddress = stream.remote
    stream.wasReset.addEventListener('abort', () => this.destroy(stream.wasReset.reason as Error), { once: true })
    // a reset is an ordinary end for who serves requests; who wants to know listens too
    this.on('error', () => {})
  }

  /** As a socket's: emits `timeout` after so many milliseconds without bytes; 0: never. Node's HTTP cuts idle connections with it. */
  setTimeout (ms: number, listener?: () => void): this {
    this.#timeoutMs = ms
    if (listener != null) this.once('timeout', listener)
    this.#touch()
    return this
  }

  override _read (): void {
    this.#source.next().then(({ done, value }) => {
      this.#touch()
      this.push(done === true ? null : value)
    }).catch((err: Error) => this.destroy(err))
  }

  override _write (chunk: Uint8Array, _encoding: BufferEncoding, done: (err?: Error | null) => void): void {
    this.#touch()
    this.#stream.write(chunk).then(() => done(), done)
  }

  override _final (done: (err?: Error | null) => void): void { this.#stream.closeWrite().then(() => done(), done) }

  override _destroy (err: Error | null, done: (err: Error | null) => void): void {
    this.#cancelTimeout()
    if (!this.readableEnded || !this.writableFinished) this.#stream.abort(err ?? new Error('the stream was abandoned'))
    done(err)
  }

  #touch (): void {
    this.#cancelTimeout()
    this.#cancelTimeout = this.#timeoutMs > 0 && !this.destroyed ? this.#clock.after(this.#timeoutMs, () => this.emit('timeout')) : () => {}
  }
}
