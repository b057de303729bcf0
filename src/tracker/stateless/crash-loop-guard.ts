import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import { parseCid } from '../../model/cid.ts'
import { cidOfKey, keyOf } from './operation-table.ts'

/**
 * Which pins were running when the process ended without a stop, so that none can end it again and again. Rows, the 1 is the format's
 * version:
 * `pinning/1/<CID>` → JSON {deaths, running, ranMs, retryAt}, for pins that run for a second or more, and those whose run was the last
 * thing the process did;
 * `pinning-run/1` → there while the tracker runs: found at a start, the last run ended without a stop. Then, for ten minutes, pins are
 * noted before they begin. Not synced: a power cut isn't the fault of a pin.
 *
 * A pin may need hours to end the process, and a process may be ended every day for reasons of its own while pins run that nobody can
 * finish. So what a pin ran counts towards its wait: the ends that it can be blamed for come at least as far apart as the waits are long.
 * One that ran for the longest wait doesn't wait at all.
 * Of those that ran for ten minutes, who waits while the process ends once more is less likely the reason.
 */
const prefix = 'pinning/1/'
const runKey = 'pinning-run/1'

/** Pins that take less aren't noted in quiet times: a write for each would cost more than many of them. */
const notedAfterMs = 1000
const carefulMs = 10 * 60_000
/** How long a pin waits after the process ended during it: 5 s, 1 min, 12 min, 2.4 h, then 6 h. */
const firstWaitMs = 5000
const longestWaitMs = 6 * 3_600_000
/**
 * One that was there twice is tried apart from others of its kind: for so long, or until it ends. One that nobody sends must not hold
 * healthy ones up.
 */
const aloneMs = 60_000
/**
 * One that had run this long is tried together with others at first: a minute apart would tell nothing of it. After so many ends, it has
 * twice the time that it had.
 */
const slowMs = 10 * 60_000
const slowDeaths = 5
/** How long a pin has run is noted then, and whenever that has doubled: at `slowMs`, too. */
const firstRanMs = slowMs / 8

/**
 * `ranMs`: how long it had run at least, when that was noted last. `retryAt`: of a pin that waits; it counts on while the peer is
 * restarted.
 */
interface Row { deaths: number, running: boolean, ranMs?: number, retryAt?: number }
/** `dueAt`: the same moment in the time of the process. */
interface Suspect { deaths: number, ranMs: number, retryAt: number, dueAt: number }
interface Run { since: number, isNoted: boolean, ranMs: number }

const isApart = ({ deaths, ranMs }: Suspect): boolean => deaths > 1 && (ranMs < slowMs || deaths >= slowDeaths)
/** How long it keeps others of its kind waiting. */
const apartMs = ({ ranMs }: Suspect): number => ranMs < slowMs ? aloneMs : Math.min(longestWaitMs, 2 * ranMs)

export interface CrashLoopGuardDeps {
  datastore: Datastore
  clock: Clock
  log: Logger
  /** Whether the pinset still wants the pin of this peer. */
  isWanted: (key: string) => boolean
  /** Called when a pin that had to wait may be tried again. */
  due: () => void
}

/** Keeps a pin from ending the process again and again: which pins ran when it died, kept on the disk, and how long each has to wait. */
export class CrashLoopGuard {
  readonly #deps: CrashLoopGuardDeps
  readonly #suspects = new Map<string, Suspect>()
  readonly #running = new Map<string, Run>()
  readonly #cancels = new Set<() => void>()
  #dirty = new Map<string, Write>()
  #writing: Promise<void> | undefined
  /** The suspect whose turn it is. */
  #alone: string | undefined
  #nextLook: { at: number, cancel: () => void } | undefined
  #isCareful = false
  #isOpen = false

