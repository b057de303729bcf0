import { parseCid } from '../../src/model/cid.ts'
import { defaultPinOptions } from '../../src/model/pin.ts'
import type { Pin } from '../../src/model/pin.ts'
import type { Metric } from '../../src/model/metric.ts'
import type { Extensions } from '../../src/node/extensions.ts'
import { aPeerId } from '../support/cluster/values.ts'
import { cidFor } from '../support/pins.ts'
import type { PeerSettings, SimSettings } from '../sim/settings.ts'
import { settingsOf } from '../sim/settings.ts'
import type { Run, SimPeer } from '../sim/sim-peer.ts'
import { World } from '../sim/world.ts'

export interface SimulatedClusterInit {
  /** How many. */
  peers: number
  /** What chance is made of: the same seed goes the same way. Default: 1. */
  seed?: number
  /** What the peers are extended by; `at`: 0 for the first peer. */
  extend?: (at: number) => Extensions
  /** Metrics that the usual allocator goes by, unless a peer has its own. Default: free space. */
  allocateBy?: readonly string[]
  /** What the first peer's disk may hold; each has as much. Default: 1 GB. */
  storageBytes?: (at: number) => number
  /** Is given every line of what happens. */
  print?: (line: string) => void
}

export interface SimulatedPinOptions { name?: string, replicationFactorMin?: number, replicationFactorMax?: number }

/** A pin as a peer has it in its pinset. `allocations` are places of peers; none: everywhere. */
export interface SimulatedPin { cid: string, name: string, allocations: number[] }

/** How a pin stands on a peer: "pinned", "pinning", "remote", … */
export type SimulatedStatus = string

const minuteMs = 60_000
/** An answer comes within minutes, or not at all. */
const longestAnswerMs = 10 * minuteMs

/**
 * Whole peers that trust each other, on a simulated network, clock and disk, in which nothing goes wrong unless a test says so. Time passes
 * only in `advance`, and while an answer is waited for.
 */
export class SimulatedCluster {
  readonly #world: World

  private constructor (world: World) { this.#world = world }

  /** Resolves when all peers run and know each other. */
  static async start (init: SimulatedClusterInit): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(new World(calmSettings(init), init.print))
    for (let at = 0; at < init.peers; at++) cluster.startPeer(at)
    await cluster.advance(2 * minuteMs)
    cluster.#check()
    return cluster
  }

  get size (): number { return this.#world.peers.length }

  /** Simulated Unix time, milliseconds. */
  now (): number { return this.#world.clock.now() }

  /** Lets time pass. Rejects when a promise was broken meanwhile. */
  async advance (ms: number): Promise<void> {
    await this.#world.clock.advance(ms)
    this.#check()
  }

  /** The peer's ID; `at`: 0 for the first. */
  id (at: number): string { return this.#peer(at).id }

  startPeer (at: number): void { this.#world.start(this.#peer(at)) }

  /** The power goes: what its disk had not synced is lost. */
  crashPeer (at: number): void { this.#world.crash(this.#peer(at)) }

  /** These hear nothing of the others any more, nor the others of them; `heal` ends it. */
  cutOff (apart: readonly number[]): void {
    const { network, peers } = this.#world
    for (const [from, one] of peers.entries()) {
      for (const [to, other] of peers.entries()) if (apart.includes(from) !== apart.includes(to)) network.cut.add(`${one.id}>${other.id}`)
    }
  }

  heal (): void { this.#world.network.cut.clear() }

  /** A CID for a text: what it pins can be fetched by every simulated node. */
  cid (text: string): string { return cidFor(text).toString() }

  /** Asks a peer to pin; resolves with what it made of it. Rejects with what the peer says against it. */
  async pin (at: number, cid: string, options: SimulatedPinOptions = {}): Promise<SimulatedPin> {
    const run = this.#running(at)
    return this.#told(await this.#answer(run.cluster.pin(parseCid(cid), { ...defaultPinOptions(), ...options })))
  }

  async unpin (at: number, cid: string): Promise<void> {
    const run = this.#running(at)
    await this.#answer(run.cluster.unpin(parseCid(cid)))
  }

  /** The pinset as a peer has it. */
  async pins (at: number): Promise<SimulatedPin[]> {
    const found: SimulatedPin[] = []
    for await (const batch of this.#running(at).consensus.state.pins()) found.push(...batch.map(pin => this.#told(pin)))
    return found
  }

  /** How a pin stands, as one peer sees it: by peer. */
  async status (at: number, cid: string): Promise<SimulatedStatus[]> {
    const { peerMap } = await this.#answer(this.#running(at).cluster.status(parseCid(cid)))
    return this.#world.peers.map(({ id }) => peerMap.get(id)?.status ?? 'unpinned')
  }

  /** The latest valid metrics of a name, as a peer has heard them. */
  metrics (at: number, name: string): Metric[] { return [...this.#running(at).monitor.latest(name)] }

  /** Stops all peers. Rejects when one doesn't stop, or leaves something behind. */
  async stop (): Promise<void> {
    for (const peer of this.#world.peers) this.#world.stop(peer)
    await this.advance(5 * minuteMs)
  }

  #told ({ cid, name, allocations }: Pin): SimulatedPin {
    const places = allocations.map(id => this.#world.peers.findIndex(peer => peer.id === id))
    return { cid: cid.toString(), name, allocations: places }
  }

  #peer (at: number): SimPeer {
    const peer = this.#world.peers[at]
    if (peer == null) throw new RangeError(`there are ${this.size} peers, asked for is the one at ${at}`)
    return peer
  }

  #running (at: number): Run {
    const { run } = this.#peer(at)
    if (run?.isReady !== true) throw new Error(`the peer at ${at} doesn't run`)
    return run
  }

  async #answer<Result> (asked: Promise<Result>): Promise<Result> {
    let isOver = false
    const answered = asked.finally(() => { isOver = true })
    answered.catch(() => {})
    for (const until = this.now() + longestAnswerMs; !isOver && this.now() < until;) await this.advance(100)
    if (!isOver) throw new Error(`no answer in ${longestAnswerMs / minuteMs} simulated minutes`)
    return answered
  }

  #check (): void {
    const [fault] = this.#world.faults
    if (fault != null) throw new Error(fault)
  }
}

function calmSettings (
  { peers, seed = 1, extend, allocateBy = ['freespace'], storageBytes = () => 1e9 }: SimulatedClusterInit
): SimSettings {
  const usual = settingsOf(seed)
  const calm = Object.fromEntries(Object.keys(usual.trouble).map(kind => [kind, 0])) as unknown as SimSettings['trouble']
  return {
    ...usual,
    isOpen: true,
    peers: Array.from({ length: peers }, (_, at): PeerSettings => ({
      id: aPeerId(at), name: `peer${at}`, trustedPeers: '*', followerMode: false, givesHistory: true, skewMs: 0,
      batching: { maxBatchSize: 0, maxBatchAgeMs: 0, maxQueueSize: 50_000 }, storageBytes: storageBytes(at), group: '', joinsAt: 0,
      ...(extend == null ? {} : { extensions: extend(at) })
    })),
    network: { delayMs: 20, loss: 0, duplication: 0 },
    history: { ...usual.history, breaks: 0, standstills: 0 },
    ipfs: { delayMs: 10, failures: 0 },
    diskDelayMs: 0,
    trouble: calm,
    replicationFactorMin: -1,
    replicationFactorMax: -1,
    disableRepinning: false,
    pinOnlyOnTrustedPeers: false,
    allocateBy
  }
}
