import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import { decodeBitswapMessage } from '../../../wire/bitswap.ts'
import type { BitswapMessage } from '../../../wire/bitswap.ts'
import { FrameReader } from '../../../base/frame-reader.ts'

/**
 * Receives bitswap messages in place of @helia/bitswap's own handler, whose `messageReceiveTimeout` can't be right: Go keeps one stream per
 * peer and may be silent on it for minutes, so a low value makes Go stop asking us, and a high one keeps the buffers of every message that
 * long.
 * Here a stream has a timer only while a message has begun and isn't whole, and nothing outlives a message but the engine's own references.
 */
export interface BitswapInboundInit {
  /** How long a message that has begun may stall. Milliseconds. */
  stallMs: number
  /** Longest message. A longer one resets the stream. */
  maxMessageBytes: number
}

export interface BitswapInboundDeps {
  clock: Pick<Clock, 'after'>
  /** Takes a whole message, or several that came together as one. What it throws resets the stream. */
  deliver: (message: BitswapMessage) => void
}

/**
 * Wants of one message that are passed on. The engine remembers 1024 of a peer, as Go does, and looks at each one that it is given at once.
 */
const maxWants = 4096

/** Small messages that came together, as one: each makes the engine look at all that the peer wants. */
function merged (before: BitswapMessage, { wantlist, blocks, blockPresences, pendingBytes }: BitswapMessage): BitswapMessage {
  for (const block of blocks) before.blocks.push(block)
  for (const presence of blockPresences) before.blockPresences.push(presence)
  before.pendingBytes = pendingBytes
  if (wantlist == null) return before
  if (wantlist.full === true || before.wantlist == null) before.wantlist = wantlist
  else for (const want of wantlist.entries) before.wantlist.entries.push(want)
  return before
}

function withFewerWants (message: BitswapMessage): BitswapMessage {
  const { wantlist } = message
  if (wantlist == null || wantlist.entries.length <= maxWants) return message
  let wants = 0
  let cancels = 0
  const entries = wantlist.entries.filter(({ cancel }) => (cancel === true ? ++cancels : ++wants) <= maxWants)
  return { ...message, wantlist: { ...wantlist, entries } }
}

type Bytes = Parameters<FrameReader['push']>[0]

/** Reads messages from a stream until it ends. */
export function receiveBitswap (stream: Stream, init: BitswapInboundInit, deps: BitswapInboundDeps): void {
  const frames = new FrameReader(init.maxMessageBytes)
  let disarm: (() => void) | undefined
  const rearm = (): void => {
    disarm?.()
    disarm = frames.idle ? undefined : deps.clock.after(init.stallMs, stalled)
  }
  const stalled = (): void =>
    stream.abort(new ClusterError('TIMEOUT', { stallMs: init.stallMs }, { message: 'a bitswap message stalled' }))
  const onMessage = (event: { data: Bytes }): void => {
    try {
      const messages = Array.from(frames.push(event.data), frame => decodeBitswapMessage(frame))
      if (messages.length > 0) deps.deliver(withFewerWants(messages.reduce(merged)))
      rearm()
    } catch (err) {
      stream.abort(err as Error)
    }
  }
  const onClose = (): void => {
    disarm?.()
    disarm = undefined
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
  }
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  // nothing is ever answered on this stream
  stream.close().catch(() => {})
}