  constructor (deps: CrashLoopGuardDeps) { this.#deps = deps }

  /** Pins that the process died of, as far as is known. */
  get suspects (): number { return this.#suspects.size }

  /** Reads what the last run left. */
  async load (signal: AbortSignal): Promise<void> {
    const { datastore, clock } = this.#deps
    this.#isCareful = datastore.get(runKey) != null
    for await (const rows of datastore.entries(withPrefix(prefix), { signal })) {
      for (const [name, value] of rows) this.#restore(name, value)
    }
    if (this.#isCareful) this.#later(carefulMs, () => { this.#isCareful = false })
    this.#isOpen = true
    this.#dirty.set(runKey, { key: runKey, value: Buffer.from(JSON.stringify({ since: clock.now() })) })
    await this.#write()
  }

  /**
   * False while the pin has to wait: the process ended during it. Once is mostly chance, and all that ran may be tried again together;
   * those that ran when it ended again begin one after another, so that the next end tells which one it was.
   */
  mayBegin (key: string): boolean {
    const suspect = this.#suspects.get(key)
    if (suspect == null) return true
    return this.#deps.clock.elapsed() >= suspect.dueAt && (this.#alone == null || !isApart(suspect))
  }

  /** Why a pin waits; '' when it doesn't have to. */
  reason (key: string): string {
    const suspect = this.#suspects.get(key)
    if (suspect == null) return ''
    const { deaths, retryAt } = suspect
    const times = deaths === 1 ? 'once' : `${deaths} times`
    const how = isApart(suspect) ? ', and then apart from others of its kind' : ''
    return `the peer ended ${times} while it pinned this; not tried again before ${new Date(retryAt).toISOString()}${how}`
  }

  /** Whether `begin` would have to write. */
  isToBeNoted (key: string): boolean { return this.#isCareful || this.#suspects.has(key) }

  /** The pin begins. Resolves when it may: at once unless it has to be noted before. */
  begin (key: string): Promise<void> | undefined {
    const suspect = this.#suspects.get(key)
    const run: Run = { since: this.#deps.clock.elapsed(), isNoted: false, ranMs: 0 }
    this.#running.set(key, run)
    if (suspect != null) this.#watch(key, run, suspect)
    if (this.#isOpen && (this.#isCareful || suspect != null)) {
      this.#note(key)
      this.#lookIn(firstRanMs)
      return this.#write()
    }
    this.#lookIn(notedAfterMs)
    return undefined
  }

  /** The pin ended, well or not, and the process lives. */
  end (key: string): void {
    const running = this.#running.get(key)
    this.#running.delete(key)
    this.#suspects.delete(key)
    if (this.#alone === key) this.#alone = undefined
    if (running?.isNoted !== true) return
    this.#dirty.set(key, { key: rowKey(key), value: undefined })
    void this.#write()
  }

  /** The pin isn't wanted any more. */
  forget (key: string): void {
    if (!this.#suspects.delete(key)) return
    this.#dirty.set(key, { key: rowKey(key), value: undefined })
    void this.#write()
  }

  /** The tracker has stopped as it should. */
  async close (): Promise<void> {
    this.#nextLook?.cancel()
    for (const cancel of this.#cancels) cancel()
    if (!this.#isOpen) return
    this.#dirty.set(runKey, { key: runKey, value: undefined })
    await this.#write()
    this.#isOpen = false
  }

  #restore (name: string, value: Uint8Array): void {
    const { clock, log } = this.#deps
    try {
      const key = keyOf(parseCid(name.slice(prefix.length)))
      if (!this.#deps.isWanted(key)) return void this.#dirty.set(key, { key: name, value: undefined })
      const { deaths, ranMs, waitMs } = this.#suspicion(JSON.parse(Buffer.from(value).toString()) as Row)
      if (deaths === 0) return void this.#dirty.set(key, { key: name, value: undefined })
      const retryAt = clock.now() + waitMs
      this.#suspects.set(key, { deaths, ranMs, retryAt, dueAt: clock.elapsed() + waitMs })
      this.#dirty.set(key, { key: name, value: rowOf({ deaths, running: false, ranMs, retryAt }) })
      this.#later(waitMs, this.#deps.due)
      log.warn(
        'the peer ended while this was being pinned: it waits before it is tried again', { cid: name.slice(prefix.length), deaths, waitMs }
      )
    } catch (err) {
      log.warn('a row of the table of running pins is damaged and left alone', { row: name.slice(0, 200), err })
    }
  }

  /** What a row of the last run says, and how long the pin has to wait. No deaths: it may go. */
  #suspicion ({ deaths: before, running, ranMs = 0, retryAt }: Row): { deaths: number, ranMs: number, waitMs: number } {
    const wasBeside = !running && this.#isCareful && ranMs >= slowMs
    const deaths = running ? Number(before) + 1 : wasBeside ? Math.floor(Number(before) / 2) : Number(before)
    const fullMs = Math.max(firstWaitMs, Math.min(longestWaitMs, firstWaitMs * 12 ** (deaths - 1)) - ranMs)
    const leftMs = running || retryAt == null ? fullMs : Math.max(0, retryAt - this.#deps.clock.now())
    return { deaths, ranMs, waitMs: Math.min(fullMs, leftMs) }
  }

  /** How long a suspect keeps others waiting, and how long it stays one. */
  #watch (key: string, run: Run, suspect: Suspect): void {
    if (isApart(suspect)) {
      this.#alone = key
      this.#later(apartMs(suspect), () => {
        if (this.#alone !== key || this.#running.get(key) !== run) return
        this.#alone = undefined
        this.#deps.due()
      })
    }
    this.#later(longestWaitMs, () => {
      if (this.#running.get(key) !== run) return
      this.#suspects.delete(key)
      this.#note(key)
      void this.#write()
    })
  }

  /** Notes what runs, and how long it has. */
  #look (): void {
    this.#nextLook = undefined
    const now = this.#deps.clock.elapsed()
    let next = Infinity
    for (const [key, run] of this.#running) {
      const ranMs = now - run.since
      if (run.isNoted ? ranMs >= nextRanMs(run) : ranMs >= notedAfterMs) {
        run.ranMs = ranMs >= firstRanMs ? ranMs : 0
        this.#note(key)
      }
      next = Math.min(next, run.since + (run.isNoted ? nextRanMs(run) : notedAfterMs))
    }
    if (next !== Infinity) this.#lookIn(Math.max(notedAfterMs, next - now))
    void this.#write()
  }

  #lookIn (ms: number): void {
    const at = this.#deps.clock.elapsed() + ms
    if (this.#nextLook != null && this.#nextLook.at <= at) return
    this.#nextLook?.cancel()
    this.#nextLook = { at, cancel: this.#deps.clock.after(ms, () => this.#look()) }
  }

  #note (key: string): void {
    const run = this.#running.get(key)
    if (run != null) run.isNoted = true
    this.#dirty.set(key, {
      key: rowKey(key), value: rowOf({ deaths: this.#suspects.get(key)?.deaths ?? 0, running: true, ranMs: run?.ranMs ?? 0 })
    })
  }

  #later (ms: number, work: () => void): void {
    const cancel = this.#deps.clock.after(ms, () => {
      this.#cancels.delete(cancel)
      work()
    })
    this.#cancels.add(cancel)
  }

  /** Resolves when all that changed until now is written, or could not be. */
  async #write (): Promise<void> {
    if (!this.#isOpen) return
    while (this.#dirty.size > 0) {
      this.#writing ??= this.#writeOnce().finally(() => { this.#writing = undefined })
      await this.#writing
    }
    await this.#writing
  }

  /** What can't be noted must not keep a pin from running: a disk without room is no reason to pin nothing. */
  async #writeOnce (): Promise<void> {
    const batch = [...this.#dirty.values()]
    this.#dirty = new Map()
    try {
      await this.#deps.datastore.write(batch, { frees: true })
    } catch (err) {
      this.#deps.log.warn('running pins could not be stored', { count: batch.length, err: messageOf(err) })
    }
  }
}

/** When the time that a pin has run is noted next; never after the longest wait. */
const nextRanMs = ({ ranMs }: Run): number => ranMs >= longestWaitMs ? Infinity : Math.min(longestWaitMs, Math.max(firstRanMs, 2 * ranMs))

const rowKey = (key: string): string => `${prefix}${cidOfKey(key)}`
const rowOf = (row: Row): Uint8Array => Buffer.from(JSON.stringify(row))
