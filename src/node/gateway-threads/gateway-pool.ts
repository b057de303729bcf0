import type { Clock } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { PortCalls } from '../../base/port-calls.ts'
import type { Answerer } from '../../base/port-calls.ts'
import type { Blockstore } from '../../blockstore/blockstore.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import type { SpawnedThread } from '../spawn-thread.ts'
import { clearShares } from './thread-init.ts'
import type { LogNote, Measure, ThreadInit } from './thread-init.ts'

export interface GatewayPoolInit extends Omit<ThreadInit, 'thread'> {
  threads: number
}

export interface GatewayPoolDeps {
  spawn: (init: ThreadInit) => SpawnedThread
  /** What threads ask for. */
  handlers: Readonly<Record<string, Answerer>>
  blocks: Pick<Blockstore, 'onChange'>
  denylist: Pick<Denylist, 'count' | 'onChange'> | undefined
  /** Where lines of the access log and measures of requests go. */
  logLine: ((line: string) => void) | null
  measured: ((measure: Measure) => void) | undefined
  clock: Clock
  log: Logger
}

interface Running { calls: PortCalls, spawned: SpawnedThread }

/** A thread that ended by itself is begun again so long after; twice as long each time that it doesn't last. Milliseconds. */
const restart = { firstMs: 1000, longestMs: 60_000 }
/** A drain is over then, and a thread that doesn't stop by itself is ended. Milliseconds. */
const patienceMs = 2000

/** The threads of a gateway: begun together, begun again when one ends, stopped together. */
export class GatewayPool implements Startable {
  readonly name = 'gateway threads'
  readonly #init: GatewayPoolInit
  readonly #deps: GatewayPoolDeps
  readonly #running = new Map<number, Running>()
  readonly #cleanups: Array<() => void> = []
  #listen: readonly string[] = []
  #isStopped = false

  constructor (init: GatewayPoolInit, deps: GatewayPoolDeps) {
    this.#init = init
    this.#deps = deps
  }

  get size (): number { return this.#running.size }

  /** All threads listen at these addresses, or none. */
  async serve (listen: readonly string[]): Promise<void> {
    const { blocks, denylist } = this.#deps
    this.#listen = listen
    const unwatch = blocks.onChange?.(gone => this.#tellAll('changed', gone))
    if (unwatch != null) this.#cleanups.push(unwatch)
    denylist?.onChange?.(() => this.#tellAll('rules', denylist.count() > 0))
    try {
      await Promise.all(Array.from({ length: this.#init.threads }, async (_, at) => this.#begin(at + 1)))
    } catch (err) {
      await this.stop()
      throw err
    }
  }

  async start (): Promise<void> {}

  async drain (): Promise<void> { await this.#all(async ({ calls }) => calls.call('drain', undefined)) }

  async stop (): Promise<void> {
    this.#isStopped = true
    for (const cleanup of this.#cleanups.splice(0)) cleanup()
    await this.#all(async ({ calls }) => calls.call('stop', undefined))
    await Promise.all([...this.#running.values()].map(async ({ spawned }) => spawned.terminate()))
    this.#running.clear()
  }

  /** Resolves when it listens. */
  async #begin (thread: number, tries = 0): Promise<void> {
    const { spawn, handlers, denylist, clock, log } = this.#deps
    const { threads: _, ...common } = this.#init
    const spawned = spawn({ ...common, gateway: { ...common.gateway, listen: this.#listen }, thread })
    const calls = new PortCalls(spawned.port, { calls: handlers, notes: this.#notes() })
    this.#running.set(thread, { calls, spawned })
    const begunAt = clock.elapsed()
    spawned.onEnd(reason => {
      calls.end(reason)
      this.#running.delete(thread)
      clearShares(this.#init.shares, thread)
      if (this.#isStopped) return
      log.error('a thread of the gateway has ended: another takes its place', { thread, err: reason })
      this.#beginAgain(thread, clock.elapsed() - begunAt > restart.longestMs ? 0 : tries)
    })
    calls.tell('rules', (denylist?.count() ?? 0) > 0)
    await calls.call('start', undefined)
  }

  #beginAgain (thread: number, tries: number): void {
    const { clock, log } = this.#deps
    clock.after(Math.min(restart.longestMs, restart.firstMs * 2 ** tries), () => {
      if (this.#isStopped) return
      // one that can't listen lives, and is of no use
      this.#begin(thread, tries + 1).catch(async err => {
        log.error('a thread of the gateway can not serve', { thread, err })
        await this.#running.get(thread)?.spawned.terminate()
      })
    })
  }

  #notes (): Record<string, (value: never) => void> {
    const { logLine, measured, log } = this.#deps
    return {
      lines: (lines: string) => { for (const line of lines.split('\n')) logLine?.(line) },
      measures: (measures: readonly Measure[]) => { for (const measure of measures) measured?.(measure) },
      log: ({ level, component, message, facts }: LogNote) => log.child(component)[level](message, facts)
    }
  }

  #tellAll (name: string, value: unknown): void { for (const { calls } of this.#running.values()) calls.tell(name, value) }

  /** None of them holds the others up. */
  async #all (act: (running: Running) => Promise<unknown>): Promise<void> {
    const { clock } = this.#deps
    await Promise.all([...this.#running.values()].map(async running => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const cancel = clock.after(patienceMs, resolve)
      await Promise.race([act(running).catch(() => {}), promise])
      cancel()
    }))
  }
}
