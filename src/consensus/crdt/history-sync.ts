import { deadline } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { Mutex } from '../../base/mutex.ts'
import { readAhead } from '../../base/read-ahead.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { HistoryAnswer, HistoryBlock, HistoryExchange, HistoryRequest } from '../../network/history.ts'
import { blockKey, decodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { StoredPin } from '../../wire/pin.ts'
import { cidOfPinKey } from '../../wire/pin-key.ts'
import type { PinsetChange } from '../consensus.ts'
import type { CrdtStore } from './crdt-store.ts'
import { readablePin } from './value-changes.ts'

export interface HistorySyncInit {
  /** A stream that brings nothing for so long no longer keeps others from going on. Milliseconds. */
  patienceMs: number
  /** What one stream may bring and take; then the next peer has its turn. Milliseconds and counts. */
  longestMs: number
  maxBlocks: number
  maxBytes: number
}

/** A silent stream holds up others for 2 s at most; one stream has ten minutes, 5 million blocks and 16 GiB. */
export const historySyncDefaults: HistorySyncInit = {
  patienceMs: 2000, longestMs: 10 * 60_000, maxBlocks: 5_000_000, maxBytes: 16 * 2 ** 30
}

export interface HistorySyncDeps {
  store: CrdtStore
  mutex: Mutex
  history: HistoryExchange
  /** Whose heads are accepted. */
  trusts (peer: PeerId): boolean
  clock: Clock
  log: Logger
  changed (changes: PinsetChange[]): void
  /** These blocks are here now. */
  arrived (blocks: readonly CrdtBlock[]): void
  /** No stream flows any more, or one is stalled: what is missing has to come in another way. */
  stuck (): void
}

/** CIDs that a request names. */
const cidsPerRequest = 2000
/** Blocks that are read while others are merged: a block weighs its bytes and what its writes take. */
const ahead = {
  maxBytes: 512 * 1024, sizeOf: (batch: readonly HistoryBlock[]): number => batch.reduce((sum, { bytes }) => sum + bytes.length + 512, 0)
}
/**
 * Blocks are merged in one batch until there is so much of them. What a merge makes is thirty times as much, and gone when it is written:
 * of small batches V8's young collections find little that lives.
 */
const mergedBytes = 128 * 1024
/** Blocks in a row that were here already. Then there is nothing more to be had this way: what is missing lies elsewhere. */
const vainBlocks = 512
const pauseAfterFaultMs = 10 * 60_000
const pauseAfterNothingMs = 60_000
/** When a stream broke or stalled while the peer stays connected, it is asked again after these times, before the pauses. Milliseconds. */
const askAgainAfterMs = [1000, 2000, 4000, 8000, 16_000]

/**
 * Fetches history as a stream of blocks from peers that speak our protocol: their heads and all that is under them, when they connect and
 * when a branch turns out to be long. One stream at a time, so that peers who have the same history don't all send it; one that stands
 * still makes way.
 */
export class HistorySync {
  readonly #init: HistorySyncInit
  readonly #deps: HistorySyncDeps
  readonly #running = new Map<PeerId, Promise<void>>()
  /** Until when a peer isn't asked. Peers that went are forgotten. */
  readonly #pauses = new Map<PeerId, number>()
  /** Peers that came back, or have more to give, while they are asked. */
  readonly #again = new Set<PeerId>()
  readonly #flowing = new Set<PeerId>()
  /** Peers whose streams broke or stalled: how often in a row, and what ends the wait for the next try. */
  readonly #retries = new Map<PeerId, { count: number, cancel: () => void }>()
  /** Ends when the stream before makes way. */
  readonly #streams = new Mutex()
  #stop = new AbortController()
  #unsubscribe = (): void => {}

  constructor (init: HistorySyncInit, deps: HistorySyncDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** True while a stream brings blocks: it is going to bring what is missing, or else `stuck` is called. */
  get isFlowing (): boolean { return this.#flowing.size > 0 }

  start (): void {
    this.#stop = new AbortController()
    this.#unsubscribe = this.#deps.history.onPeer((peer, isHere) => {
      this.#pauses.delete(peer)
      this.#forgetRetries(peer)
      if (!isHere) return
      if (this.#running.has(peer)) this.#again.add(peer)
      else this.ask(peer)
    })
  }

  async stop (): Promise<void> {
    this.#unsubscribe()
    this.#stop.abort(new ClusterError('NOT_READY', { component: 'consensus' }))
    for (const peer of this.#retries.keys()) this.#forgetRetries(peer)
    await Promise.all(this.#running.values())
    this.#pauses.clear()
    this.#again.clear()
  }

  /** Asks a trusted peer soon, unless it is being asked, can't answer or has failed lately. */
  ask (peer: PeerId): void {
    if (this.#stop.signal.aborted || this.#running.has(peer) || !this.#deps.trusts(peer)) return
    if ((this.#pauses.get(peer) ?? 0) > this.#deps.clock.elapsed()) return
    const work = this.#inTurn(peer).catch(err => this.#deps.log.error(
      'a history stream failed', { from: peer, err }
    )).finally(() => {
      this.#running.delete(peer)
      if (!this.#again.delete(peer)) return
      this.#pauses.delete(peer)
      this.ask(peer)
    })
    this.#running.set(peer, work)
  }

  async #inTurn (peer: PeerId): Promise<void> {
    const release = await this.#streams.acquire()
    try {
      if (!this.#stop.signal.aborted) await this.#watched(peer, release)
    } catch (err) {
      this.#failed(peer, err)
    } finally {
      release()
      this.#stalled(peer)
    }
  }

  /** Takes what the peer gives; when it is silent for too long, makes way and goes on. */
  async #watched (peer: PeerId, release: () => void): Promise<void> {
    const { clock, log } = this.#deps
    const { signal, clear } = deadline(clock, 2 * this.#init.longestMs, () => new ClusterError('TIMEOUT', { peer }), this.#stop.signal)
    let cancelPatience = (): void => {}
    const wait = (): void => {
      cancelPatience()
      cancelPatience = clock.after(this.#init.patienceMs, () => {
        log.warn('a peer stalls while it sends its history; others are asked meanwhile', { from: peer })
        release()
        this.#stalled(peer)
      })
    }
    const moving = (): void => {
      this.#flowing.add(peer)
      wait()
    }
    wait()
    try {
      await this.#sync(peer, { signal, moving })
      this.#forgetRetries(peer)
    } finally {
      clear()
      cancelPatience()
    }
  }

  /** Resolves with the function that makes way for the next. */
  #stalled (peer: PeerId): void {
    if (this.#flowing.delete(peer) && this.#flowing.size === 0 && !this.#stop.signal.aborted) this.#deps.stuck()
  }

  /** What is known to be missing first, as it is known exactly; then the peer's heads that aren't here, with what is under them. */
  async #sync (peer: PeerId, options: { signal: AbortSignal, moving: () => void }): Promise<void> {
    const { store, history } = this.#deps
    const missing = [...store.missing.values()].slice(0, cidsPerRequest).map(({ cid }) => cid)
    const answer = await history.ask(peer, { roots: [], known: [] }, options)
    answer.end()
    let gotCount = missing.length > 0 ? await this.#round(peer, { roots: missing, known: [] }, options) : 0
    const unknown = answer.heads.filter(cid => !store.isHere(blockKey(cid))).slice(0, cidsPerRequest)
    // heads over a hole promise nothing about what is under them
    const known = store.missing.size > 0 ? [] : [...store.heads.values()].slice(0, cidsPerRequest).map(({ cid }) => cid)
    if (unknown.length > 0) gotCount += await this.#round(peer, { roots: unknown, known }, options)
    if (gotCount > 0 && store.missing.size > 0) this.#again.add(peer)
    if (missing.length > 0 && gotCount === 0) this.#pauses.set(peer, this.#deps.clock.elapsed() + pauseAfterNothingMs)
  }

  /** Resolves to the number of blocks that are new. */
  async #round (peer: PeerId, request: HistoryRequest, { signal, moving }: { signal: AbortSignal, moving: () => void }): Promise<number> {
    moving()
    const answer = await this.#deps.history.ask(peer, request, { signal })
    try {
      return await this.#read(answer, { peer, roots: request.roots, moving })
    } finally {
      answer.end()
    }
  }

  /** Merges what comes until nothing is missing. */
  async #read (
    { blocks }: HistoryAnswer, { peer, roots, moving }: { peer: PeerId, roots: readonly CID[], moving: () => void }
  ): Promise<number> {
    const { store, clock } = this.#deps
    const absent = new Set(roots.map(blockKey).filter(id => !store.isHere(id)))
    const until = clock.elapsed() + this.#init.longestMs
    let gotCount = 0
    let readBytes = 0
    let vainCount = 0
    for await (const batches of readAhead(blocks, ahead)) {
      const batch = batches.flat()
      const freshCount = await this.#mergeAll(batch, { absent, moving })
      gotCount += freshCount
      for (const { bytes } of batch) readBytes += bytes.length
      vainCount = freshCount > 0 ? 0 : vainCount + batch.length
      if (vainCount > vainBlocks || (absent.size === 0 && store.missing.size === 0)) break
      if (gotCount <= this.#init.maxBlocks && readBytes <= this.#init.maxBytes && clock.elapsed() < until) continue
      this.#again.add(peer)
      break
    }
    return gotCount
  }

  /** Reads each part while the one before it is being written. Resolves to the number of blocks that are new. */
  async #mergeAll (batch: readonly HistoryBlock[], { absent, moving }: { absent: Set<string>, moving: () => void }): Promise<number> {
    const reached = new Set<string>()
    let merging = Promise.resolve()
    let freshCount = 0
    try {
      for (const part of partsOf(batch)) {
        const fresh = this.#fresh(part, absent, reached)
        const pins = pinsOf(fresh)
        await merging
        moving()
        merging = this.#merge(fresh, pins)
        freshCount += fresh.length
      }
    } finally {
      await merging
    }
    moving()
    return freshCount
  }

  /** The blocks that aren't here. Throws INVALID_DATA when one is reached from nothing that was asked for. */
  #fresh (batch: readonly HistoryBlock[], absent: Set<string>, reached: Set<string>): CrdtBlock[] {
    const { store } = this.#deps
    const fresh: CrdtBlock[] = []
    for (const { cid, bytes } of batch) {
      const id = blockKey(cid)
      const isRoot = absent.delete(id)
      if (store.isHere(id)) continue
      if (!isRoot && !store.missing.has(id) && !reached.has(id)) {
        throw new ClusterError('INVALID_DATA', { block: id }, { message: 'a block that was not asked for' })
      }
      const block = decodeCrdtBlock(cid, bytes)
      for (const link of block.links) reached.add(blockKey(link))
      fresh.push(block)
    }
    return fresh
  }

  async #merge (blocks: CrdtBlock[], pins: ReadonlyMap<string, StoredPin>): Promise<void> {
    if (blocks.length === 0) return
    const { mutex, store, changed, arrived } = this.#deps
    await mutex.run(async () => changed(await store.applyAll(blocks, { sync: false, pins })))
    arrived(blocks)
  }

  #failed (peer: PeerId, err: unknown): void {
    if (this.#stop.signal.aborted) return
    const { clock, log } = this.#deps
    // who doesn't speak it is asked when it connects again
    if (isClusterError(err, 'UNSUPPORTED')) return void this.#pauses.set(peer, Infinity)
    const isCut = isClusterError(err, 'PEER_UNREACHABLE')
    if ((isCut || isClusterError(err, 'TIMEOUT')) && this.#askAgain(peer)) {
      return void log.info('the history from a peer was interrupted; it is asked again', { from: peer, err })
    }
    this.#pauses.set(peer, clock.elapsed() + (isCut ? pauseAfterNothingMs : pauseAfterFaultMs))
    log.warn('the history sync with a peer failed', { from: peer, err })
  }

  /** False when that has been tried often enough. */
  #askAgain (peer: PeerId): boolean {
    const count = this.#retries.get(peer)?.count ?? 0
    const afterMs = askAgainAfterMs[count]
    if (afterMs == null) return false
    // somebody else may have asked meanwhile
    this.#retries.get(peer)?.cancel()
    this.#retries.set(peer, { count: count + 1, cancel: this.#deps.clock.after(afterMs, () => this.ask(peer)) })
    return true
  }

  #forgetRetries (peer: PeerId): void {
    this.#retries.get(peer)?.cancel()
    this.#retries.delete(peer)
  }
}

function * partsOf (blocks: readonly HistoryBlock[]): Generator<HistoryBlock[]> {
  let part: HistoryBlock[] = []
  let bytes = 0
  for (const block of blocks) {
    part.push(block)
    bytes += block.bytes.length
    if (bytes < mergedBytes) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}

/** What the blocks' elements say, by key; of a key that they have twice what the last one says. */
function pinsOf (blocks: readonly CrdtBlock[]): Map<string, StoredPin> {
  const pins = new Map<string, StoredPin>()
  for (const { delta } of blocks) {
    for (const { key, value } of delta.elements) {
      const cid = cidOfPinKey(key)
      const pin = cid == null ? undefined : readablePin(value, cid)
      if (pin != null) pins.set(key, { value, pin })
    }
  }
  return pins
}
