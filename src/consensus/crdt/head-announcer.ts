import { batchesOf } from '../../base/batches.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { Broadcast } from '../../network/network.ts'
import { encodeHeads } from '../../wire/broadcast.ts'
import { blockKey } from '../../wire/crdt-block.ts'
import type { CrdtStore } from './crdt-store.ts'
import { JoiningPeers } from './joining-peers.ts'

export interface HeadAnnouncerInit { self: PeerId, topic: string, intervalMs: number }
export interface HeadAnnouncerDeps { broadcast: Broadcast, store: CrdtStore, clock: Clock, log: Logger }

const jitter = 0.3
/** Keeps a message far below gossip's 1 MiB. */
const headsPerMessage = 2000
/** A head that others name at every tick is named by this peer too after so many ticks, and then after twice, four times, … as many. */
const longestSilence = 4
/** Heads remembered between two ticks: what is forgotten is repeated, which does no harm. */
const maxSeen = 20_000

/**
 * Tells the others the heads: a new one at once, all soon after a peer began to listen, and all that nobody named since the last tick on a
 * timer (go-ds-crdt). Heads of others whose branch isn't here yet are not repeated: whoever asked for it would wait in vain. Not to repeat
 * what others say is Go's rule; but a peer that trusts only us doesn't listen to them and would never hear of the head, so that we don't
 * keep silent for ever.
 */
export class HeadAnnouncer {
  readonly #init: HeadAnnouncerInit
  readonly #deps: HeadAnnouncerDeps
  readonly #seen = new Set<string>()
  readonly #joiningPeers: JoiningPeers
  #unwatch: (() => void) | undefined
  /** For how many ticks in a row a head was left to others. */
  #silences = new Map<string, number>()

  constructor (init: HeadAnnouncerInit, deps: HeadAnnouncerDeps) {
    this.#init = init
    this.#deps = deps
    this.#joiningPeers = new JoiningPeers(init.self, { clock: deps.clock, speak: heard => this.#greet(heard) })
  }

  /** Looks out for joining peers. */
  start (): void {
    this.#unwatch = this.#deps.broadcast.onListener?.(this.#init.topic, (peer, listeners) => this.#joiningPeers.joined(peer, listeners))
  }

  stop (): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#joiningPeers.stop()
  }

  /** Sends without waiting. The blocks must be stored. */
  announce (heads: readonly CID[]): void {
    if (heads.length === 0) return
    this.#deps.broadcast.publish(this.#init.topic, encodeHeads(heads))
      .catch(err => this.#deps.log.warn('heads could not be announced', { err, heads: heads.length }))
  }

  /** Another peer named these heads. */
  heard (heads: readonly CID[]): void {
    for (const head of heads) {
      const id = blockKey(head)
      this.#joiningPeers.heard(id)
      if (this.#seen.size < maxSeen) this.#seen.add(id)
    }
  }

  worker (): Worker {
    return {
      name: 'crdt rebroadcast',
      intervalMs: () => this.#init.intervalMs,
      jitter,
      runAtStart: false,
      work: async () => {
        this.rebroadcast()
        return 'idle'
      }
    }
  }

  rebroadcast (): void {
    const { store } = this.#deps
    const due = store.completeHeads().filter(cid => this.#isDue(blockKey(cid)))
    this.#silences = new Map([...this.#silences].filter(([id]) => store.heads.has(id)))
    this.#seen.clear()
    for (const some of batchesOf(due, headsPerMessage)) this.announce(some)
  }

  /** One message: who has that much to learn isn't through with it before the timer. */
  #greet (heard: ReadonlySet<string>): void {
    this.announce(this.#deps.store.completeHeads().filter(cid => !heard.has(blockKey(cid))).slice(0, headsPerMessage))
  }

  #isDue (id: string): boolean {
    const silence = this.#seen.has(id) ? (this.#silences.get(id) ?? 0) + 1 : 0
    this.#silences.set(id, silence)
    return silence === 0 || (silence >= longestSilence && Number.isInteger(Math.log2(silence / longestSilence)))
  }
}
