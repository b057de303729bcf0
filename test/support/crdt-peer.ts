import { silentLogger } from '../../src/base/log.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { Logger } from '../../src/base/log.ts'
import type { Worker, WorkerStatus } from '../../src/base/worker.ts'
import { crdtConsensus } from '../../src/consensus/crdt/crdt-consensus.ts'
import type { CrdtConsensus, CrdtConsensusInit } from '../../src/consensus/crdt/crdt-consensus.ts'
import { DigestKey } from '../../src/consensus/crdt/digest/digest-key.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import { offlineBroadcast, offlineExchange } from '../../src/network/offline/offline.ts'
import type { HistoryExchange } from '../../src/network/history.ts'
import type { BlockExchange, Broadcast } from '../../src/network/network.ts'
import { SimClock } from './sim-clock.ts'

export interface CrdtPeer {
  consensus: CrdtConsensus
  datastore: Datastore
  /** The background workers, for tests to run by hand. */
  workers: Worker[]
  start (): Promise<void>
  stop (): Promise<void>
}

export interface CrdtPeerInit extends Partial<CrdtConsensusInit> {
  datastore: Datastore
  broadcast?: Broadcast
  exchange?: BlockExchange
  history?: HistoryExchange
  clock?: Clock
  log?: Logger
}

export const clusterName = 'crdt-test'

export const noBatching = { maxBatchSize: 0, maxBatchAgeMs: 0, maxQueueSize: 50_000 }

/** A consensus with its datastore, alone and in simulated time unless told otherwise. */
export function crdtPeer ({ datastore, broadcast, exchange, history, clock, log, ...init }: CrdtPeerInit): CrdtPeer {
  const workers: Worker[] = []
  const signal = new AbortController().signal
  const consensus = crdtConsensus({
    self: 'self', clusterName, trustedPeers: '*', rebroadcastIntervalMs: 60_000, repairIntervalMs: 3_600_000, batching: noBatching,
    digestKey: new DigestKey(undefined), ...init
  }, {
    datastore,
    broadcast: broadcast ?? offlineBroadcast(),
    exchange: exchange ?? offlineExchange(),
    ...(history == null ? {} : { history }),
    workers: {
      add: worker => {
        workers.push(worker)
        const status: WorkerStatus = { name: worker.name, runs: 0, errors: 0, consecutiveErrors: 0, lastError: null, lastRunAt: null }
        return { wake: () => {}, stop: async () => {}, status: () => status }
      }
    },
    clock: clock ?? new SimClock(),
    log: log ?? silentLogger
  })
  return {
    consensus,
    datastore,
    workers,
    start: async () => {
      await datastore.start(signal)
      await consensus.start(signal)
    },
    stop: async () => {
      await consensus.stop()
      await datastore.stop()
    }
  }
}
