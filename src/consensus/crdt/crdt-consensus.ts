import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import type { DiskReserve } from '../../base/disk-reserve.ts'
import { messageOf } from '../../base/errors.ts'
import { Listeners } from '../../base/listeners.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { HistoryExchange, HistorySource } from '../../network/history.ts'
import type { BlockExchange, Broadcast, TopicMessage } from '../../network/network.ts'
import { crdtTopic, decodeHeads } from '../../wire/broadcast.ts'
import { blockKey } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { Consensus, PinState, PinsetChange } from '../consensus.ts'
import type { PinsetDigests } from '../pinset-digest.ts'
import { HeadAnnouncer } from './head-announcer.ts'
import { CachedValues } from './cached-values.ts'
import { CatchUp } from './catch-up.ts'
import type { BatchingInit } from './change-journal.ts'
import { CrdtStore } from './crdt-store.ts'
import { Announcements } from './digest/announcements.ts'
import { countWorker } from './digest/count-worker.ts'
import { CrdtDigests } from './digest/crdt-digests.ts'
import type { DigestKey } from './digest/digest-key.ts'
import { blockRecord } from './layout.ts'
import { LocalChanges } from './local-changes.ts'
import { UnreadableValues, pinState } from './pin-state.ts'
import { Mutex } from '../../base/mutex.ts'

export interface CrdtConsensusInit {
  self: PeerId
  /** Names the gossip topic. */
  clusterName: string
  /** Whose heads and calls are accepted, besides this peer's own. */
  trustedPeers: readonly PeerId[] | '*'
  rebroadcastIntervalMs: number
  repairIntervalMs: number
  batching: BatchingInit
  /** Of the cluster's secret: what pinsets are compared with. */
  digestKey: DigestKey
}

export interface CrdtConsensusDeps {
  /** For the CRDT alone. Started before and stopped after the consensus, by its owner. */
  datastore: Datastore
  broadcast: Broadcast
  exchange: BlockExchange
  /** Brings long branches as a stream from peers that can. Without it blocks come one by one. */
  history?: HistoryExchange | undefined
  /** No new pins while it is given up and the disk still full; removals go on. Default: none. */
  reserve?: Pick<DiskReserve, 'lackBytes' | 'checkRoom'>
  /** Told of every block that this peer has written, before it is announced. */
  onCommitted?: (cid: CID) => void
  workers: Workers
  clock: Clock
  log: Logger
}

/** A `Consensus` by Merkle-CRDT, compatible with Go's crdt mode. */
export interface CrdtConsensus extends Consensus, HistorySource {
  readonly digests: PinsetDigests
  /** A block of the DAG that has been merged here: what other peers may fetch. */
  getBlock (cid: CID): Uint8Array | undefined
  hasBlock (cid: CID): boolean
}

/** Complete when it is made; nothing is read before `start`. */
export function crdtConsensus (init: CrdtConsensusInit, deps: CrdtConsensusDeps): CrdtConsensus {
  return new Crdt(init, deps)
}

/** Whom a peer with these settings trusts: itself, and those that are named; `*`: everybody. */
export function trustOf ({ self, trustedPeers }: Pick<CrdtConsensusInit, 'self' | 'trustedPeers'>): (peer: PeerId) => boolean {
  const trusted = new Set([self, ...trustedPeers])
  return peer => trustedPeers === '*' || trusted.has(peer)
}

/** A block of the DAG that is in this store: what other peers may fetch. */
export const storedBlock = (datastore: Pick<Datastore, 'get'>, cid: CID): Uint8Array | undefined =>
  datastore.get(blockRecord(blockKey(cid)))

/** Never written, only deleted. */
const probeKey = '/write-probe'

class Crdt implements CrdtConsensus {
  readonly name = 'consensus'
  readonly state: PinState
  readonly digests: PinsetDigests
  readonly #init: CrdtConsensusInit
  readonly #deps: CrdtConsensusDeps
  readonly #listeners = new Listeners<readonly PinsetChange[]>()
  readonly #trusts: (peer: PeerId) => boolean
  readonly #values: CachedValues
  readonly #store: CrdtStore
  readonly #unreadable: UnreadableValues
  readonly #mutex = new Mutex()
  readonly #announcer: HeadAnnouncer
  readonly #local: LocalChanges
  readonly #catchUp: CatchUp
  readonly #announcements = new Announcements()
  /** What ends listening. */
  #unlisten: Array<() => void> = []
  #workers: WorkerHandle[] = []

