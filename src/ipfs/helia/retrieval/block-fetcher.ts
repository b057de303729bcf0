import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import type { Blockstore } from '../../../blockstore/blockstore.ts'
import type { Clock } from '../../../base/clock.ts'
import { orAborted } from '../../../base/clock.ts'
import { ClusterError, isClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { Semaphore } from '../../../base/semaphore.ts'
import type { PeerId } from '../../../model/cid.ts'
import type { IpfsNetwork } from '../network/node.ts'

/** Why nobody may have a block that is wanted, as `PinPhase` has it. */
export type Lack = 'no_peers' | 'no_providers'

/** A look at a block that is on its way. Times are Unix milliseconds. `lack`: null as long as it may still come by itself. */
export interface Flight { cid: CID, since: number, asked: ReadonlySet<PeerId>, nextTryAt: number | null, lack: Lack | null }

export interface BlockFetcherInit {
  /** A block that isn't there after this long is looked for in the routing system. Milliseconds. */
  searchAfterMs: number
  /** Search and want are repeated this often. Milliseconds. */
  retryMs: number
}

export interface BlockFetcherDeps {
  blockstore: Blockstore
  network: IpfsNetwork
  /** Resolves when the network is up. */
  networkReady: (signal: AbortSignal) => Promise<void>
  /** Throws STORAGE_FULL when `bytes` more don't fit. */
  ensureRoom: (bytes: number) => Promise<void>
  /** Throws for what may not be fetched. */
  refuse: (cid: CID) => void
  clock: Clock
  log: Logger
}

/** Below what other peers keep of one peer's wants (1024 in Helia and Kubo): what is above that they forget without a word. */
const freshWants = 384
/** Wants that nobody has answered for a while have slots of their own, in turn: they must not hold up what comes quickly. */
const patientWants = 128
/** How long a want may keep a slot that others wait for, if everybody who is connected has said that they lack the block. */
const wantTurnMs = 5000
/**
 * The same if somebody may be about to send it, since a block came last. On a slow link blocks stand in line: a want that is cancelled
 * wastes what is on its way.
 */
const quietMs = 15_000
const freshSearches = 6
const patientSearches = 2
/** How long @helia/bitswap may take to forget a want that was given up. A new want for the same block within that time is lost. */
const forgetMs = 50

/** What came, and why it could not be stored. */
interface Landed { bytes: Uint8Array, notStored?: unknown }

interface RunningFlight extends Omit<Flight, 'lack'> {
  asked: Set<PeerId>
  /** Who said that they don't have it. */
  lacking: Set<PeerId>
  /** Whether the latest search is over and found nobody. */
  isSearchedInVain: boolean
  /** Whether the last search that ended found nobody: unlike the above it stays so while the next one runs. */
  wasSearchedInVain: boolean
  first: readonly PeerId[] | undefined
  waiting: number
  /** Called whenever there is news of who doesn't have it. */
  onLack: Set<() => void>
  abort: AbortController
  result: Promise<Landed>
}

interface Lanes { wants: Semaphore, searches: Semaphore }

export interface FetchOptions {
  signal: AbortSignal
  /** Whether a full storage may be passed over: the block is given, but isn't here afterwards. Default false. */
  mayStayOut?: boolean
  /** Connected peers that are likely to have it: they are asked before all others. Counts for who is the first to want the block. */
  first?: readonly PeerId[]
  /**
   * Whether to reject with NO_PROVIDER once everybody who is connected has said that they lack it, and a search has found nobody else.
   * Default false.
   */
  untilNobody?: boolean
  /**
   * With `untilNobody`: asked when nobody is left. Resolves when those are connected, too, who are said to have the block and live; then
   * they have their say.
   */
  expected?: ((signal: AbortSignal) => Promise<void>) | undefined
}

/**
 * Gets blocks from the network and stores them, one want per block whatever the number of callers. @helia/bitswap sends a want once; here
 * it is renewed, and providers are looked for, as long as somebody waits.
 */
export class BlockFetcher {
  readonly #init: BlockFetcherInit
  readonly #deps: BlockFetcherDeps
  readonly #flights = new Map<string, RunningFlight>()
  readonly #forgetting = new Map<string, Promise<void>>()
  #storingBytes = 0
  /** When a block came last, whichever it was. */
  #landedAt = -Infinity
  readonly #fresh: Lanes = { wants: new Semaphore(freshWants), searches: new Semaphore(freshSearches) }
  readonly #patient: Lanes = { wants: new Semaphore(patientWants), searches: new Semaphore(patientSearches) }

  constructor (init: BlockFetcherInit, deps: BlockFetcherDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * The block, stored here once it resolves. Rejects with the signal's reason, STORAGE_FULL, DENIED, NO_PROVIDER or why the network isn't
   * up; without `untilNobody` it never gives up by itself.
   */
  async fetch (cid: CID, { signal, mayStayOut = false, first, untilNobody = false, expected }: FetchOptions): Promise<Uint8Array> {
    signal.throwIfAborted()
    this.#deps.refuse(cid)
    const key = hashKey(cid)
    // it may have landed since the caller looked
    const here = this.#flights.has(key) || !this.#deps.blockstore.has(cid) ? undefined : await this.#deps.blockstore.get(cid)
    if (here != null) return here
    const flight = this.#flights.get(key) ?? this.#begin(cid, first)
    flight.waiting++
    try {
      const { bytes, notStored } = await (untilNobody ? this.#orNobody(flight, { signal, expected }) : orAborted(flight.result, signal))
      if (notStored != null && !(mayStayOut && isClusterError(notStored, 'STORAGE_FULL'))) throw notStored
      return bytes
    } finally {
      flight.waiting--
      if (flight.waiting === 0) this.#leave(flight, key)
    }
  }

  /** Ends all flights: those who wait get this error. */
  stop (reason: Error): void {
    for (const flight of this.#flights.values()) flight.abort.abort(reason)
  }

  /** What is known of a block that somebody waits for. */
  flight (cid: CID): Flight | undefined {
    const flight = this.#flights.get(hashKey(cid))
    return flight == null
      ? undefined
      : { cid: flight.cid, since: flight.since, asked: flight.asked, nextTryAt: flight.nextTryAt, lack: this.#lackOf(flight) }
  }

  /** Nobody waits any more. What hasn't landed is given up. */
  #leave (flight: RunningFlight, key: string): void {
    flight.abort.abort(new Error('nobody waits for the block'))
    if (this.#flights.get(key) !== flight) return
    this.#flights.delete(key)
    const forgotten = this.#deps.clock.sleep(forgetMs).finally(() => {
      if (this.#forgetting.get(key) === forgotten) this.#forgetting.delete(key)
    })
    this.#forgetting.set(key, forgotten)
  }

  /** The flight's result, or NO_PROVIDER. */
  async #orNobody (flight: RunningFlight, { signal, expected }: Pick<FetchOptions, 'signal' | 'expected'>): Promise<Landed> {
    const { promise: nobody, reject } = Promise.withResolvers<never>()
    const over = new AbortController()
    let expectation: 'none' | 'to ask for' | 'running' = expected == null ? 'none' : 'to ask for'
    const expect = async (): Promise<void> => {
      expectation = 'running'
      await expected?.(over.signal).catch(
        err => this.#deps.log.debug('no peer is known that should have a block', { cid: flight.cid.toString(), err })
      )
      if (over.signal.aborted) return
      expectation = 'none'
      this.#askSilent(flight)
      check()
    }
    const check = (): void => {
      if (expectation === 'running' || !this.#isNobodyLeft(flight)) return
      if (expectation === 'to ask for') void expect()
      else reject(noProvider(flight.cid))
    }
    flight.onLack.add(check)
    check()
    try {
      return await orAborted(Promise.race([flight.result, nobody]), signal)
    } finally {
      over.abort(new Error('nobody waits any more'))
      flight.onLack.delete(check)
    }
  }

  /** A peer that says nothing of a block has one round of wants to send it. */
  #lackOf (flight: RunningFlight): Lack | null {
    if (!flight.wasSearchedInVain || flight.abort.signal.aborted) return null
    const askable = this.#deps.network.askable()
    if (askable.length === 0 && flight.asked.size === 0) return 'no_peers'
    const isSilenceOver = this.#deps.clock.elapsed() - Math.max(flight.since, this.#landedAt) >= this.#init.retryMs
    return isSilenceOver || askable.every(peer => flight.lacking.has(peer)) ? 'no_providers' : null
  }

  #isNobodyLeft (flight: RunningFlight): boolean { return flight.isSearchedInVain && this.#isLackedByAll(flight) }

  #isLackedByAll ({ lacking }: RunningFlight): boolean { return this.#deps.network.askable().every(peer => lacking.has(peer)) }

  #begin (cid: CID, first: readonly PeerId[] | undefined): RunningFlight {
    const key = hashKey(cid)
    const flight: RunningFlight = {
      cid,
      since: this.#deps.clock.elapsed(),
      asked: new Set(),
      lacking: new Set(),
      isSearchedInVain: false,
      wasSearchedInVain: false,
      first,
      nextTryAt: null,
      waiting: 0,
      onLack: new Set(),
      abort: new AbortController(),
      result: Promise.resolve({ bytes: new Uint8Array(0) })
    }
    flight.result = this.#fly(flight).finally(() => { if (this.#flights.get(key) === flight) this.#flights.delete(key) })
    // every waiter may have left
    flight.result.catch(() => {})
    this.#flights.set(key, flight)
    return flight
  }

  async #fly (flight: RunningFlight): Promise<Landed> {
    const { signal } = flight.abort
    await this.#deps.networkReady(signal)
    await this.#forgetting.get(hashKey(flight.cid))
    const bytes = await this.#wantUntilHere(flight)
    this.#landedAt = this.#deps.clock.elapsed()
    // the rule may have come meanwhile
    this.#deps.refuse(flight.cid)
    // blocks that are being stored don't count in the store's size yet
    this.#storingBytes += bytes.length
    try {
      await this.#deps.ensureRoom(this.#storingBytes)
      await this.#deps.blockstore.put([{ cid: flight.cid, bytes }])
    } catch (notStored) {
      return { bytes, notStored }
    } finally {
      this.#storingBytes -= bytes.length
    }
    this.#deps.network.announce([flight.cid])
    return { bytes }
  }

  async #wantUntilHere (flight: RunningFlight): Promise<Uint8Array> {
    for (let lanes = this.#fresh; ; lanes = this.#patient) {
      const bytes = await lanes.wants.run(async () => this.#wantForAWhile(flight, lanes), flight.abort.signal)
      if (bytes != null) return bytes
    }
  }

  /** Undefined when the want's turn is over: at the latest after `retryMs`, or when others wait for the slot. */
  async #wantForAWhile (flight: RunningFlight, { wants, searches }: Lanes): Promise<Uint8Array | undefined> {
    const { signal } = flight.abort
    const { clock } = this.#deps
    const attempt = new AbortController()
    const end = (): void => attempt.abort(new Error('the want is renewed'))
    const onAbort = (): void => attempt.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const endAttempt = clock.after(this.#init.retryMs, end)
    const beganAt = clock.elapsed()
    const look = (): void => {
      const isQuiet = clock.elapsed() - Math.max(beganAt, this.#landedAt) >= quietMs
      if (wants.waiting > 0 && (isQuiet || this.#isLackedByAll(flight))) end()
      else endTurn = clock.after(wantTurnMs, look)
    }
    let endTurn = clock.after(wantTurnMs, look)
    const noSearch = clock.after(this.#searchDelayMs(flight), () => { void this.#search(flight, searches, attempt.signal) })
    flight.nextTryAt = clock.now() + this.#init.retryMs
    try {
      return await this.#deps.network.want(flight.cid, {
        signal: attempt.signal,
        first: flight.first,
        onAsked: peer => flight.asked.add(peer),
        onLacking: peer => {
          flight.lacking.add(peer)
          for (const told of flight.onLack) told()
        }
      })
    } catch (err) {
      signal.throwIfAborted()
      if (!attempt.signal.aborted) throw err
      await clock.sleep(forgetMs, signal)
      return undefined
    } finally {
      endAttempt()
      endTurn()
      noSearch()
      signal.removeEventListener('abort', onAbort)
      attempt.abort(new Error('the block is here'))
    }
  }

  /** Nobody connected: nothing to wait for. */
  #searchDelayMs ({ first = [] }: RunningFlight): number {
    return first.length === 0 && this.#deps.network.peers().length === 0 ? 0 : this.#init.searchAfterMs
  }

  async #search (flight: RunningFlight, slots: Semaphore, signal: AbortSignal): Promise<void> {
    const { cid } = flight
    flight.isSearchedInVain = false
    let found = 0
    try {
      found = await slots.run(async () => this.#deps.network.connectToProviders(cid, { signal }), signal)
    } catch (err) {
      if (signal.aborted) return
      this.#deps.log.debug('no providers found', { cid: cid.toString(), err })
    }
    flight.isSearchedInVain = flight.wasSearchedInVain = found === 0
    if (flight.onLack.size === 0) return
    this.#askSilent(flight)
    for (const told of flight.onLack) told()
  }

  /** Who hasn't said anything may not have been asked to say so. */
  #askSilent ({ cid, lacking }: RunningFlight): void {
    const { network } = this.#deps
    network.askAgain(cid, network.askable().filter(peer => !lacking.has(peer)))
  }
}

function noProvider (cid: CID): ClusterError {
  return new ClusterError('NO_PROVIDER', { cid: cid.toString() }, { message: `no peer that has ${cid.toString()} could be found` })
}
