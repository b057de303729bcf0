import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { PeerId } from '../../model/cid.ts'
import type { PeerStream } from '../network.ts'

/** What may wait here to be read before the other side has to wait. */
const fullBytes = 256 * 1024
/** What a chunk takes besides its bytes: many small ones don't come for nothing. */
const chunkBytes = 128
/** Small chunks that wait are given together up to this. */
const joinedBytes = 16 * 1024

type Incoming = Event & { data: Uint8Array | Iterable<Uint8Array> }
type Closing = Event & { error?: Error }

/**
 * A libp2p stream as a `PeerStream`. Go sends stream head, request and end in one burst: everything may have come before this object is
 * made, and libp2p's own iterator would then wait for ever or queue without bound.
 */
export class LibP2pPeerStream implements PeerStream {
  readonly remote: PeerId
  readonly #stream: Stream
  readonly #reset = new AbortController()
  readonly #ended = new AbortController()
  #chunks: Uint8Array[] = []
  /** How many of them have been read: taking them from the front of a long list would move all others. */
  #taken = 0
  #waitingBytes = 0
  #isFinished = false
  #isClosed = false
  #isResuming = false
  #wakeReader: (() => void) | undefined
  #wakeWriters: Array<() => void> = []

  constructor (stream: Stream, remote: PeerId) {
    this.#stream = stream
    this.remote = remote
    stream.addEventListener('message', event => this.#onData((event as Incoming).data))
    stream.addEventListener('remoteCloseWrite', () => this.#onFinished())
    stream.addEventListener('drain', () => this.#notifyWriters())
    stream.addEventListener('close', event => this.#onClosed((event as Closing).error))
    if (stream.remoteWriteStatus === 'closed' && stream.status === 'open') this.#onFinished()
    else if (stream.status !== 'open') this.#onClosed(new Error('the stream was closed before it was taken'))
  }

  get wasReset (): AbortSignal { return this.#reset.signal }
  get remoteEnded (): AbortSignal { return this.#ended.signal }

  get source (): AsyncIterable<Uint8Array> { return { [Symbol.asyncIterator]: () => ({ next: async () => this.#next() }) } }

  async write (...pieces: Uint8Array[]): Promise<void> {
    if (this.#isClosed) throw this.#fault()
    try {
      const [first, ...more] = pieces
      if (first != null) this.#stream.send(more.length === 0 ? first : new Uint8ArrayList(...pieces))
    } catch (err) {
      throw unreachable(this.remote, err)
    }
    // libp2p's onDrain resolves at once from the second time on
    while (this.#stream.writableNeedsDrain && !this.#isClosed) await new Promise<void>(resolve => this.#wakeWriters.push(resolve))
    if (this.#reset.signal.aborted) throw this.#fault()
  }

  async closeWrite (): Promise<void> {
    if (this.#isClosed) return
    try {
      await this.#stream.close()
    } catch (err) {
      if (this.#reset.signal.aborted) throw this.#fault()
      throw unreachable(this.remote, err)
    }
  }

  abort (reason: Error): void { this.#stream.abort(reason) }

  async #next (): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      if (this.#reset.signal.aborted) throw this.#fault()
      const chunk = this.#take()
      if (chunk != null) return { done: false, value: chunk }
      if (this.#stream.readStatus === 'paused') {
        this.#resume()
        if (this.#chunks.length > 0) continue
      }
      if (this.#isFinished && this.#stream.readBufferLength === 0) return { done: true, value: undefined }
      await new Promise<void>(resolve => { this.#wakeReader = resolve })
    }
  }

  /** The next chunk that waits; many small ones as one: whoever sends pieces of a byte each must not make a turn of each. */
  #take (): Uint8Array | undefined {
    const chunks = this.#chunks
    const first = chunks[this.#taken]
    if (first == null) return undefined
    let end = this.#taken + 1
    let bytes = first.length
    for (let next = chunks[end]; next != null && bytes + next.length <= joinedBytes; next = chunks[++end]) bytes += next.length
    const chunk = end === this.#taken + 1 ? first : Buffer.concat(chunks.slice(this.#taken, end), bytes)
    this.#waitingBytes -= bytes + (end - this.#taken) * chunkBytes
    this.#taken = end
    // what has been read must go, also when the list is never empty
    if (end * 2 >= chunks.length) {
      this.#chunks = chunks.slice(end)
      this.#taken = 0
    }
    return chunk
  }

  /**
   * What came during the pause is handed over at once, inside of `resume`, which opens the window when it ends: a pause from in there would
   * be a pause in name only.
   */
  #resume (): void {
    this.#isResuming = true
    try {
      this.#stream.resume()
    } catch { /* closed in the meantime: the events tell */ } finally {
      this.#isResuming = false
    }
    this.#pauseWhenFull()
  }

  #pauseWhenFull (): void {
    if (this.#waitingBytes >= fullBytes && this.#stream.readStatus === 'readable' && !this.#isResuming) this.#stream.pause()
  }

  #onData (data: Incoming['data']): void {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      this.#chunks.push(chunk)
      this.#waitingBytes += chunk.length + chunkBytes
    }
    this.#pauseWhenFull()
    this.#notifyReader()
  }

  #onFinished (): void {
    this.#isFinished = true
    this.#ended.abort(new ClusterError('PEER_UNREACHABLE', { peer: this.remote }, { message: 'the other side closed its writing' }))
    this.#notifyReader()
  }

  /** A connection that ends without an end of the stream cuts it off. */
  #onClosed (error: Error | undefined): void {
    this.#isClosed = true
    if (error != null || !this.#isFinished) {
      const fault = unreachable(this.remote, error ?? new Error('the connection was closed'))
      this.#chunks = []
      this.#taken = 0
      this.#reset.abort(fault)
      this.#ended.abort(fault)
    }
    this.#notifyReader()
    this.#notifyWriters()
  }

  #fault (): Error {
    return this.#reset.signal.aborted ? this.#reset.signal.reason as Error : unreachable(this.remote, new Error('the stream is closed'))
  }

  #notifyReader (): void {
    this.#wakeReader?.()
    this.#wakeReader = undefined
  }

  #notifyWriters (): void { for (const wake of this.#wakeWriters.splice(0)) wake() }
}

const unreachable = (peer: PeerId, cause: unknown): ClusterError =>
  new ClusterError('PEER_UNREACHABLE', { peer }, { message: `stream reset: ${messageOf(cause)}`, cause })
