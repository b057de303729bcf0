import { isClusterError, messageOf } from '../../src/base/errors.ts'
import { formatPingValue } from '../../src/model/metric.ts'
import type { PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import { aMetric } from '../support/cluster/shared-monitor.ts'
import { CoarseClock } from './coarse-clock.ts'
import { Copies } from './copies.ts'
import type { Dice } from './dice.ts'
import type { LightPeerDeps, LightRun } from './light-peer.ts'
import { LightPeer } from './light-peer.ts'
import { Replica } from './replica.ts'
import { Trace } from './trace.ts'

export interface LightWorldInit {
  ids: readonly PeerId[]
  /** What the pinset is from the beginning; every holder has its pins. */
  pinset: readonly Pin[]
  print?: ((line: string) => void) | undefined
}

const minuteMs = 60_000
const pingMs = 15_000
const silentMs = 45_000
/** How long what was taken away stays away. */
const longestAwayMs = 180_000

/** Shares of the steps at which something goes wrong. */
interface Trouble { crash: number, stop: number, cut: number, heal: number, ipfsDown: number, diskFull: number, split: number }

/** Light peers that die, are cut off, fail and come back; whether each pin's minimum has it is looked at with each copy that goes. */
export class LightWorld implements LightPeerDeps {
  readonly clock = new CoarseClock()
  readonly dice: Dice
  readonly trace: Trace
  readonly peers: LightPeer[]
  readonly copies: Copies
  readonly faults: string[] = []
  readonly callMs: number
  readonly pinRecoverIntervalMs: number
  /** Ways on which nothing is heard: `from>to`. */
  readonly #cut = new Set<string>()
  readonly #trouble: Trouble
  readonly #mergeMs: number
  /** When a run heard a peer last. */
  readonly #heard = new WeakMap<LightRun, Map<LightPeer, number>>()
  #isPeace = false
  #isOver = false

  constructor ({ ids, pinset, print }: LightWorldInit, dice: Dice) {
    const startedAt = this.clock.now()
    this.dice = dice
    this.trace = new Trace(() => this.clock.now() - startedAt, print)
    this.callMs = dice.pick([10, 200, 2000])
    this.pinRecoverIntervalMs = dice.pick([30, 60]) * minuteMs
    this.#mergeMs = dice.pick([300, 1000, 3000])
    this.peers = ids.map((id, at) => new LightPeer(id, `peer${at}`, new Replica(id, pinset), this))
    this.copies = new Copies(this.peers, what => this.fault(what))
    for (const peer of this.peers) this.#fill(peer, pinset)
    for (const { cid, name, replicationFactorMin: min } of pinset) this.copies.wanted.set(cid.toString(), { name, min })
    const share = (most: number): number => dice.chance(0.6) ? dice.between(0, most) : 0
    this.#trouble = {
      crash: share(0.08), stop: share(0.02), cut: share(0.15), heal: 0.2, ipfsDown: share(0.05), diskFull: share(0.04), split: share(0.04)
    }
    for (const { ipfsFaults } of this.peers) {
      Object.assign(ipfsFaults, { delayMs: dice.pick([10, 1000, 10_000]), failures: dice.chance(0.5) ? dice.between(0, 0.3) : 0 })
    }
  }

  areConnected = (one: LightPeer, other: LightPeer): boolean =>
    one.run?.isReady === true && other.run?.isReady === true
      && !this.#cut.has(`${one.name}>${other.name}`) && !this.#cut.has(`${other.name}>${one.name}`)

  fault (what: string): void {
    this.trace.note(`FAULT ${what}`)
    this.faults.push(what)
  }

  #fill (peer: LightPeer, pinset: readonly Pin[]): void {
    for (const { cid, allocations } of pinset) {
      if (!allocations.includes(peer.id)) continue
      peer.node.roots.set(cid.toString(), 'recursive')
      this.copies.add(cid, peer.id)
    }
  }

  async start (): Promise<void> {
    for (const peer of this.peers) this.startPeer(peer)
    this.#every(this.#mergeMs, () => this.#merge())
    this.#every(pingMs, () => this.#ping())
    await this.clock.advance(2 * pingMs)
  }

  startPeer (peer: LightPeer): void {
    this.trace.note(`start ${peer.name}`)
    peer.start().catch(err => this.fault(`${peer.name} does not start: ${messageOf(err)}`))
  }

  #every (ms: number, act: () => void): void {
    this.clock.after(ms, () => {
      if (this.#isOver) return
      act()
      this.#every(ms, act)
    })
  }

  /** Peers that hear each other merge what the other has, often not all of it. */
  #merge (): void {
    for (const peer of this.peers) {
      if (this.dice.chance(this.#isPeace ? 0 : 0.3)) continue
      for (const other of this.peers) {
        if (other === peer || !this.areConnected(peer, other) || !peer.replica.lacks(other.replica)) continue
        const changes = peer.replica.merge(other.replica, this.dice.pick([1, 100, 10_000]))
        if (changes.length > 0) peer.run?.consensus.emit(changes)
      }
    }
  }

  #ping (): void {
    const now = this.clock.now()
    const receivedAt = BigInt(Math.floor(now)) * 1_000_000n
    for (const { run, ...hearing } of this.peers.map(peer => ({ peer, run: peer.run }))) {
      if (run?.isReady !== true) continue
      const heard = this.#heard.get(run) ?? new Map<LightPeer, number>()
      this.#heard.set(run, heard)
      for (const peer of this.peers) {
        if (peer.run?.isReady === true && (peer === hearing.peer || this.areConnected(peer, hearing.peer))) {
          const { id, name, node } = peer
          const value = formatPingValue({
            peerName: name, ipfsId: `ipfs-${name}`, ipfsAddresses: [], draining: peer.run.cluster.drainsOf(), removed: []
          })
          run.monitor.log(aMetric('ping', id, { value, receivedAt }))
          const weight = peer.run.cluster.isDraining(id) ? 0n : BigInt(1_000_000 - node.roots.size)
          run.monitor.log(aMetric('freespace', id, { weight, value: String(weight), receivedAt }))
          heard.set(peer, now)
        } else if (now - (heard.get(peer) ?? now) > silentMs) {
          heard.delete(peer)
          run.monitor.expire(peer.id, now)
        }
      }
    }
  }

  makeTrouble (): void {
    const { dice, peers, trace } = this
    const { crash, stop, cut, heal, ipfsDown, diskFull, split } = this.#trouble
    if (dice.chance(crash)) this.#powerCut(dice.pick(peers))
    if (dice.chance(stop)) this.#restart(dice.pick(peers))
    if (dice.chance(cut)) this.#cut.add(`${dice.pick(peers).name}>${dice.pick(peers).name}`)
    if (dice.chance(split)) this.#split()
    if (dice.chance(heal)) this.#cut.clear()
    if (dice.chance(ipfsDown)) {
      const { node, name } = dice.pick(peers)
      trace.note(`the IPFS node of ${name} is down`)
      node.down = new Error('connection refused')
      this.#later(() => { node.down = undefined })
    }
    if (dice.chance(diskFull)) {
      const peer = dice.pick(peers)
      trace.note(`the disk of ${peer.name} is full`)
      peer.isDiskFull = true
      this.#later(() => { peer.isDiskFull = false })
    }
  }

  #later (act: () => void): void {
    this.clock.after(this.dice.between(0, this.dice.pick([5000, 30_000, longestAwayMs])), act)
  }

  #powerCut (peer: LightPeer): void {
    if (peer.run == null) return
    this.trace.note(`crash ${peer.name}`)
    peer.crash()
    this.#later(() => { if (peer.run == null && !this.#isPeace) this.startPeer(peer) })
  }

  #restart (peer: LightPeer): void {
    if (peer.run?.isReady !== true) return
    this.trace.note(`stop ${peer.name}`)
    peer.stop().then(
      () => this.#later(() => { if (peer.run == null && !this.#isPeace) this.startPeer(peer) }),
      err => this.fault(`${peer.name} does not stop cleanly: ${messageOf(err)}`)
    )
  }

  #split (): void {
    const left = this.peers.filter(() => this.dice.chance(0.5))
    this.trace.note(`split ${left.map(({ name }) => name).join()}`)
    for (const one of left) for (const other of this.peers) if (!left.includes(other)) this.#cut.add(`${one.name}>${other.name}`)
  }

  /** Lets time pass until it has ended; false when it was refused, or did not end (the power went). */
  async inTime (act: () => Promise<void>): Promise<boolean> {
    let ended: boolean | undefined
    act().then(() => { ended = true }, err => {
      ended = false
      if (!isClusterError(err)) this.fault(messageOf(err))
    })
    for (let at = 0; at < 200 && ended == null; at++) await this.clock.advance(500)
    return ended === true
  }

  /** From now on all peers run, hear each other and have working nodes and disks. */
  async makePeace (): Promise<void> {
    this.trace.note('peace')
    this.#isPeace = true
    this.#cut.clear()
    await this.clock.advance(longestAwayMs + minuteMs)
    for (const peer of this.peers) {
      Object.assign(peer.ipfsFaults, { delayMs: 100, failures: 0 })
      if (peer.run == null) this.startPeer(peer)
    }
  }

  async end (): Promise<void> {
    this.#isOver = true
    const stops = this.peers.map(async peer => peer.stop().catch(err => this.fault(`${peer.name} does not stop cleanly: ${messageOf(err)}`)))
    await this.clock.advance(5 * minuteMs)
    await Promise.all(stops)
  }
}
