import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'

export interface StreamLimitInit {
  /** What a stream may bring, lasting. */
  bytesPerSecond: number
  /** What it may bring at once after a rest. */
  burstBytes: number
}

export interface StreamLimitDeps { clock: Clock, log: Logger }

type StreamHandler = (stream: Stream, connection: Connection) => void | Promise<void>
type Registrar = { handle (protocol: string, handler: StreamHandler, options?: object): Promise<void> }

/**
 * libp2p components whose incoming streams are slowed down: who sends more than allowed waits (yamux' back-pressure), and takes no memory
 * here. (libp2p's own middleware would call the handler again with every stream.)
 */
export function limitStreams<C extends object> (init: StreamLimitInit, deps: StreamLimitDeps, components: C): C {
  const registrar = new Proxy((components as unknown as { registrar: Registrar }).registrar, {
    get: (target, key) => {
      if (key === 'handle') {
        return async (protocol: string, handler: StreamHandler, options?: object) => target.handle(protocol, async (stream, connection) => {
          slowDown(stream, init, deps, connection.remotePeer.toString())
          await handler(stream, connection)
        }, options)
      }
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  return new Proxy(components, { get: (target, key) => key === 'registrar' ? registrar : Reflect.get(target, key) })
}

/** A bucket of bytes per stream; an empty one pauses the stream until it is half full again. */
function slowDown (stream: Stream, { bytesPerSecond, burstBytes }: StreamLimitInit, { clock, log }: StreamLimitDeps, peer: string): void {
  let tokens = burstBytes
  let at = clock.elapsed()
  let isWaiting = false
  const measured = stream as Stream & { onData (data: { byteLength: number }): void }
  const onData = measured.onData.bind(stream)
  const goOn = (): void => {
    isWaiting = false
    if (stream.status === 'open') stream.resume()
  }
  measured.onData = data => {
    const now = clock.elapsed()
    tokens = Math.min(burstBytes, tokens + (now - at) * bytesPerSecond / 1000) - data.byteLength
    at = now
    onData(data)
    if (tokens >= 0 || isWaiting || stream.status !== 'open') return
    isWaiting = true
    log.warn('a peer sends too much and is slowed down', { peer, protocol: stream.protocol })
    stream.pause()
    clock.after((burstBytes / 2 - tokens) * 1000 / bytesPerSecond, goOn)
  }
}
