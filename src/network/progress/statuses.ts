import { deadline, orLate } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { PeerId } from '../../model/cid.ts'
import { FrameReader } from '../../base/frame-reader.ts'
import { frame, resetOnFailure, readFrame } from '../request-response.ts'
import type { PeerStream, PeerStreams } from '../network.ts'
import type { OwnStatuses, RemoteStatuses, StatusNews } from '../remote-statuses.ts'
import { decodeStatusesFrom, decodeStatusMessage, encodeStatusesFrom, encodeStatusMessage } from './status-news.ts'

/** Our own protocol between cluster peers (docs/design/wire/statuses.md). Go peers don't speak it. */
export const statusesProtocol = '/helia-cluster/statuses/1.0.0'

export interface StatusesServerDeps {
  streams: PeerStreams
  trusts: (peer: PeerId) => boolean
  statuses: OwnStatuses
  clock: Clock
  log: Logger
}

const maxRequestBytes = 256
const maxMessageBytes = 1024 * 1024
/** How long the other side may take for what it has to do at once. Milliseconds. */
const stallMs = 10_000
/** Something is written at least this often; who hears nothing for longer than `silentMs` gives the stream up. */
const beatMs = 15_000
const silentMs = 40_000
/** A message without content: frames that are empty are passed over. */
const beat = Uint8Array.of(0)

/** Hears over streams: one for each peer that is followed. */
export function remoteStatuses ({ streams, clock }: { streams: PeerStreams, clock: Clock }): RemoteStatuses {
  return {
    follow: async function * (peer, from, { signal }) {
      const opening = deadline(clock, stallMs, () => new ClusterError('TIMEOUT', { peer }), signal)
      const stream = await streams.open(peer, statusesProtocol, { signal: opening.signal }).finally(opening.clear)
      const onAbort = (): void => stream.abort(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await stream.write(frame(encodeStatusesFrom(from)))
        await stream.closeWrite()
        yield * newsOf(stream, clock)
      } catch (err) {
        throw signal.aborted ? signal.reason : err
      } finally {
        signal.removeEventListener('abort', onAbort)
        stream.abort(new Error('nobody listens any more'))
      }
    }
  }
}

async function * newsOf ({ source, remote: peer }: PeerStream, clock: Clock): AsyncGenerator<StatusNews> {
  const frames = new FrameReader(maxMessageBytes)
  const chunks = source[Symbol.asyncIterator]()
  for (let bytesSince = 0; ;) {
    const heard = await orLate(chunks.next(), { clock, ms: silentMs })
    if (heard === 'late') throw new ClusterError('TIMEOUT', { peer })
    if (heard.done === true) return
    // keep-alives are for every few seconds
    if ((bytesSince += heard.value.byteLength) > 2 * maxMessageBytes) {
      throw new ClusterError('INVALID_DATA', { peer }, { message: 'more keep-alives than are due' })
    }
    for (const bytes of frames.push(heard.value)) {
      bytesSince = 0
      const message = decodeStatusMessage(bytes)
      if ('refusal' in message) throw new ClusterError(message.refusal, { peer })
      yield message
    }
  }
}

/** Tells peers that are trusted, each on one stream: its next one ends the one before. A faulty stream ends itself only. */
export function statusesServer ({ streams, trusts, statuses, clock, log }: StatusesServerDeps): Startable {
  const told = new Map<PeerId, AbortController>()
  let release = (): void => {}

  const tell = async (stream: PeerStream, end: AbortController): Promise<void> => {
    const request = deadline(clock, stallMs, () => new ClusterError('TIMEOUT', { peer: stream.remote }))
    const from = await resetOnFailure(
      stream, request.signal, async () => decodeStatusesFrom(await readFrame(stream, maxRequestBytes))
    ).finally(request.clear)
    if (!trusts(stream.remote)) return refuse(stream, 'NOT_AUTHORIZED')
    told.get(stream.remote)?.abort(new Error('the peer has opened another stream'))
    told.set(stream.remote, end)
    await resetOnFailure(stream, end.signal, async () => {
      try {
        await write(stream, signal => statuses.follow(from, { signal }), { signal: end.signal, clock })
      } catch (err) {
        if (!isClusterError(err, 'RATE_LIMITED')) throw err
        await refuse(stream, 'RATE_LIMITED')
      }
    })
  }

  const answer = async (stream: PeerStream): Promise<void> => {
    const end = new AbortController()
    const onReset = (): void => end.abort(stream.wasReset.reason)
    stream.wasReset.addEventListener('abort', onReset, { once: true })
    try {
      await tell(stream, end)
    } catch (err) {
      if (!end.signal.aborted) log.debug('the status of pins is no longer sent to a peer', { peer: stream.remote, err: messageOf(err) })
    } finally {
      stream.wasReset.removeEventListener('abort', onReset)
      if (told.get(stream.remote) === end) told.delete(stream.remote)
    }
  }

  return {
    name: 'statuses server',
    start: async () => { release = streams.handle(statusesProtocol, stream => { void answer(stream) }) },
    stop: async () => {
      release()
      for (const end of told.values()) end.abort(new Error('the peer stops'))
    }
  }
}

async function refuse (stream: PeerStream, refusal: 'NOT_AUTHORIZED' | 'RATE_LIMITED'): Promise<void> {
  await stream.write(frame(encodeStatusMessage({ refusal })))
  await stream.closeWrite()
}

/** Until the news end, as they do with the signal. A stream that takes nothing for as long as a reader would wait is given up. */
async function write (
  stream: PeerStream, follow: (signal: AbortSignal) => AsyncIterable<StatusNews>, { signal, clock }: { signal: AbortSignal, clock: Clock }
): Promise<void> {
  const ready = async (...pieces: Uint8Array[]): Promise<void> => {
    if (await orLate(stream.write(...pieces), { clock, ms: silentMs }) === 'late') {
      throw new ClusterError('TIMEOUT', { peer: stream.remote })
    }
  }
  const over = new AbortController()
  const batches = follow(AbortSignal.any([signal, over.signal]))[Symbol.asyncIterator]()
  try {
    for (let next = batches.next(); ;) {
      const heard = await orLate(next, { clock, ms: beatMs })
      if (heard === 'late') {
        await ready(beat)
        continue
      }
      if (heard.done === true) break
      await ready(frame(encodeStatusMessage(heard.value)))
      next = batches.next()
    }
    await stream.closeWrite()
  } finally {
    over.abort(new Error('nobody listens any more'))
    await batches.return?.()
  }
}
