import { orAborted } from '../../base/clock.ts'
import { batchesOf } from '../../base/batches.ts'
import { inNextTick, yieldToEventLoop } from '../../base/event-loop.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { Consensus, PinsetChange } from '../../consensus/consensus.ts'
import { parseCid } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { wholeSeconds } from '../../model/time.ts'
import type { IndexEntry, PinIndex } from '../../pinindex/pinindex.ts'

export interface IndexFollowerDeps {
  consensus: Pick<Consensus, 'state' | 'onChange'>
  index: PinIndex
  workers: Workers
  log: Logger
  /** Hears of pins that are new here or have changed. */
  changed: (cids: readonly string[]) => void
}

/**
 * Changes wait until this tick of the event loop ends, or until there are so many: a write of these keeps others waiting for some
 * milliseconds.
 */
const batchSize = 250
const walkSize = 1000
const dayMs = 86_400_000

/**
 * Keeps the index equal to the pinset: follows its changes, and compares the two at the start and whenever a write to the index has failed.
 * Subscribes when it is made, so that no change is missed; what comes before `start` is found by the comparison.
 */
export class IndexFollower implements Startable {
  readonly name = 'pinindex follower'
  readonly #deps: IndexFollowerDeps
  readonly #unsubscribe: () => void
  readonly #equal = Promise.withResolvers<void>()
  #pending = new Map<string, Pin | undefined>()
  #scheduled: (() => void) | undefined
  #running = false
  #worker: WorkerHandle | undefined

  constructor (deps: IndexFollowerDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.consensus.onChange(changes => this.#note(changes))
  }

  async start (): Promise<void> {
    this.#running = true
    this.#worker = this.#deps.workers.add({
      name: 'pinning index',
      intervalMs: () => dayMs,
      work: async signal => {
        await this.#compare(signal)
        this.#equal.resolve()
        return 'idle'
      }
    })
  }

  async stop (): Promise<void> {
    this.#unsubscribe()
    await this.#worker?.stop()
    if (this.#running) this.flush()
    this.#running = false
    this.#scheduled?.()
  }

  /** Resolves when the index has been compared with the pinset; at once when both have as many pins, as after any orderly stop. */
  async equal (signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.flush()
    if (this.#deps.index.size() === this.#deps.consensus.state.size()) return
    await orAborted(this.#equal.promise, signal)
    this.flush()
  }

  /** Writes what has been heard; afterwards the index shows it. Throws what the index throws, and then the comparison will correct it. */
  flush (): void {
    if (this.#pending.size === 0) return
    const changes = this.#pending
    this.#pending = new Map()
    try {
      const gone: string[] = []
      const there: IndexEntry[] = []
      for (const [cid, pin] of changes) {
        if (pin == null) gone.push(cid)
        else there.push(entryOf(cid, pin))
      }
      if (gone.length > 0) this.#deps.index.remove(gone)
      if (there.length > 0) this.#put(there)
    } catch (err) {
      this.#worker?.wake()
      throw err
    }
  }

  #put (entries: readonly IndexEntry[]): void {
    const changed = this.#deps.index.put(entries, 'queued')
    if (changed.length > 0) this.#deps.changed(changed)
  }

  #note (changes: readonly PinsetChange[]): void {
    if (!this.#running) return
    for (const { cid, pin } of changes) {
      const text = cid.toString()
      // the order of arrival is the order of creation
      this.#pending.delete(text)
      this.#pending.set(text, pin)
    }
    if (this.#pending.size >= batchSize) this.#flushQuietly()
    else this.#scheduled ??= inNextTick(() => this.#flushQuietly())
  }

  #flushQuietly (): void {
    this.#scheduled?.()
    this.#scheduled = undefined
    try {
      this.flush()
    } catch (err) {
      this.#deps.log.error('the index of pins could not be written', { err })
    }
  }

  async #compare (signal: AbortSignal): Promise<void> {
    const { consensus: { state }, index, log } = this.#deps
    let changed = 0
    for await (const pins of state.pins({ signal })) {
      for (const batch of batchesOf(pins, batchSize)) {
        changed += this.#compareBatch(batch)
        await yieldToEventLoop()
      }
    }
    this.flush()
    // every pin is in the index now: more than those are there only when some are gone from the pinset
    if (index.size() !== state.size()) changed += await this.#removeSurplus(signal)
    if (changed > 0) log.info('the index of pins has been brought up to date', { changed, pins: index.size() })
  }

  /** The list may be older than the last changes, so what differs is looked up again. */
  #compareBatch (pins: readonly Pin[]): number {
    const { consensus: { state }, index } = this.#deps
    this.flush()
    const fresh: IndexEntry[] = []
    for (const pin of pins) {
      const cid = pin.cid.toString()
      if (index.isSame(entryOf(cid, pin))) continue
      const now = state.get(pin.cid)
      if (now != null) fresh.push(entryOf(cid, now))
    }
    return fresh.length === 0 ? 0 : index.put(fresh, 'unknown').length
  }

  async #removeSurplus (signal: AbortSignal): Promise<number> {
    const { consensus: { state }, index } = this.#deps
    let removed = 0
    for (let rows = index.following(undefined, walkSize); rows.length > 0; rows = index.following(rows.at(-1)?.created, walkSize)) {
      signal.throwIfAborted()
      const gone = rows.map(({ cid }) => cid).filter(cid => !state.has(parseCid(cid)))
      if (gone.length > 0) index.remove(gone)
      removed += gone.length
      await yieldToEventLoop()
    }
    return removed
  }
}

const entryOf = (cid: string, { name, metadata, timestamp }: Pin): IndexEntry => ({
  cid, name, metadata, timestamp: wholeSeconds(timestamp)
})
