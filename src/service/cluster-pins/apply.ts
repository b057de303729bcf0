import { isClusterError } from '../../base/errors.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { CID } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { defaultPinOptions } from '../../model/pin.ts'
import type { ClusterPinRow } from '../sql/tables.ts'
import { isMarked, markOf } from './mark.ts'
import { originsOf } from './rows.ts'

export interface ApplyDeps { cluster: Pick<ClusterApi, 'pin' | 'unpin' | 'allocation' | 'recover'>, serviceId: () => string }

/** What the pinset needs so that it is as a row wants it. */
export type Step = 'pin' | 'pin-again' | 'make-recursive' | 'recover' | 'unpin' | 'nothing'

/** Decides from what is in the pinset now. What isn't marked is somebody else's: it is used, and never removed. */
export function nextStep (
  row: Pick<ClusterPinRow, 'want' | 'origins' | 'replicas' | 'wanted_replicas'>, pin: Pin | undefined, service: string
): Step {
  if (row.want === 'unpin') return pin != null && isMarked(pin, service) ? 'unpin' : 'nothing'
  if (pin == null) return 'pin'
  if (pin.type === 'pin' && pin.maxDepth === 0) return 'make-recursive'
  if (isMarked(pin, service) && originsOf(row).some(origin => !pin.origins.includes(origin))) return 'pin-again'
  // somebody wants it, and it is known not to be whole: a failed replica need not wait until the cluster tries again
  return row.replicas < row.wanted_replicas ? 'recover' : 'nothing'
}

/** What came of it. `there`: the pinset has the pin; `gone`: nothing of ours is there. */
export type Outcome = { kind: 'there', made: boolean } | { kind: 'gone' } | { kind: 'failed', err: unknown }

/** Makes the pinset as the row wants it. Never rejects. */
export async function applyRow (row: ClusterPinRow, { cluster, serviceId }: ApplyDeps): Promise<Outcome> {
  try {
    const cid = parseCid(row.cid)
    const service = serviceId()
    const pin = pinOf(cluster, cid)
    const options = { ...defaultPinOptions(), name: row.name, origins: originsOf(row), metadata: markOf(service, row.tenant) }
    switch (nextStep(row, pin, service)) {
      case 'pin':
      case 'pin-again':
        await cluster.pin(cid, options)
        return { kind: 'there', made: true }
      case 'make-recursive':
        if (pin != null) await cluster.pin(cid, { ...pin, mode: 'recursive', userAllocations: [], pinUpdate: null })
        break
      case 'recover':
        await cluster.recover(cid)
        break
      case 'unpin':
        await unpinned(cluster, cid)
        break
      case 'nothing':
    }
    return row.want === 'unpin' ? { kind: 'gone' } : { kind: 'there', made: pin != null && isMarked(pin, service) }
  } catch (err) {
    return { kind: 'failed', err }
  }
}

/** Removes what we made, and nothing else; for a pin whose row went while it was being made. */
export async function undoPin (text: string, { cluster, serviceId }: ApplyDeps): Promise<void> {
  const cid = parseCid(text)
  const pin = pinOf(cluster, cid)
  if (pin != null && isMarked(pin, serviceId())) await unpinned(cluster, cid)
}

/** The pin of a CID in the cluster's pinset; undefined when there is none. */
export function pinOf (cluster: Pick<ClusterApi, 'allocation'>, cid: CID): Pin | undefined {
  try {
    return cluster.allocation(cid)
  } catch (err) {
    if (isClusterError(err, 'NOT_PINNED')) return undefined
    throw err
  }
}

async function unpinned (cluster: Pick<ClusterApi, 'unpin'>, cid: CID): Promise<void> {
  try {
    await cluster.unpin(cid)
  } catch (err) {
    if (!isClusterError(err, 'NOT_PINNED')) throw err
  }
}
