import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import type { PortCalls } from '../../base/port-calls.ts'

/** So long nothing new is thought to come below a root. Milliseconds. */
const keepMs = 1000
const rootsKept = 1024

/** Whether blocks below a root are being imported in the main thread: resolves when no more come. Asked once a second for each root. */
export function threadPendingImports ({ calls, clock }: { calls: Pick<PortCalls, 'call'>, clock: Pick<Clock, 'elapsed'> }): (root: CID) =>
  Promise<void> | undefined {
  const settled = new Map<string, number>()
  return root => {
    const key = root.toString()
    if ((settled.get(key) ?? -Infinity) > clock.elapsed()) return undefined
    return calls.call<void>('pendingImport', key).then(() => {
      if (settled.size >= rootsKept) settled.clear()
      settled.set(key, clock.elapsed() + keepMs)
    })
  }
}
