import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { IpfsConnector, RepoStat } from '../../ipfs/ipfs.ts'
import type { Informer } from '../informer.ts'
import type { Measurement } from '../measurement.ts'
import { metricOf } from '../measurement.ts'

/** What the metric counts: bytes that are left, or bytes that the repository takes. */
export type DiskMetricType = 'freespace' | 'reposize'
export interface DiskInformerInit { metricTtlMs: number, metricType: DiskMetricType }
export interface DiskInformerDeps { ipfs: Pick<IpfsConnector, 'repoStat'>, clock: Clock, log: Logger }

/**
 * How much room the IPFS node has (`freespace`, bytes; more is better) or how much it holds (`reposize`, bytes; less is better). Not valid,
 * so not published and no peer for new pins: `freespace` of a full node, and either one when the node doesn't answer.
 */
export function diskInformer ({ metricTtlMs, metricType }: DiskInformerInit, { ipfs, clock, log }: DiskInformerDeps): Informer {
  const measure = async (options: { signal?: AbortSignal }): Promise<Measurement> => {
    try {
      return measurements[metricType](await ipfs.repoStat(options))
    } catch (err) {
      log.warn('the IPFS node does not tell its size', { err: messageOf(err) })
      return { name: metricType, value: '', valid: false }
    }
  }
  return {
    name: metricType,
    ttlMs: metricTtlMs,
    metrics: async (self, options = {}) => [metricOf(await measure(options), { self, now: clock.now(), ttlMs: metricTtlMs })]
  }
}

const measurements: Record<DiskMetricType, (stat: RepoStat) => Measurement> = {
  freespace: ({ freeBytes }) => {
    const free = BigInt(Math.max(0, Math.floor(freeBytes)))
    return { name: 'freespace', value: String(free), weight: free, valid: free > 0n }
  },
  reposize: ({ repoSize }) => ({ name: 'reposize', value: String(repoSize), weight: -BigInt(repoSize) })
}
