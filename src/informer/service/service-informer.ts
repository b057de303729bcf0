import type { Clock } from '../../base/clock.ts'
import type { Informer } from '../informer.ts'
import { metricOf } from '../measurement.ts'

/** The metric by which peers tell which service they are part of. */
export const serviceMetric = 'service'

export interface ServiceInformerInit { metricTtlMs: number }

export interface ServiceInformerDeps {
  /** The UUID of the service's database; undefined while it isn't known, or must not be told. */
  serviceId: () => string | undefined
  clock: Clock
}

/** Tells the other peers the UUID of the service's database, so that one with another database notices. */
export function serviceInformer ({ metricTtlMs }: ServiceInformerInit, { serviceId, clock }: ServiceInformerDeps): Informer {
  return {
    name: serviceMetric,
    ttlMs: metricTtlMs,
    metrics: async self => {
      const value = serviceId()
      return value == null
        ? []
        : [metricOf({ name: serviceMetric, value, partitionable: false }, { self, now: clock.now(), ttlMs: metricTtlMs })]
    }
  }
}
