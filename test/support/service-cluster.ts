import { ClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import type { PinsetChange } from '../../src/consensus/consensus.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import { parseCid } from '../../src/model/cid.ts'
import type { GlobalPinInfo } from '../../src/model/pin-info.ts'
import type { Pin, PinOptions } from '../../src/model/pin.ts'
import type { TrackerStatus } from '../../src/model/status.ts'
import type { ClusterPins } from '../../src/service/cluster-pins/cluster-pins.ts'
import { clusterPins } from '../../src/service/cluster-pins/outboxed-cluster-pins.ts'
import type { ClusterPinsDeps } from '../../src/service/cluster-pins/outboxed-cluster-pins.ts'
import type { Pins } from '../../src/service/pins/pins.ts'
import { tenantPins } from '../../src/service/pins/tenant-pins.ts'
import type { Quota } from '../../src/service/quota/quota.ts'
import { sqlQuota } from '../../src/service/quota/sql-quota.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { TestPeer } from './service-database.ts'

/** A pinset whose items stand as the test says, and which tells of its changes. */
export class ScriptedCluster extends FakeCluster {
  /** What the peers say of a pin, by its CID; without an entry it is pinned on one. */
  readonly pinStatuses = new Map<string, TrackerStatus[]>()
  /** What `pin` throws. */
  refusal: ClusterError | undefined
  /** Awaited before an item is removed. */
  beforeUnpin: () => Promise<void> = async () => {}
  readonly recovered: string[] = []
  readonly #listeners: Array<(changes: readonly PinsetChange[]) => void> = []

  onChange (listener: (changes: readonly PinsetChange[]) => void): () => void {
    this.#listeners.push(listener)
    return () => this.#listeners.splice(this.#listeners.indexOf(listener), 1)
  }

  override async pin (cid: CID, options: PinOptions): Promise<Pin> {
    if (this.refusal != null) throw this.refusal
    const pin = await super.pin(cid, options)
    this.#tell({ cid, pin })
    return pin
  }

  override async unpin (cid: CID): Promise<Pin> {
    await this.beforeUnpin()
    const pin = await super.unpin(cid)
    this.#tell({ cid, pin: undefined })
    return pin
  }

  override async recover (cid: CID): Promise<GlobalPinInfo> {
    this.recovered.push(cid.toString())
    return this.status(cid)
  }

  override async status (cid: CID): Promise<GlobalPinInfo> { return this.#scripted(await super.status(cid)) }

  override async * statusAll (): AsyncIterable<GlobalPinInfo[]> {
    for await (const infos of super.statusAll(0)) yield infos.map(info => this.#scripted(info))
  }

  #tell (change: PinsetChange): void { for (const listener of this.#listeners) listener([change]) }

  #scripted (info: GlobalPinInfo): GlobalPinInfo {
    const statuses = this.pinStatuses.get(info.cid.toString())
    const [short] = info.peerMap.values()
    if (statuses == null || short == null) return info
    const error = (status: TrackerStatus): string => status.endsWith('error') ? 'context canceled' : ''
    return { ...info, peerMap: new Map(statuses.map((status, at) => [`peer${at}` as PeerId, { ...short, status, error: error(status) }])) }
  }
}

/** A CID that no other test has. */
export function anyCid (): string {
  return parseCid(`f01551220${Buffer.from(systemRandom.bytes(32)).toString('hex')}`).toString()
}

export interface PinPeer extends TestPeer {
  cluster: ScriptedCluster
  clusterPins: ClusterPins
  pins: Pins
  quota: Quota
  /** Sizes that DAGs turn out to have; 100 for all others. */
  sizes: Map<string, number>
  stop (): Promise<void>
}

/** The parts of the service that have to do with pins, on a database of the test and a scripted cluster. */
export async function pinPeer (
  peer: TestPeer, { cluster = new ScriptedCluster(), tracker }: { cluster?: ScriptedCluster, tracker?: ClusterPinsDeps['tracker'] } = {}
): Promise<PinPeer> {
  const { database, clock, log, workers } = peer
  const sizes = new Map<string, number>()
  const quota = sqlQuota({ database, random: systemRandom })
  const sizeOf = async (cid: CID): Promise<number> => sizes.get(cid.toString()) ?? 100
  const owned = clusterPins({ database, cluster, pinset: cluster, tracker, quota, sizeOf, workers, clock, log })
  const pins = tenantPins({ privateAllowed: true }, { database, clusterPins: owned, quota, clock, random: systemRandom, log })
  await owned.start(new AbortController().signal)
  return { ...peer, cluster, clusterPins: owned, pins, quota, sizes, stop: async () => owned.stop() }
}
