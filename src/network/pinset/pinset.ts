import type { Clock } from '../../base/clock.ts'
import { isClusterError, messageOf } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { PartsOptions, PinsetDigests } from '../../consensus/pinset-digest.ts'
import type { PeerId } from '../../model/cid.ts'
import { respond, request } from '../request-response.ts'
import type { PeerStreams } from '../network.ts'
import type { RemotePinsets } from '../remote-pinsets.ts'
import {
  areMergedBytes, areMergedOf, groupsBytes, groupsOf, headsBytes, headsOf, keysBytes, keysOf, mergedBytes, mergedOf, questionBytes,
  questionOf, refusalBytes
} from './pinset-json.ts'
import type { PinsetQuestion } from './pinset-json.ts'

/** Our own protocol between cluster peers (docs/design/pinset-digest.md). Go peers don't speak it. */
export const pinsetProtocol = '/helia-cluster/pinset/2.0.0'

const maxQuestionBytes = 1024 * 1024
const maxAnswerBytes = 16 * 1024 * 1024
/** A cell of a large pinset is read from the disk for an answer. Milliseconds. */
const limitMs = 60_000
/** All blocks of a long history are read. */
const mergeLimitMs = 30 * 60_000
/** Reading the pinset costs: so many questions are answered at once, others wait no longer than their asker. */
const answersAtOnce = 4

export interface RemotePinsetsDeps { streams: PeerStreams, clock: Clock }

/** Asks the other peers about their pinsets. Opens no streams before it is asked. */
export function remotePinsets ({ streams, clock }: RemotePinsetsDeps): RemotePinsets {
  const put = async (peer: PeerId, question: PinsetQuestion, { signal }: PartsOptions = {}): Promise<Uint8Array> =>
    request(
      async within => streams.open(peer, pinsetProtocol, { signal: within }), questionBytes(question),
      { maxResponseBytes: maxAnswerBytes, limitMs: question.ask === 'merge' ? mergeLimitMs : limitMs, clock, signal }
    )
  return {
    parts: peer => ({
      heads: async options => headsOf(await put(peer, { ask: 'heads' }, options)),
      areMerged: async (heads, options) => areMergedOf(await put(peer, { ask: 'merged', heads }, options)),
      cells: async options => groupsOf(await put(peer, { ask: 'cells' }, options)),
      groups: async (of, options) => groupsOf(await put(peer, { ask: 'groups', of }, options)),
      keys: async (of, options) => keysOf(await put(peer, { ask: 'keys', of }, options))
    }),
    mergeAgain: async (peer, { heads, keys }, options) => mergedOf(await put(peer, { ask: 'merge', heads, keys }, options))
  }
}

export interface PinsetServerDeps {
  streams: PeerStreams
  trusts: (peer: PeerId) => boolean
  digests: PinsetDigests
  clock: Clock
  log: Logger
}

/** Answers peers that are trusted. A faulty stream ends itself only. */
export function pinsetServer ({ streams, trusts, digests, clock, log }: PinsetServerDeps): Startable {
  let release = (): void => {}
  let running = 0
  const found = async (from: PeerId, question: PinsetQuestion, signal: AbortSignal): Promise<Uint8Array> => {
    const point = digests.point()
    if (!trusts(from)) return refusalBytes('NOT_AUTHORIZED')
    if (point == null || running >= answersAtOnce) return refusalBytes('NOT_READY')
    running++
    try {
      switch (question.ask) {
        case 'heads': return headsBytes(point.heads)
        case 'merged': return areMergedBytes(point.isComplete && question.heads.every(head => digests.isMerged(head)))
        case 'cells': return groupsBytes(await digests.cells({ signal }))
        case 'groups': return groupsBytes(await digests.groups(question.of, { signal }))
        case 'keys': return keysBytes(await digests.keys(question.of, { signal }))
        case 'merge': {
          digests.fetch(question.heads, from)
          return mergedBytes(await digests.mergeAgain(question.keys, { signal }))
        }
      }
    } finally {
      running--
    }
  }
  return {
    name: 'pinset server',
    start: async () => {
      release = streams.handle(pinsetProtocol, stream => {
        const find = async (bytes: Uint8Array): Promise<Uint8Array> => found(stream.remote, questionOf(bytes), stream.wasReset)
        respond(stream, find, { maxRequestBytes: maxQuestionBytes, limitMs, clock })
          .catch(err => {
            if (!isClusterError(err, 'TIMEOUT')) {
              log.debug('a request about the pinset was not answered', { peer: stream.remote, err: messageOf(err) })
            }
          })
      })
    },
    stop: async () => release()
  }
}
