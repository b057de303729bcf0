import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { Pin } from '../../model/pin.ts'
import { formatTime } from '../../model/time.ts'
import type { ResponsibilityDeps } from './responsibility.ts'
import { responsibilityOf } from './responsibility.ts'
import { isExpired } from './pin-rules.ts'
import type { Unpinner } from './unpin.ts'
import { isUnpinnable } from './unpin.ts'

export interface ExpiryDeps extends ResponsibilityDeps {
  consensus: Pick<Consensus, 'state' | 'whenWritten' | 'trusts'>
  unpinner: Pick<Unpinner, 'expire'>
  clock: Clock
  log: Logger
}

/**
 * Unpins the expired items that are this peer's to care for. What is changed meanwhile or can't be unpinned is logged and left for the next
 * time.
 */
async function unpinExpired (deps: ExpiryDeps, signal: AbortSignal): Promise<void> {
  const isOurs = responsibilityOf(deps)
  const now = deps.clock.now()
  for await (const batch of deps.consensus.state.pins({ signal })) {
    const expired = batch.filter(pin => isExpired(pin, now) && isUnpinnable(pin.type) && isOurs(pin.cid))
    await Promise.all(expired.map(async pin => unpinOne(pin, deps, signal)))
  }
}

async function unpinOne ({ cid, expireAt }: Pin, { consensus, unpinner, clock, log }: ExpiryDeps, signal: AbortSignal): Promise<void> {
  await consensus.whenWritten(cid) // it may just have been prolonged
  const latest = consensus.state.get(cid)
  if (latest == null || !isExpired(latest, clock.now())) return
  try {
    log.info('unpinning: the pin has expired', { cid: cid.toString(), expireAt: formatTime(expireAt) })
    if (!await unpinner.expire(latest, { signal })) log.info('not unpinned: the pin has been changed meanwhile', { cid: cid.toString() })
  } catch (err) {
    signal.throwIfAborted()
    log.error('an expired pin could not be unpinned', { cid: cid.toString(), err })
  }
}

/** The worker that looks every `intervalMs` for pins whose time is over, and unpins those that this peer is to unpin. */
export const expiryWorker = (intervalMs: number, deps: ExpiryDeps): Worker => ({
  name: 'state-sync',
  runAtStart: false,
  intervalMs: () => intervalMs,
  work: async signal => {
    await unpinExpired(deps, signal)
    return 'idle'
  }
})
