import type { Clock, Random } from '../../../src/base/clock.ts'
import { deadline } from '../../../src/base/clock.ts'
import { messageOf } from '../../../src/base/errors.ts'
import { Latencies } from './latencies.ts'
import { operationAt, operations } from './mix.ts'
import type { Mix, Operation } from './mix.ts'
import type { Requests } from './requests.ts'

export interface LoadInit {
  seconds: number
  /** Requests under way at any moment. */
  parallel: number
  mix: Mix
}

export interface LoadDeps {
  requests: Pick<Requests, 'prepare'>
  clock: Clock
  random: Pick<Random, 'float'>
  /** Milliseconds from any beginning, with fractions. */
  now (): number
  /** Aborted when the user has had enough. */
  signal: AbortSignal
}

/** What was measured of one operation. */
export interface Figures { latencies: Latencies, errors: number }

/** How long requests under way may take when no more are begun. */
const lingerMs = 30_000
/** After an error: a peer that refuses everything isn't asked as fast as the machine can. */
const pauseMs = 100
/** Steps of the golden section spread evenly over 0 to 1 however many there are, so that a short load has the mix, too. */
const step = (Math.sqrt(5) - 1) / 2
/** Different messages that are kept. */
const keptMessages = 20

/** A load on a cluster: always as many requests under way as was said, the next one when the last one is answered. */
export class Load {
  readonly figures: Readonly<Record<Operation, Figures>> = {
    add: noFigures(), pin: noFigures(), status: noFigures(), list: noFigures(), unpin: noFigures()
  }

  /** How often each message came. */
  readonly messages = new Map<string, number>()
  readonly #init: LoadInit
  readonly #deps: LoadDeps
  #position: number

  constructor (init: LoadInit, deps: LoadDeps) {
    this.#init = init
    this.#deps = deps
    this.#position = deps.random.float()
  }

  get count (): number { return operations.reduce((sum, one) => sum + this.figures[one].latencies.count, 0) }
  get errors (): number { return operations.reduce((sum, one) => sum + this.figures[one].errors, 0) }

  /** Runs until the time is over or the signal aborts, then waits for the answers. Gives the time that all took, in milliseconds. */
  async run (): Promise<number> {
    const { clock, signal, now } = this.#deps
    const begin = now()
    const time = deadline(clock, this.#init.seconds * 1000, () => new Error('the time is over'), signal)
    const late = new AbortController()
    let forget = (): void => {}
    time.signal.addEventListener('abort', () => {
      forget = clock.after(lingerMs, () => late.abort(new Error(`no answer within ${lingerMs / 1000} s after the end`)))
    }, { once: true })
    await Promise.all(Array.from({ length: this.#init.parallel }, async () => {
      while (!time.signal.aborted) await this.#one(late.signal, time.signal)
    }))
    time.clear()
    forget()
    return now() - begin
  }

  async #one (signal: AbortSignal, over: AbortSignal): Promise<void> {
    const { requests, now, clock } = this.#deps
    this.#position = (this.#position + step) % 1
    const operation = operationAt(this.#init.mix, this.#position)
    try {
      const request = await requests.prepare(operation, signal)
      const begin = now()
      await request(signal)
      this.figures[operation].latencies.record(now() - begin)
    } catch (err) {
      this.figures[operation].errors++
      this.#note(`${operation}: ${messageOf(err)}`)
      await clock.sleep(pauseMs, over).catch(() => {})
    }
  }

  /** Messages name CIDs: each would be another one. */
  #note (message: string): void {
    const known = message.replaceAll(/\b(Qm[1-9A-Za-z]{44}|b[a-z2-7]{30,})/g, 'CID')
    if (this.messages.has(known) || this.messages.size < keptMessages) this.messages.set(known, (this.messages.get(known) ?? 0) + 1)
  }
}

const noFigures = (): Figures => ({ latencies: new Latencies(), errors: 0 })
