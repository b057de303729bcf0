import type { Clock, Random } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { DagReader } from '../../ipfs/dag-reader.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import { dagSize } from '../cluster-pins/dag-size.ts'
import { clusterPins as outboxed } from '../cluster-pins/outboxed-cluster-pins.ts'
import type { ClusterPinsDeps } from '../cluster-pins/outboxed-cluster-pins.ts'
import type { UserEvents } from '../events/user-events.ts'
import type { Quota } from '../quota/quota.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { httpRemoteService, refusePrivateEndpoint } from './http-remote-service.ts'
import { registerImport, startImport } from './import-task.ts'
import type { PinOwner, Pins } from './pins.ts'
import type { RemoteAccess } from './remote-service.ts'
import { tenantPins } from './tenant-pins.ts'

export interface PinPartsInit {
  /** Whether addresses that users give (origins, other services) may be in private networks. */
  privateAllowed: boolean
}

export interface PinPartsDeps {
  database: SqlDatabase
  cluster: ClusterApi
  /** The pinset's changes. */
  pinset: Pick<Consensus, 'onChange'>
  tracker: ClusterPinsDeps['tracker']
  reader: Pick<DagReader, 'waitingLinks' | 'seenBlocks'>
  ipfs: Pick<IpfsConnector, 'getBlock'>
  denylist?: Denylist | undefined
  quota: Quota
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
  tasks: Tasks
  workers: Workers
  clock: Clock
  random: Random
  log: Logger
}

/** The pinning part of the service layer. */
export interface PinParts {
  clusterPins: ClusterPins
  pins: Pins
  /** INVALID_ARGUMENT for an endpoint that may not be used; gives the task. */
  startImport: (owner: PinOwner, access: RemoteAccess) => Promise<string>
  /** In the order in which they start, after the database and before the tasks. */
  components: Startable[]
}

/** Everything about pins, assembled. */
export function pinParts (init: PinPartsInit, deps: PinPartsDeps): PinParts {
  const { database, tasks, clock, log } = deps
  const sizeOf: ClusterPinsDeps['sizeOf'] = async (cid, options) => dagSize(cid, deps, options)
  const clusterPins = outboxed({ ...deps, sizeOf })
  const pins = tenantPins(init, { ...deps, clusterPins })
  const remoteService = (access: RemoteAccess): ReturnType<typeof httpRemoteService> => httpRemoteService({ ...access, ...init }, { clock })
  registerImport({}, { database, tasks, pins, clusterPins, remoteService, log })
  return {
    clusterPins,
    pins,
    startImport: async (owner, access) => {
      await refusePrivateEndpoint(access.endpoint, init)
      return startImport(owner, access, { database, tasks })
    },
    components: [clusterPins, pins]
  }
}
