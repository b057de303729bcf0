import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../model/cid.ts'

export interface TrimInit {
  lowWater: number
  highWater: number
  /** Younger connections are left alone. One from the future isn't young: the clock was set back. */
  gracePeriodMs: number
  /** True for peers whose connections are never closed. */
  isKept: (peer: PeerId) => boolean
  /** Unix milliseconds. */
  now: number
}

type Closable = Pick<Connection, 'remotePeer' | 'timeline' | 'close' | 'abort'>

/** Above the high water mark, the connections that are closed, the youngest first, until the low water mark is reached. */
export function connectionsToTrim<C extends Closable> (
  connections: readonly C[], { lowWater, highWater, gracePeriodMs, isKept, now }: TrimInit
): C[] {
  if (connections.length <= highWater) return []
  return connections
    .filter(({ remotePeer, timeline }) => Math.abs(now - timeline.open) >= gracePeriodMs && !isKept(remotePeer.toString()))
    .toSorted((a, b) => b.timeline.open - a.timeline.open)
    .slice(0, connections.length - lowWater)
}

/** Closes the connections that `connectionsToTrim` names; one that can't be closed is aborted. Never rejects. */
export async function trimConnections (connections: readonly Closable[], init: TrimInit): Promise<void> {
  await Promise.all(connectionsToTrim(connections, init).map(async connection => connection.close().catch(err => connection.abort(err))))
}
