import type { Allocator } from '../allocator/allocator.ts'
import type { Clock } from '../base/clock.ts'
import type { Informer } from '../informer/informer.ts'

// what they are made with
export { metricOf as measured } from '../informer/measurement.ts'
export type { Allocator, Informer }

/** What an informer from outside gets. */
export interface InformerDeps { clock: Clock }

/** Makes an informer when the peer is composed. */
export type MakeInformer = (deps: InformerDeps) => Informer

/** Parts of a peer that the program around it brings along. */
export interface Extensions {
  /** Beside those of the configuration. */
  informers?: readonly MakeInformer[]
  /** Instead of that of the configuration. */
  allocator?: Allocator
}
