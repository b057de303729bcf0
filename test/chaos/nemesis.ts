import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster, ChaosPeer } from './chaos-cluster.ts'
import type { Fault, FaultKind } from './schedule.ts'

export interface NemesisDeps { cluster: ChaosCluster, note: (what: string) => void }

/** Does to peers what a schedule says, and undoes all of it. */
export class Nemesis {
  readonly #deps: NemesisDeps
  /** Peers that were killed and don't run again yet. */
  readonly #down = new Set<ChaosPeer>()
  readonly #stopped = new Set<ChaosPeer>()

  constructor (deps: NemesisDeps) { this.#deps = deps }

  /** Kills a peer, damages its state and starts it. Before anything else happens: what it loses the others have. */
  async flip ({ peer, seed }: Fault): Promise<void> {
    const { cluster: { peers }, note } = this.#deps
    const victim = peers[peer]
    if (victim == null) return
    await victim.end('SIGKILL')
    note(`peer ${peer}: ${await victim.damage(seed)}`)
    await victim.start()
  }

  /** Lets all of it happen at its time; resolves when the last has begun and ended. */
  async run (faults: readonly Fault[]): Promise<void> {
    await Promise.all(faults.map(async fault => {
      await sleep(fault.atMs)
      await this.#begin[fault.kind](fault)
      await sleep(fault.forMs)
      await this.#end[fault.kind](fault)
    }))
  }

  /** Everything runs again, on time, and hears the others. */
  async heal (): Promise<void> {
    const { cluster: { peers, relays } } = this.#deps
    relays.heal()
    await Promise.all(peers.map(async peer => {
      this.#continue(peer)
      peer.give()
      await peer.shift(0)
      await this.#revive(peer)
    }))
  }

  readonly #begin: Readonly<Record<FaultKind, (fault: Fault) => Promise<void>>> = {
    kill: async ({ peer }) => this.#with(peer, async one => {
      this.#down.add(one)
      await one.end('SIGKILL')
    }),
    stop: async ({ peer }) => this.#with(peer, async one => {
      // one that is starting is waited for
      if (this.#down.has(one) || one.pid() === 0) return
      this.#stopped.add(one)
      process.kill(one.pid(), 'SIGSTOP')
    }),
    cut: async ({ peer }) => this.#deps.cluster.relays.cut([peer]),
    fill: async ({ peer }) => this.#with(peer, async one => one.fill()),
    shift: async ({ peer, shiftMs }) => this.#with(peer, async one => one.shift(shiftMs)),
    flip: async () => {}
  }

  readonly #end: Readonly<Record<FaultKind, (fault: Fault) => Promise<void>>> = {
    kill: async ({ peer }) => this.#with(peer, async one => this.#revive(one)),
    stop: async ({ peer }) => this.#with(peer, async one => this.#continue(one)),
    cut: async () => this.#deps.cluster.relays.heal(),
    fill: async ({ peer }) => this.#with(peer, async one => one.give()),
    // a clock stays wrong until the end
    shift: async () => {},
    flip: async () => {}
  }

  async #with (at: number, act: (peer: ChaosPeer) => Promise<void>): Promise<void> {
    const peer = this.#deps.cluster.peers[at]
    if (peer != null) await act(peer)
  }

  #continue (peer: ChaosPeer): void {
    if (!this.#stopped.delete(peer)) return
    try {
      process.kill(peer.pid(), 'SIGCONT')
    } catch { /* killed meanwhile */ }
  }

  /** A full disk is given back first: a peer whose log can't be written need not start. */
  async #revive (peer: ChaosPeer): Promise<void> {
    if (!this.#down.delete(peer)) return
    this.#stopped.delete(peer)
    peer.give()
    await peer.start().catch(err => {
      // a kill may come as it starts
      if (!this.#down.has(peer)) throw err
    })
  }
}
