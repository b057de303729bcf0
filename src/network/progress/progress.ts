import { deadline } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { CID } from '../../model/cid.ts'
import type { PeerId } from '../../model/cid.ts'
import type { PeerStream, PeerStreams } from '../network.ts'
import type { PinProgressReport, RemoteProgress } from '../remote-progress.ts'
import { frame, readFrame, within } from './framed-stream.ts'
import { decodeProgressAnswer, encodeProgressAnswer } from './report-json.ts'

/** Our own protocol between cluster peers (docs/design/wire/history.md). Go peers don't speak it. */
export const progressProtocol = '/helia-cluster/progress/1.0.0'

export interface ProgressServerDeps {
  streams: PeerStreams
  trusts: (peer: PeerId) => boolean
  report: (cid: CID) => PinProgressReport
  clock: Clock
  log: Logger
}

const maxRequestBytes = 256
const maxAnswerBytes = 256 * 1024
/** How long the other side may take. Milliseconds. */
const stallMs = 10_000

/** Asks over streams: one for each question. */
export function remoteProgress ({ streams, clock }: { streams: PeerStreams, clock: Clock }): RemoteProgress {
  return {
    progress: async (peer, cid, { signal: callers } = {}) => {
      const { signal, clear } = deadline(clock, stallMs, () => new ClusterError('TIMEOUT', { peer }), callers)
      try {
        const stream = await streams.open(peer, progressProtocol, { signal })
        const answer = await within(stream, signal, async () => {
          await stream.write(frame(cid.bytes))
          await stream.closeWrite()
          return decodeProgressAnswer(await readFrame(stream, maxAnswerBytes))
        })
        if ('refusal' in answer) throw new ClusterError(answer.refusal, { peer })
        return answer
      } finally {
        clear()
      }
    }
  }
}

/** Answers peers that are trusted. A faulty stream ends itself only. */
export function progressServer ({ streams, trusts, report, clock, log }: ProgressServerDeps): Startable {
  let release = (): void => {}
  const answer = async (stream: PeerStream): Promise<void> => {
    const { signal, clear } = deadline(clock, stallMs, () => new ClusterError('TIMEOUT', { peer: stream.remote }))
    try {
      await within(stream, signal, async () => {
        const cid = CID.decode(await readFrame(stream, maxRequestBytes))
        await stream.write(frame(encodeProgressAnswer(trusts(stream.remote) ? report(cid) : { refusal: 'NOT_AUTHORIZED' })))
        await stream.closeWrite()
      })
    } catch (err) {
      log.debug('a peer was not told the progress of a pin', { peer: stream.remote, err: messageOf(err) })
    } finally {
      clear()
    }
  }
  return {
    name: 'progress server',
    start: async () => { release = streams.handle(progressProtocol, stream => { void answer(stream) }) },
    stop: async () => release()
  }
}
