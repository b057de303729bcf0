import { silentLogger } from '../../src/base/log.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import { pinningApi } from '../../src/api/pinning/pinning-api.ts'
import type { PinningApi } from '../../src/api/pinning/pinning-api.ts'
import type { CallOptions, ScopeOptions } from '../../src/cluster/cluster-api.ts'
import type { PinsetChange, PinState } from '../../src/consensus/consensus.ts'
import type { ApiServerInit } from '../../src/http/api-server.ts'
import { apiServerDefaults } from './api-server-defaults.ts'
import type { InjectReply, InjectRequest } from './inject.ts'
import { inject } from './inject.ts'
import type { CID } from '../../src/model/cid.ts'
import type { GlobalPinInfo } from '../../src/model/pin-info.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { StatusFilter, TrackerStatus } from '../../src/model/status.ts'
import type { PinIndex } from '../../src/pinindex/pinindex.ts'
import { sqlitePinIndex } from '../../src/pinindex/sqlite/sqlite-pin-index.ts'
import { FakeCluster } from './fake-cluster.ts'
import { SeededRandom, SimClock } from './sim-clock.ts'

/** A fake cluster whose pinset can be followed, and whose pins have the statuses that a test says. */
export class FollowedCluster extends FakeCluster {
  readonly #listeners = new Set<(changes: readonly PinsetChange[]) => void>()
  /** By CID text; pins that aren't here are pinned. */
  readonly statuses = new Map<string, TrackerStatus>()
  /** How often all pins were asked for. */
  sweeps = 0

  readonly state: PinState = {
    get: cid => this.pins.get(cid.toString()),
    has: cid => this.pins.has(cid.toString()),
    wasUnpinned: async () => false,
    pins: () => this.allocations(),
    jsonLines: () => this.allocationLines(),
    lines: async function * () {},
    size: () => this.pins.size
  }

  onChange (listener: (changes: readonly PinsetChange[]) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  override hold (...pins: Pin[]): void {
    super.hold(...pins)
    this.emit(pins.map(pin => ({ cid: pin.cid, pin })))
  }

  override async unpin (cid: CID): Promise<Pin> {
    const pin = await super.unpin(cid)
    this.emit([{ cid, pin: undefined }])
    return pin
  }

  emit (changes: readonly PinsetChange[]): void {
    for (const listener of this.#listeners) listener(changes)
  }

  override async status (cid: CID, scope: ScopeOptions = {}): Promise<GlobalPinInfo> {
    return this.#withStatus(await super.status(cid, scope))
  }

  override async * statusAll (filter: StatusFilter, scope: ScopeOptions = {}): AsyncIterable<GlobalPinInfo[]> {
    this.sweeps++
    for await (const infos of super.statusAll(filter, scope)) yield infos.map(info => this.#withStatus(info))
  }

  override async * allocations (_options?: CallOptions): AsyncIterable<Pin[]> {
    if (this.pins.size > 0) yield [...this.pins.values()]
  }

  #withStatus (info: GlobalPinInfo): GlobalPinInfo {
    const status = this.statuses.get(info.cid.toString())
    if (status == null) return info
    return { ...info, peerMap: new Map([...info.peerMap].map(([peer, short]) => [peer, { ...short, status }])) }
  }
}

export interface PinningPeer {
  cluster: FollowedCluster
  index: PinIndex
  clock: SimClock
  api: PinningApi
  /** "GET /pins?limit=1" through the whole stack, without a socket. */
  ask (request: string, more?: Omit<InjectRequest, 'path' | 'method'>): Promise<InjectReply>
  /** The same; the answer's status and JSON. */
  json (request: string, body?: unknown): Promise<{ status: number, body: any }>
  stop (): Promise<void>
}

export interface PinningPeerInit extends Partial<ApiServerInit> { cluster?: FollowedCluster, index?: PinIndex }

/** The pinning service of a fake cluster, started, in simulated time. */
export async function pinningPeer (
  { cluster = new FollowedCluster(), index = sqlitePinIndex({ file: ':memory:' }, { log: silentLogger }), ...init }: PinningPeerInit = {}
): Promise<PinningPeer> {
  const clock = new SimClock()
  const workers = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const api = pinningApi({ ...apiServerDefaults, ...init }, { cluster, consensus: cluster, index, workers, clock, log: silentLogger })
  await api.start(new AbortController().signal)
  await workers.start()
  const ask: PinningPeer['ask'] = async (request, more = {}) => {
    const space = request.indexOf(' ')
    return inject(api, { method: request.slice(0, space), path: request.slice(space + 1), ...more })
  }
  return {
    cluster,
    index,
    clock,
    api,
    ask,
    json: async (request, body) => {
      const reply = await ask(request, body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
      const text = reply.body.toString('utf8')
      return { status: reply.status, body: text === '' ? null : JSON.parse(text) }
    },
    stop: async () => {
      await api.stop()
      await workers.stop()
    }
  }
}
