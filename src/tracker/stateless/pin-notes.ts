import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Datastore, Write } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import { parseCid } from '../../model/cid.ts'
import { cidOfKey, keyOf } from './operation-table.ts'

/**
 * Which pins were running when the process ended without a stop, so that none can end it again and again. Rows, the 1 is the format's version:
 * `pinning/1/<CID>` → JSON {deaths, running, retryAt}, for pins that run for a second or more, and those whose run was the last thing the process did;
 * `pinning-run/1` → there while the tracker runs: found at a start, the last run ended without a stop. Then, for ten minutes, pins are noted
 * before they begin. Not synced: a power cut isn't the fault of a pin.
 */
const prefix = 'pinning/1/'
const runKey = 'pinning-run/1'

/** Pins that take less aren't noted in quiet times: a write for each would cost more than many of them. */
const notedAfterMs = 1000
const carefulMs = 10 * 60_000
/** How long a pin waits after the process ended during it: 5 s, 1 min, 12 min, 2.4 h, then 6 h. */
const firstWaitMs = 5000
const longestWaitMs = 6 * 3_600_000
/** One that was there twice is tried apart from others of its kind: for so long, or until it ends. One that nobody sends must not hold healthy ones up. */
const aloneMs = 60_000
/** After this long a pin is beyond suspicion: a peer may be killed every day for reasons of its own. */
const harmlessAfterMs = 10 * 60_000

/** `retryAt`: of a pin that waits. It counts on while the peer is restarted. */
interface Row { deaths: number, running: boolean, retryAt?: number }
interface Suspect { deaths: number, retryAt: number }
interface Run { since: number, isNoted: boolean }

export interface PinNotesDeps {
  datastore: Datastore
  clock: Clock
  log: Logger
  /** Whether the pinset still wants the pin of this peer. */
  isWanted: (key: string) => boolean
  /** Called when a pin that had to wait may be tried again. */
  due: () => void
}

export class PinNotes {
  readonly #deps: PinNotesDeps
  readonly #suspects = new Map<string, Suspect>()
  readonly #running = new Map<string, Run>()
  readonly #cancels = new Set<() => void>()
  #dirty = new Map<string, Write>()
  #writing: Promise<void> | undefined
  /** The suspect whose turn it is. */
  #alone: string | undefined
  #cancelLook: (() => void) | undefined
  #isCareful = false
  #isOpen = false

  constructor (deps: PinNotesDeps) { this.#deps = deps }

  /** Pins that the process died of, as far as is known. */
  get suspects (): number { return this.#suspects.size }

  /** Reads what the last run left. */
  async load (signal: AbortSignal): Promise<void> {
    const { datastore, clock } = this.#deps
    for await (const rows of datastore.entries(withPrefix(prefix), { signal })) {
      for (const [name, value] of rows) this.#restore(name, value)
    }
    this.#isCareful = datastore.get(runKey) != null
    if (this.#isCareful) this.#later(carefulMs, () => { this.#isCareful = false })
    this.#isOpen = true
    this.#dirty.set(runKey, { key: runKey, value: Buffer.from(JSON.stringify({ since: clock.now() })) })
    await this.#write()
  }

  /**
   * False while the pin has to wait: the process ended during it. Once is mostly chance, and all that ran may be tried again together; those that ran when it ended
   * again begin one after another, so that the next end tells which one it was.
   */
  mayBegin (key: string): boolean {
    const suspect = this.#suspects.get(key)
    if (suspect == null) return true
    return this.#deps.clock.now() >= suspect.retryAt && (this.#alone == null || suspect.deaths === 1)
  }

  /** Why a pin waits; '' when it doesn't have to. */
  reason (key: string): string {
    const suspect = this.#suspects.get(key)
    if (suspect == null) return ''
    const { deaths, retryAt } = suspect
    const [times, how] = deaths === 1 ? ['once', ''] : [`${deaths} times`, ', and then apart from others of its kind']
    return `the peer ended ${times} while it pinned this; not tried again before ${new Date(retryAt).toISOString()}${how}`
  }

  /** The pin begins. Resolves when it may: at once unless it has to be noted before. */
  begin (key: string): Promise<void> | undefined {
    const suspect = this.#suspects.get(key)
    const run: Run = { since: this.#deps.clock.now(), isNoted: false }
    this.#running.set(key, run)
    if (suspect != null) this.#watch(key, run, suspect)
    if (this.#isOpen && (this.#isCareful || suspect != null)) {
      this.#note(key)
      return this.#write()
    }
    this.#cancelLook ??= this.#deps.clock.after(notedAfterMs, () => this.#look())
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
    this.#cancelLook?.()
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
      const row = JSON.parse(Buffer.from(value).toString()) as Row
      const deaths = Number(row.deaths) + (row.running ? 1 : 0)
      const fullMs = Math.min(longestWaitMs, firstWaitMs * 12 ** (deaths - 1))
      const waitMs = row.running || row.retryAt == null ? fullMs : Math.min(fullMs, Math.max(0, row.retryAt - clock.now()))
      const retryAt = clock.now() + waitMs
      this.#suspects.set(key, { deaths, retryAt })
      this.#dirty.set(key, { key: name, value: rowOf({ deaths, running: false, retryAt }) })
      this.#later(waitMs, this.#deps.due)
      log.warn('the peer ended while this was being pinned: it waits before it is tried again', { cid: name.slice(prefix.length), deaths, waitMs })
    } catch (err) {
      log.warn('a row of the table of running pins is damaged and left alone', { row: name.slice(0, 200), err })
    }
  }

  /** How long a suspect keeps others waiting, and how long it stays one. */
  #watch (key: string, run: Run, { deaths }: Suspect): void {
    if (deaths > 1) {
      this.#alone = key
      this.#later(aloneMs, () => {
        if (this.#alone !== key || this.#running.get(key) !== run) return
        this.#alone = undefined
        this.#deps.due()
      })
    }
    this.#later(harmlessAfterMs, () => {
      if (this.#running.get(key) !== run) return
      this.#suspects.delete(key)
      this.#note(key)
      void this.#write()
    })
  }

  #look (): void {
    const before = this.#deps.clock.now() - notedAfterMs
    let left = 0
    for (const [key, { since, isNoted }] of this.#running) {
      if (isNoted) continue
      if (since <= before) this.#note(key)
      else left++
    }
    this.#cancelLook = left === 0 ? undefined : this.#deps.clock.after(notedAfterMs, () => this.#look())
    void this.#write()
  }

  #note (key: string): void {
    const running = this.#running.get(key)
    if (running != null) running.isNoted = true
    this.#dirty.set(key, { key: rowKey(key), value: rowOf({ deaths: this.#suspects.get(key)?.deaths ?? 0, running: true }) })
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
      this.#deps.log.warn('running pins could not be noted', { count: batch.length, err: messageOf(err) })
    }
  }
}

const rowKey = (key: string): string => `${prefix}${cidOfKey(key)}`
const rowOf = (row: Row): Uint8Array => Buffer.from(JSON.stringify(row))
