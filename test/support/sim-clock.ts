import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Random } from '../../src/base/clock.ts'

interface Timer { at: number, order: number, fire: () => void }

/** Adding less to a time of today changes nothing: who waits for less would wait for ever. Milliseconds. */
const leastMs = 0.001

/** Time that passes only when a test says so. Between two timers every promise chain that can go on does so. */
export class SimClock implements Clock {
  /** As that of a process that has just begun: who takes one time for the other is told apart. */
  readonly #from: number
  #now: number
  #order = 0
  /** How far the clock is set wrong; time passes all the same. */
  wrongMs = 0
  readonly #timers: Timer[] = []

  constructor (now = Date.UTC(2030, 0, 1)) { this.#from = this.#now = now }

  now (): number { return this.#now + this.wrongMs }
  elapsed (): number { return this.#now - this.#from }

  after (ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + (ms > 0 ? Math.max(leastMs, ms) : 0), order: this.#order++, fire: callback }
    const later = this.#timers.findIndex(other => other.at > timer.at)
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer)
    return () => {
      const index = this.#timers.indexOf(timer)
      if (index !== -1) this.#timers.splice(index, 1)
    }
  }

  sleep (ms: number, signal?: AbortSignal): Promise<void> { return sleepBy(this, ms, signal) }

  /** Timers that wait. */
  get pending (): number { return this.#timers.length }

  /** Lets everything run that needs no time. */
  async settle (): Promise<void> {
    await nextTurn()
    await nextTurn()
  }

  /** Passes `ms` milliseconds, firing what falls due in order. */
  async advance (ms: number): Promise<void> {
    const end = this.#now + ms
    await this.settle()
    for (let timer = this.#timers[0]; timer != null && timer.at <= end; timer = this.#timers[0]) {
      this.#timers.shift()
      this.#now = Math.max(this.#now, timer.at)
      timer.fire()
      await this.settle()
    }
    this.#now = end
  }

  /** Passes time in which nothing runs, as in a process that is stopped: what fell due meanwhile fires with the next `advance`. */
  standStill (ms: number): void { this.#now += ms }

  /** Passes time from timer to timer until the condition holds; fails after `limitMs` of simulated time. */
  async until (condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const end = this.#now + limitMs
    await this.settle()
    while (!condition()) {
      const next = this.#timers[0]
      if (next == null || next.at > end) throw new Error(`the condition doesn't hold after ${this.#now - end + limitMs} simulated ms`)
      await this.advance(next.at - this.#now)
    }
  }
}

/** Whether a process gets to run. */
export interface Gate {
  readonly isHeld: boolean
  /** How long it has stood still; 0: it runs. Milliseconds. */
  heldForMs (): number
  /** Calls back when the process runs: at once, later when it starves, after a standstill, never when it has ended. */
  whenRunning (callback: () => void): void
}

/** A clock whose callbacks come only while a process runs. */
export function gatedClock (base: Clock, gate: Gate): Clock {
  const after: Clock['after'] = (ms, callback) => {
    let isCancelled = false
    const cancel = base.after(ms, () => gate.whenRunning(() => { if (!isCancelled) callback() }))
    return () => {
      isCancelled = true
      cancel()
    }
  }
  return { now: () => base.now(), elapsed: () => base.elapsed(), after, sleep: (ms, signal) => sleepBy({ after }, ms, signal) }
}

/**
 * The time as one run of one peer has it: its clock may be wrong, it may stand still or starve, and when the power goes nothing that it
 * waits for ever comes.
 */
export class PeerClock implements Clock, Gate {
  /** How far this peer's clock is ahead. May change while it runs: the clock is set. Milliseconds. */
  skewMs: number
  readonly #base: Clock
  readonly #from: number
  readonly #cancels = new Set<() => void>()
  #isStopped = false
  #heldSince: number | undefined
  #held: Array<() => void> = []
  #lateness: (() => number) | undefined

  constructor (base: Clock, skewMs = 0) {
    this.#base = base
    this.skewMs = skewMs
    this.#from = base.elapsed()
  }

  now (): number { return this.#base.now() + this.skewMs }
  elapsed (): number { return this.#base.elapsed() - this.#from }

  after (ms: number, callback: () => void): () => void {
    if (this.#isStopped) return () => {}
    let isCancelled = false
    const cancelTimer = this.#base.after(ms, () => this.whenRunning(() => {
      if (isCancelled) return
      this.#cancels.delete(cancel)
      callback()
    }))
    const cancel = (): void => {
      isCancelled = true
      this.#cancels.delete(cancel)
      cancelTimer()
    }
    this.#cancels.add(cancel)
    return cancel
  }

  get isHeld (): boolean { return this.#heldSince != null }
  /** Stands still, or everything comes late. */
  get isHindered (): boolean { return this.isHeld || this.#lateness != null }
  heldForMs (): number { return this.#heldSince == null ? 0 : this.#base.now() - this.#heldSince }

  /** Nothing runs until `goOn`; the time goes on. */
  standStill (): void { this.#heldSince ??= this.#base.now() }

  /** What fell due meanwhile comes now, in order. */
  goOn (): void {
    this.#heldSince = undefined
    for (const callback of this.#held.splice(0)) this.#base.after(0, () => this.whenRunning(callback))
  }

  /** From now on everything comes up to `latenessMs` late; 0: in time. */
  starve (latenessMs: number, random?: Random): void {
    this.#lateness = latenessMs === 0 || random == null ? undefined : () => random.float() * latenessMs
  }

  whenRunning (callback: () => void): void {
    if (this.#isStopped) return
    if (this.isHeld) this.#held.push(callback)
    else if (this.#lateness == null) callback()
    else this.#base.after(this.#lateness(), () => this.#whenNotHeld(callback))
  }

  #whenNotHeld (callback: () => void): void {
    if (this.#isStopped) return
    if (this.isHeld) this.#held.push(callback)
    else callback()
  }

  sleep (ms: number, signal?: AbortSignal): Promise<void> { return sleepBy(this, ms, signal) }

  /** Timers of this clock that wait. */
  get pending (): number { return this.#cancels.size }

  /** No timer of this clock ever fires again. */
  stop (): void {
    this.#isStopped = true
    this.#held = []
    for (const cancel of this.#cancels) cancel()
  }
}

/** Resolves when the clock has called back; rejects with the signal's reason when that aborts first. */
export function sleepBy (clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Numbers that depend only on the seed (mulberry32). */
export class SeededRandom implements Random {
  #state: number

  constructor (seed: number) { this.#state = seed >>> 0 }

  float (): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  bytes (length: number): Uint8Array { return Uint8Array.from({ length }, () => Math.floor(this.float() * 256)) }
}
