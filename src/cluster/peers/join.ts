import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { PinTracker } from '../../tracker/tracker.ts'
import { firstPing } from './peers.ts'

export interface JoinInit {
  /** Peers to join, with /p2p. */
  bootstrap: readonly MultiaddrText[]
  /** Whether the cluster has a secret here. */
  hasSecret: boolean
  monitorPingIntervalMs: number
}

export interface JoinDeps {
  /** Connects to an address; gives the peer. */
  dial: (address: MultiaddrText, options: { signal: AbortSignal }) => Promise<PeerId>
  /** Connects to peers that are known from before; gives those that were reached. */
  dialKnown: (options: { signal: AbortSignal }) => Promise<PeerId[]>
  /** Tells a peer that this one is there (RPC PeerAdd). */
  introduce: (peer: PeerId, options: { signal: AbortSignal }) => Promise<void>
  monitor: Pick<Monitor, 'log' | 'latestOf'>
  tracker: Pick<PinTracker, 'recoverAll'>
  /** Publishes this peer's metrics now. */
  publish: () => void
  clock: Clock
  log: Logger
}

/** What the other side sends is noise then, and fails in many ways. */
const noSecret = ' (this peer has no cluster secret: if the others have one, it reaches none of them)'
/** When the metrics are told a second time: by then gossip has found the new peers. */
const publishAgainMs = 1000

/**
 * Makes this peer a member, in the background (cluster.go): connects to the peers to join and those known from before, introduces itself,
 * counts whom it reached as members until their own metrics come, and tells its own. Failures are only logged: known peers are tried again
 * by the network.
 */
export function joinCluster (init: JoinInit, deps: JoinDeps): Startable {
  const stop = new AbortController()
  let joining: Promise<void> = Promise.resolve()
  return {
    name: 'join',
    start: async () => {
      joining = joinAll(init, deps, stop.signal).catch(err => {
        if (!stop.signal.aborted) deps.log.error('joining failed', { err })
      })
    },
    stop: async () => {
      stop.abort(new Error('the peer stops'))
      await joining
    }
  }
}

async function joinAll (
  { bootstrap, hasSecret, monitorPingIntervalMs }: JoinInit, deps: JoinDeps, signal: AbortSignal
): Promise<void> {
  const { clock, log, monitor, publish } = deps
  const dials = bootstrap.map(async address => joinOne(address, { hasSecret, ...deps }, signal))
  const joined = (await Promise.all(dials)).filter(peer => peer != null)
  const reached = await deps.dialKnown({ signal })
  signal.throwIfAborted()
  for (const id of new Set([...joined, ...reached])) {
    if (monitor.latestOf('ping', id) != null) continue // it has spoken itself by now
    monitor.log(firstPing({ id, peerName: '', ipfsId: '' }, { monitorPingIntervalMs, now: clock.now() }))
  }
  if (joined.length === 0 && reached.length === 0) return
  log.info('connected to peers of the cluster', { joined, reached })
  publish()
  await clock.sleep(publishAgainMs, signal)
  publish()
  if (joined.length === 0) return
  // what failed without the others is tried again
  for await (const batch of deps.tracker.recoverAll({ signal })) log.debug('recovering after joining', { pins: batch.length })
}

async function joinOne (
  address: MultiaddrText, { hasSecret, dial, introduce, log }: Pick<JoinInit, 'hasSecret'> & JoinDeps, signal: AbortSignal
): Promise<PeerId | undefined> {
  try {
    const peer = await dial(address, { signal })
    await introduce(peer, { signal })
    return peer
  } catch (err) {
    if (!signal.aborted) log.error(`bootstrap to ${address} failed: ${messageOf(err)}${hasSecret ? '' : noSecret}`, { address })
    return undefined
  }
}
