import { ClusterError } from '../../src/base/errors.ts'
import type { PeerStream, PeerStreams } from '../../src/network/network.ts'

type Handler = (stream: PeerStream) => void

/** One direction of a stream: at most `room` chunks wait, then writers do. */
class Pipe {
  readonly #chunks: Uint8Array[] = []
  readonly #room: number
  #isClosed = false
  #fault: Error | undefined
  #wake: Array<() => void> = []

  constructor (room: number) { this.#room = room }

  async write (bytes: Uint8Array): Promise<void> {
    while (this.#chunks.length >= this.#room && this.#fault == null) await this.#changed()
    if (this.#fault != null) throw this.#fault
    this.#chunks.push(Uint8Array.from(bytes))
    this.#notify()
  }

  close (): void { this.#isClosed = true; this.#notify() }
  fail (fault: Error): void { this.#fault ??= fault; this.#notify() }

  async * read (): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#fault != null) throw this.#fault
      const chunk = this.#chunks.shift()
      if (chunk != null) {
        this.#notify()
        yield chunk
      } else if (this.#isClosed) return
      else await this.#changed()
    }
  }

  #notify (): void { for (const wake of this.#wake.splice(0)) wake() }
  async #changed (): Promise<void> { await new Promise<void>(resolve => this.#wake.push(resolve)) }
}

/** Streams between peers of one process; peers that aren't registered are unreachable. */
export class MemoryStreams {
  readonly #handlers = new Map<string, Map<string, Handler>>()

  /** The network as one peer sees it. */
  of (self: string): PeerStreams {
    const own = new Map<string, Handler>()
    this.#handlers.set(self, own)
    return {
      open: async (peer, protocol) => {
        const protocols = this.#handlers.get(peer)
        if (protocols == null) throw new ClusterError('PEER_UNREACHABLE', { peer })
        const handler = protocols.get(protocol)
        if (handler == null) throw new ClusterError('UNSUPPORTED', { peer, protocol })
        const [near, far] = streamPair(self, peer)
        handler(far)
        return near
      },
      handle: (protocol, handler) => {
        own.set(protocol, handler)
        return () => { own.delete(protocol) }
      }
    }
  }
}

/** Both ends of one stream: what `near` holds, whose remote is `far`, and the other way round. */
export function streamPair (near: string, far: string): [PeerStream, PeerStream] {
  const out = new Pipe(4)
  const back = new Pipe(4)
  const reset = new AbortController()
  const ends = [new AbortController(), new AbortController()] as const
  const side = (remote: string, writes: Pipe, reads: Pipe, ended: AbortController, otherEnded: AbortController): PeerStream => ({
    remote,
    source: reads.read(),
    write: async (...pieces) => { for (const bytes of pieces) await writes.write(bytes) },
    closeWrite: async () => { writes.close(); otherEnded.abort(new Error('the other side closed')) },
    abort: reason => {
      const fault = new ClusterError('PEER_UNREACHABLE', {}, { message: 'stream reset', cause: reason })
      for (const pipe of [out, back]) pipe.fail(fault)
      reset.abort(fault)
      for (const end of ends) end.abort(fault)
    },
    wasReset: reset.signal,
    remoteEnded: ended.signal
  })
  return [side(far, out, back, ends[0], ends[1]), side(near, back, out, ends[1], ends[0])]
}
