import type { Clock } from '../../base/clock.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { CID } from '../../model/cid.ts'
import type { PeerId } from '../../model/cid.ts'
import { respond, request } from '../request-response.ts'
import type { PeerStreams } from '../network.ts'
import type { PinProgressReport, RemoteProgress } from '../remote-progress.ts'
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

/** `RemoteProgress` over libp2p: a stream for each question, ten seconds for its answer. */
export function remoteProgress ({ streams, clock }: { streams: PeerStreams, clock: Clock }): RemoteProgress {
  return {
    progress: async (peer, cid, { signal } = {}) => {
      const open = async (within: AbortSignal) => streams.open(peer, progressProtocol, { signal: within })
      const answer = await request(open, cid.bytes, { maxResponseBytes: maxAnswerBytes, limitMs: stallMs, clock, signal })
      const found = decodeProgressAnswer(answer)
      if ('refusal' in found) throw new ClusterError(found.refusal, { peer })
      return found
    }
  }
}

/** Answers peers that are trusted. A faulty stream ends itself only. */
export function progressServer ({ streams, trusts, report, clock, log }: ProgressServerDeps): Startable {
  let release = (): void => {}
  return {
    name: 'progress server',
    start: async () => {
      release = streams.handle(progressProtocol, stream => {
        const find = async (question: Uint8Array): Promise<Uint8Array> =>
          encodeProgressAnswer(trusts(stream.remote) ? report(CID.decode(question)) : { refusal: 'NOT_AUTHORIZED' })
        respond(stream, find, { maxRequestBytes, limitMs: stallMs, clock })
          .catch(err => log.debug('the progress of a pin was not sent to a peer', { peer: stream.remote, err: messageOf(err) }))
      })
    },
    stop: async () => release()
  }
}
