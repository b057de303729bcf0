import type { Clock } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { PeerId } from '../model/cid.ts'
import { rpcProtocol } from '../model/peer.ts'
import type { PeerStream, PeerStreams } from '../network/network.ts'
import { MsgpackStream } from '../wire/msgpack-stream.ts'
import { encodeParts, encodeRequest, readReply } from './frames.ts'
import type { Method } from './methods.ts'

export interface RpcClientDeps { streams: PeerStreams, clock: Clock }
export interface RpcCallOptions { signal?: AbortSignal }

/** How long a peer may take for one argument of a stream: it may have a slow disk. Milliseconds. */
export const takeMs = 120_000

/** Calls methods of other peers. Rejects with PEER_UNREACHABLE, NOT_AUTHORIZED, PEER_FAILED (the peer's text) or the signal's reason. */
export class RpcClient {
  readonly #deps: RpcClientDeps

  constructor (deps: RpcClientDeps) { this.#deps = deps }

  async call<A, R> (peer: PeerId, method: Method<A, R>, argument: A, options: RpcCallOptions = {}): Promise<R> {
    return this.#with(peer, options, async stream => {
      // the writing side stays open until the answer is here: Go takes a half-close as a cancellation (go-libp2p-gorpc)
      await stream.write(encodeRequest(method.name, { codec: method.argument, value: argument }))
      const reply = await readReply(new MsgpackStream(stream.source), method.reply)
      if (reply == null) throw new ClusterError('PEER_FAILED', { peer, method: method.name }, { message: 'EOF' })
      await stream.closeWrite()
      return reply.value
    })
  }

  /**
   * Replies as they come; ends with the last one. Leaving the loop early resets the stream. Rejects with PEER_UNREACHABLE also when the
   * peer takes no more arguments for two minutes: its stream may have stalled while the connection lives.
   */
  async * stream<A, R> (
    peer: PeerId, method: Method<A, R>, args: Iterable<A> | AsyncIterable<A>, options: RpcCallOptions = {}
  ): AsyncGenerator<R> {
    const stream = await this.#deps.streams.open(peer, rpcProtocol, options)
    const release = abortWith(stream, options.signal)
    let sendFault: { err: unknown } | undefined
    const sending = sendAll({ stream, method, args }, this.#deps.clock).catch(err => {
      sendFault = { err }
      stream.abort(err instanceof Error ? err : new Error(String(err)))
    })
    let isComplete = false
    try {
      const values = new MsgpackStream(stream.source)
      for (let reply = await readReply(values, method.reply); reply != null; reply = await readReply(values, method.reply)) {
        yield reply.value
      }
      await sending
      isComplete = sendFault == null
    } catch (err) {
      throw options.signal?.aborted === true ? options.signal.reason : sendFault?.err ?? err
    } finally {
      release()
      if (!isComplete) stream.abort(new Error('the caller left'))
    }
    if (sendFault != null) throw sendFault.err
  }

  async #with<T> (peer: PeerId, options: RpcCallOptions, work: (stream: PeerStream) => Promise<T>): Promise<T> {
    const stream = await this.#deps.streams.open(peer, rpcProtocol, options)
    const release = abortWith(stream, options.signal)
    try {
      return await work(stream)
    } catch (err) {
      stream.abort(err instanceof Error ? err : new Error(String(err)))
      throw options.signal?.aborted === true ? options.signal.reason : err
    } finally {
      release()
    }
  }
}

interface Sending<A> { stream: PeerStream, method: Method<A, unknown>, args: Iterable<A> | AsyncIterable<A> }

async function sendAll<A> ({ stream, method, args }: Sending<A>, clock: Clock): Promise<void> {
  const send = async (pieces: Uint8Array[]): Promise<void> => {
    const stalled = (): void =>
      stream.abort(new ClusterError('TIMEOUT', { peer: stream.remote }, { message: 'a peer does not read what it is sent' }))
    const cancel = clock.after(takeMs, stalled)
    try { await stream.write(...pieces) } finally { cancel() }
  }
  await send([encodeRequest(method.name)])
  for await (const one of args) await send(encodeParts(method.argument, one))
  await stream.closeWrite()
}

/** Resets the stream when the caller's signal aborts. */
function abortWith (stream: PeerStream, signal: AbortSignal | undefined): () => void {
  const onAbort = (): void => stream.abort(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  if (signal?.aborted === true) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  return () => signal?.removeEventListener('abort', onAbort)
}
