import { deadline } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { FairSemaphore } from '../../base/fair-semaphore.ts'
import type { Logger } from '../../base/log.ts'
import type { Mutex } from '../../base/mutex.ts'
import type { Worker } from '../../base/worker.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import type { BlockExchange } from '../../network/network.ts'
import { blockKey, decodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { PinsetChange } from '../consensus.ts'
import type { HistoryExchange } from '../../network/history.ts'
import type { CrdtStore } from './crdt-store.ts'
import { HistorySync, historySyncDefaults } from './history-sync.ts'
import * as layout from './layout.ts'
import { findLost, isIntact } from './repair.ts'
import type { LostBlock } from './repair.ts'

export interface CatchUpInit {
  /**
   * How often a store marked dirty is checked; blocks that could not be fetched are asked for again at least this often, and each minute.
   */
  repairIntervalMs: number
}

export interface CatchUpDeps {
  store: CrdtStore
  mutex: Mutex
  exchange: BlockExchange
  /** Without it all blocks come one by one. */
  history?: HistoryExchange | undefined
  /** Whose history is taken. */
  trusts (peer: PeerId): boolean
  clock: Clock
  log: Logger
  changed (changes: PinsetChange[]): void
  /** The store's, for the repair. */
  datastore: Datastore
}

/** Go's DAGSyncerTimeout. */
const fetchTimeoutMs = 120_000
const longestRetryMs = 60_000
/** A fetch that takes longer no longer keeps others from starting: dead blocks delay only what hangs on them. */
const patienceMs = 5000
const fetchesAtOnce = 32
/** Of those, for what one peer announced: who names heads that nobody has must not hold up the others'. */
const fetchesPerPeer = 24
/** Fetched blocks that wait for their turn to be merged. Beyond, the branches wait for the disk. */
const mergesAhead = 8
/** Announced heads that are being fetched, per announcer. More are heard at its next broadcast. */
const rootsPerPeer = 256
/** A branch that goes on below so many blocks is asked for as a stream. */
const longBranch = 8

/** `depth`: blocks of the branch that were fetched above this one. */
interface Fetch { cid: CID, from: PeerId | undefined, isRoot: boolean, depth: number }

/**
 * Fetches what is missing, newest first: an announced head is merged before its ancestors, whose absence is recorded in the same batch.
 * Every branch goes its own way; what can't be fetched is asked for again later, also after a restart. Between Node peers long branches
 * come as a stream (history-sync.ts); while one flows, no branch is walked down here, and when it ends what it left is.
 */
export class CatchUp {
  readonly #init: CatchUpInit
  readonly #deps: CatchUpDeps
  readonly #running = new Map<string, Promise<void>>()
  readonly #roots = new Map<string, PeerId>()
  readonly #failed = new Set<string>()
  readonly #sync: HistorySync | undefined
  readonly #slots = new FairSemaphore({ count: fetchesAtOnce, perAsker: fetchesPerPeer })
  #merging = 0
  #heardSinceDamage = false
  #stop = new AbortController()

  constructor (init: CatchUpInit, deps: CatchUpDeps) {
    this.#init = init
    this.#deps = deps
    this.#sync = this.#historySync()
  }

  /** True while an announced branch isn't all here. */
  get isBehind (): boolean { return this.#roots.size > 0 || this.#deps.store.missing.size > 0 }

  /** Goes on where the last run ended. */
  start (): void {
    this.#stop = new AbortController()
    this.retry()
    this.#sync?.start()
  }

  async stop (): Promise<void> {
    this.#stop.abort(new ClusterError('NOT_READY', { component: 'consensus' }))
    await Promise.all([...this.#running.values(), this.#sync?.stop()])
    this.#failed.clear()
  }

  /** Fetches the heads that aren't here. */
  announced (heads: readonly CID[], from: PeerId): void {
    if (this.#deps.store.damage != null && heads.length > 0) this.#heardSinceDamage = true
    let budget = rootsPerPeer
    for (const peer of this.#roots.values()) if (peer === from) budget--
    for (const cid of heads) {
      const id = blockKey(cid)
      if (this.#running.has(id) || this.#deps.store.isHere(id)) continue
      if (--budget < 0) return this.#deps.log.warn('a peer announces more heads than can be fetched at once', { from })
      this.#failed.delete(id) // the announcer has it
      this.#fetch(id, { cid, from, isRoot: true, depth: 0 })
    }
    // the announcer may have what was missing
    if (this.#failed.size > 0) this.retry(from)
  }

  /** Asks again for everything that is missing. */
  retry (from?: PeerId): void {
    this.#failed.clear()
    if (this.#sync?.isFlowing === true) return
    for (const [id, { cid }] of this.#deps.store.missing) this.#fetch(id, { cid, from, isRoot: false, depth: 1 })
  }

  worker (): Worker {
    return {
      name: 'crdt repair',
      intervalMs: () => Math.min(this.#init.repairIntervalMs, longestRetryMs),
      runAtStart: true,
      work: async signal => {
        await this.repairIfDirty(signal)
        await this.#forgetDamage()
        if (!this.#stop.signal.aborted) this.retry()
        return 'idle'
      }
    }
  }

  /**
   * Checks the whole DAG when the store is marked dirty. Blocks that are gone or damaged are put on record as missing: `retry` fetches
   * them. Resolves with how many.
   */
  async repairIfDirty (signal: AbortSignal): Promise<number> {
    const { store, mutex, log } = this.#deps
    if (!store.dirty || this.#stop.signal.aborted) return 0
    log.info('the CRDT is marked dirty: all of it is checked')
    let found = 0
    for await (const lost of findLost({ blocks: this.#deps.datastore, missing: store.missing })) {
      signal.throwIfAborted()
      found += lost.length
      await mutex.run(async () => this.#giveUp(lost.filter(([id]) => !isIntact(id, store.blockBytes(id)))))
    }
    await mutex.run(() => store.setDirty(false))
    log.info('the CRDT has been checked', { missingBlocks: found })
    return found
  }

  /** After damage: a trusted peer has named its heads, and all of that is here. */
  async #forgetDamage (): Promise<void> {
    const { store, mutex, log } = this.#deps
    if (store.damage == null || !this.#heardSinceDamage || this.isBehind || this.#stop.signal.aborted) return
    await mutex.run(() => store.forgetDamage())
    log.info('the damage of the pinset is repaired: all that the other peers have is here')
  }

  /** First on record as missing, then gone from the disk: damaged bytes are neither read nor served, whenever the peer is killed. */
  async #giveUp (lost: ReadonlyArray<LostBlock>): Promise<void> {
    await this.#deps.store.addMissing(lost)
    await this.#deps.datastore.write(lost.map(([id]) => ({ key: layout.blockRecord(id), value: undefined })))
  }

  #fetch (id: string, fetch: Fetch): void {
    if (this.#running.has(id) || this.#failed.has(id) || this.#stop.signal.aborted) return
    if (fetch.isRoot && fetch.from != null) this.#roots.set(id, fetch.from)
    const work = this.#bring(fetch)
      .catch(err => this.#gaveUp(id, fetch, err))
      .finally(() => {
        this.#running.delete(id)
        this.#roots.delete(id)
      })
    this.#running.set(id, work)
  }

  async #bring (fetch: Fetch): Promise<void> {
    const { cid } = fetch
    const bytes = await this.#fetched(cid, fetch.from)
    const block = decodeCrdtBlock(cid, bytes)
    // the next fetch travels while this block is merged; the mutex keeps the order
    const isAhead = this.#merging < mergesAhead && this.#sync?.isFlowing !== true
    const merged = this.#merge(block)
    if (isAhead) this.#descend(block, fetch)
    await merged
    this.#deps.exchange.offer(cid, bytes)
    if (!isAhead) this.#descend(block, fetch)
  }

  async #merge (block: CrdtBlock): Promise<void> {
    this.#merging++
    try {
      await this.#deps.mutex.run(async () => this.#deps.changed(await this.#deps.store.apply(block, { sync: false })))
    } finally {
      this.#merging--
    }
  }

  /** What is left to a stream is on record once the block is merged; before, it is fetched here. */
  #descend (block: CrdtBlock, { from, depth }: Fetch): void {
    const absent = block.links.filter(cid => !this.#deps.store.isHere(blockKey(cid)))
    if (absent.length === 0 || this.#sync?.isFlowing === true) return
    if (from != null && depth >= longBranch) this.#sync?.ask(from)
    for (const cid of absent) this.#fetch(blockKey(cid), { cid, from, isRoot: false, depth: depth + 1 })
  }

  #historySync (): HistorySync | undefined {
    const { history, exchange } = this.#deps
    return history == null
      ? undefined
      : new HistorySync(historySyncDefaults, {
        ...this.#deps,
        history,
        arrived: blocks => { for (const { cid, bytes } of blocks) exchange.offer(cid, bytes) },
        stuck: () => this.retry()
      })
  }

  async #fetched (cid: CID, from: PeerId | undefined): Promise<Uint8Array> {
    const { clock, exchange } = this.#deps
    const release = await this.#slots.take(from ?? '')
    const cancelPatience = clock.after(patienceMs, release)
    const { signal, clear } = deadline(
      clock, fetchTimeoutMs, () => new ClusterError('TIMEOUT', { block: cid.toString() }), this.#stop.signal
    )
    try {
      signal.throwIfAborted()
      return await exchange.fetch(cid, { signal, ...(from == null ? {} : { from }) })
    } finally {
      clear()
      cancelPatience()
      release()
    }
  }

  /** A head is announced again; what hangs on merged blocks is on record. */
  #gaveUp (id: string, { cid, from, isRoot }: Fetch, err: unknown): void {
    if (this.#stop.signal.aborted) return
    if (!isRoot) this.#failed.add(id)
    this.#deps.log.warn('a CRDT block could not be fetched', { cid: cid.toString(), from, isHead: isRoot, err })
  }
}
