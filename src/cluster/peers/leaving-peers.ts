import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { Mutex } from '../../base/mutex.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import type { PeerId } from '../../model/cid.ts'

/**
 * Rows: `leaving/1/<peer ID>` → JSON {leftMs, isEmpty, wasGone}; the 1 is the format's version. Older ones have `until` for `leftMs`, a
 * time by the clock.
 */
const prefix = 'leaving/1/'
const forgetAfterMs = 24 * 3_600_000
/** Of a mark's time this much may be counted again after a restart. */
const storeEveryMs = 3_600_000

/** `leftMs`: of the mark's time, at `at` by the process. */
interface Leaving { leftMs: number, at: number, isEmpty: boolean, wasGone: boolean }

export interface LeavingPeersDeps {
  clock: Pick<Clock, 'now' | 'elapsed'>
  /** Where marks outlive the process. Without it they end with it. */
  datastore?: Pick<Datastore, 'write' | 'entries'> | undefined
  log: Logger
}

/**
 * Peers that somebody removed: they get no new pins for a day that this peer runs, or until they went away and came back. A mark is on the
 * disk before the first pin moves, so that a removal that is cut off goes on after the next start. What the machine's clock says doesn't
 * matter.
 */
export class LeavingPeers {
  readonly #deps: LeavingPeersDeps
  readonly #peers = new Map<PeerId, Leaving>()
  /** One write at a time, each of what holds then: on a slow disk the last one has to be the newest. */
  readonly #writing = new Mutex()

  constructor (deps: LeavingPeersDeps) { this.#deps = deps }

  /** Reads the marks of earlier runs. */
  async load (signal: AbortSignal): Promise<void> {
    for await (const rows of this.#deps.datastore?.entries(withPrefix(prefix), { signal }) ?? []) {
      for (const [key, value] of rows) this.#restore(key.slice(prefix.length), value)
    }
    for (const peer of this.#peers.keys()) if (!this.has(peer)) await this.#store(peer)
  }

  /** Resolves when the disk has the mark; rejects with STORAGE_FULL, and then there is none. `isGone`: the peer isn't there. */
  async add (peer: PeerId, { isGone = false }: { isGone?: boolean } = {}): Promise<void> {
    const mark: Leaving = { leftMs: forgetAfterMs, at: this.#deps.clock.elapsed(), isEmpty: false, wasGone: isGone }
    await this.#writing.run(async () => {
      await this.#write(peer, mark)
      this.#peers.set(peer, mark)
    })
  }

  /** Pins of the peer are about to move, although it had none or came back meanwhile. Resolves and rejects as `add` does. */
  async holds (peer: PeerId, { isGone }: { isGone: boolean }): Promise<void> {
    if (this.#peers.get(peer)?.isEmpty !== false) await this.add(peer, { isGone })
  }

  /** All pins of the peer have moved. */
  emptied (peer: PeerId): void { this.#change(peer, entry => entry.wasGone ? undefined : { ...entry, isEmpty: true }) }

  /** The peer is gone; when it comes back, and its pins have moved, it is like any other. */
  gone (peer: PeerId): void { this.#change(peer, entry => entry.isEmpty ? undefined : { ...entry, wasGone: true }) }

  has (peer: PeerId): boolean {
    const entry = this.#peers.get(peer)
    if (entry == null) return false
    if (this.#leftOf(entry) > 0) return true
    this.#peers.delete(peer)
    void this.#store(peer)
    return false
  }

  /** Writes down how much of their time is left, now and then. Never rejects. */
  async keep (): Promise<void> {
    const now = this.#deps.clock.elapsed()
    for (const [peer, entry] of this.#peers) {
      if (!this.has(peer) || now - entry.at < storeEveryMs) continue
      this.#peers.set(peer, { ...entry, leftMs: this.#leftOf(entry), at: now })
      await this.#store(peer)
    }
  }

  #leftOf ({ leftMs, at }: Leaving): number { return leftMs - (this.#deps.clock.elapsed() - at) }

  /** Those that still hold pins. */
  unfinished (): PeerId[] { return [...this.#peers.keys()].filter(peer => this.has(peer) && this.#peers.get(peer)?.isEmpty === false) }

  #change (peer: PeerId, next: (entry: Leaving) => Leaving | undefined): void {
    const entry = this.#peers.get(peer)
    if (entry == null) return
    const changed = next({ ...entry, leftMs: this.#leftOf(entry), at: this.#deps.clock.elapsed() })
    if (changed == null) this.#peers.delete(peer)
    else this.#peers.set(peer, changed)
    void this.#store(peer)
  }

  /** What can't be stored costs a look at the pinset after the next start, no more. Never rejects. */
  async #store (peer: PeerId): Promise<void> {
    try {
      await this.#writing.run(async () => this.#write(peer, this.#peers.get(peer)))
    } catch (err) {
      this.#deps.log.warn('the mark of a peer that leaves could not be stored', { peer, err: messageOf(err) })
    }
  }

  async #write (peer: PeerId, mark: Leaving | undefined): Promise<void> {
    await this.#deps.datastore?.write([{ key: prefix + peer, value: mark == null ? undefined : bytesOf(mark) }], { sync: true })
  }

  #restore (peer: PeerId, value: Uint8Array): void {
    try {
      const { clock } = this.#deps
      const { until, leftMs, isEmpty, wasGone } = JSON.parse(Buffer.from(value).toString()) as Leaving & { until?: number }
      const left = Math.min(forgetAfterMs, until == null ? Number(leftMs) : until - clock.now())
      this.#peers.set(peer, { leftMs: left, at: clock.elapsed(), isEmpty: isEmpty === true, wasGone: wasGone === true })
    } catch (err) {
      this.#deps.log.warn('the mark of a peer that leaves is damaged and left alone', { peer: peer.slice(0, 100), err: messageOf(err) })
    }
  }
}

const bytesOf = ({ leftMs, isEmpty, wasGone }: Leaving): Uint8Array => Buffer.from(JSON.stringify({ leftMs, isEmpty, wasGone }))