  constructor (init: CrdtConsensusInit, deps: CrdtConsensusDeps) {
    const { clock, broadcast, exchange, history } = deps
    const datastore = this.#values = new CachedValues(deps.datastore)
    const log = rateLimitedLogger(deps)
    const mutex = this.#mutex
    const changed = (changes: PinsetChange[]): void => this.#changed(changes)
    const store = this.#store = new CrdtStore({ datastore, digestKey: init.digestKey, log })
    this.#init = init
    this.#deps = { ...deps, datastore, log }
    this.#trusts = trustOf(init)
    this.#unreadable = new UnreadableValues({ datastore, log })
    this.state = pinState(datastore, { size: () => store.size, unreadable: key => this.#unreadable.note(key) })
    this.#announcer = new HeadAnnouncer(
      { self: init.self, topic: crdtTopic(init.clusterName), intervalMs: init.rebroadcastIntervalMs }, { broadcast, store, clock, log }
    )
    this.#local = new LocalChanges(init.batching, { store, mutex, clock, log, changed, committed: block => this.#committed(block) })
    this.#catchUp = new CatchUp(init, {
      store, mutex, exchange, history, clock, log, changed, datastore, trusts: peer => this.trusts(peer)
    })
    this.digests = new CrdtDigests({ datastore, store, mutex, catchUp: this.#catchUp, announcements: this.#announcements, changed })
  }

  async start (signal: AbortSignal): Promise<void> {
    await this.#values.begin()
    await this.#store.load()
    signal.throwIfAborted()
    this.#unlisten.push(this.#deps.broadcast.subscribe(
      crdtTopic(this.#init.clusterName), message => this.#received(message), peer => this.trusts(peer)
    ))
    this.#announcer.start()
    this.#catchUp.start()
    this.#local.start()
    const { digest, heads } = this.#store
    const { workers, clock, log } = this.#deps
    this.#workers = [this.#announcer.worker(), this.#catchUp.worker()].map(worker => workers.add(worker))
    const counting = workers.add(countWorker({ digest, mutex: this.#mutex, heads: () => heads.keys(), clock, log }))
    this.#workers.push(counting)
    this.#unlisten.push(digest.onLost(() => counting.wake()))
  }

  async drain (): Promise<void> {
    for (const unlisten of this.#unlisten.splice(0)) unlisten()
    this.#announcer.stop()
    await Promise.all(this.#workers.splice(0).map(async worker => worker.stop()))
    await Promise.all([this.#local.stop(), this.#catchUp.stop()])
    await this.#mutex.idle()
  }

  async stop (): Promise<void> {
    await this.drain()
    this.#values.forget()
  }

  put (pin: Pin): Promise<void> {
    const { reserve } = this.#deps
    if (reserve == null || reserve.lackBytes() <= 0) return this.#local.put(pin)
    return reserve.checkRoom().then(() => this.#local.put(pin))
  }

  /** After a write that failed, another one has to succeed: one that changes nothing. */
  async whyReadOnly (): Promise<string> {
    const { reserve, datastore } = this.#deps
    try {
      if (reserve != null && reserve.lackBytes() > 0) await reserve.checkRoom()
      if (this.#local.hasFailed) await datastore.write([{ key: probeKey, value: undefined }], { sync: true })
      this.#local.hasFailed = false
      return ''
    } catch (err) {
      return messageOf(err)
    }
  }

  async replaceIf (expected: Pin, pin: Pin): Promise<boolean> { return this.#local.replaceIf(expected, pin) }
  async remove (cid: CID): Promise<void> { await this.#local.remove(cid) }
  async removeIf (expected: Pin): Promise<boolean> { return this.#local.removeIf(expected) }
  async whenWritten (cid: CID): Promise<void> { await this.#local.whenWritten(cid) }

  async durable (): Promise<void> { await this.#store.merged.sync() }

  onChange (listener: (changes: readonly PinsetChange[]) => void): () => void { return this.#listeners.add(listener) }

  trusts (peer: PeerId): boolean { return this.#trusts(peer) }

  progress (): { heads: CID[], height: number, dirty: boolean, behind: boolean, damaged: boolean } {
    const { heads, missing, dirty } = this.#store
    return {
      heads: [...heads.values()].map(({ cid }) => cid),
      height: this.#store.height(),
      dirty: dirty || missing.size > 0,
      behind: this.#catchUp.isBehind,
      damaged: this.#store.damage != null || this.#unreadable.areLeft()
    }
  }

  completeHeads (): CID[] { return this.#store.completeHeads() }

  getBlock (cid: CID): Uint8Array | undefined { return storedBlock(this.#deps.datastore, cid) }
  hasBlock (cid: CID): boolean { return this.#store.isHere(blockKey(cid)) }

  #committed ({ cid, bytes }: CrdtBlock): void {
    try {
      this.#deps.onCommitted?.(cid)
      this.#deps.exchange.offer(cid, bytes)
      this.#announcer.announce([cid])
    } catch (err) {
      // the block is stored and will be announced again by the timer
      this.#deps.log.error('a new block could not be offered', { err, cid: cid.toString() })
    }
  }

  #received ({ from, data }: TopicMessage): void {
    if (from === this.#init.self) return
    if (!this.trusts(from)) return this.#deps.log.debug('heads of a peer that is not trusted were ignored', { from })
    try {
      const heads = decodeHeads(data)
      this.#announcements.note(from, heads, this.#deps.clock.now())
      this.#announcer.heard(heads)
      this.#catchUp.announced(heads, from)
    } catch (err) {
      this.#deps.log.warn('a head broadcast could not be read', { from, err })
    }
  }

  #changed (changes: PinsetChange[]): void {
    if (changes.length === 0) return
    try {
      this.#listeners.emit(changes)
    } catch (err) {
      // the change is stored: a listener's fault must not turn it into a failure
      this.#deps.log.error('a listener of pinset changes failed', { err })
    }
  }
}

