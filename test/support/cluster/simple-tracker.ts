import type { Clock } from '../../../src/base/clock.ts'
import { messageOf } from '../../../src/base/errors.ts'
import type { Consensus } from '../../../src/consensus/consensus.ts'
import type { IpfsConnector } from '../../../src/ipfs/ipfs.ts'
import type { CID, PeerId } from '../../../src/model/cid.ts'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import { globalFromLocal } from '../../../src/model/pin-info.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { isRemote } from '../../../src/model/pin.ts'
import type { StatusFilter, TrackerStatus } from '../../../src/model/status.ts'
import { statusMatches } from '../../../src/model/status.ts'
import { StatusPrinter } from '../../../src/model/status-printer.ts'
import { zeroTime } from '../../../src/model/time.ts'
import type { OperationProgress, PinTracker } from '../../../src/tracker/tracker.ts'

interface TrackerDeps { ipfs: IpfsConnector, consensus: Consensus, clock: Clock }

/** The smallest tracker that keeps its promises: pins and unpins at once, remembers failures. `paused` keeps pins waiting. */
export class SimpleTracker implements PinTracker {
  readonly name = 'tracker'
  readonly failures = new Map<string, { pin: Pin, error: string, attempts: number }>()
  readonly waiting = new Map<string, Pin>()
  readonly untracked: string[] = []
  paused = false
  readonly #peer: PeerId
  readonly #deps: TrackerDeps

  constructor (peer: PeerId, deps: TrackerDeps) {
    this.#peer = peer
    this.#deps = deps
  }

  setAsideCount (): number { return 0 }
  async start (): Promise<void> {}
  async stop (): Promise<void> {}

  track (pin: Pin): void {
    const key = pin.cid.toString()
    if (pin.type === 'meta-pin') return
    if (isRemote(pin, this.#peer)) {
      this.waiting.delete(key)
      void this.#deps.ipfs.unpin(pin.cid)
    } else if (this.paused) {
      this.waiting.set(key, pin)
    } else {
      void this.#pin(pin)
    }
  }

  untrack (cid: CID): void {
    this.untracked.push(cid.toString())
    this.waiting.delete(cid.toString())
    this.failures.delete(cid.toString())
    void this.#deps.ipfs.unpin(cid)
  }

  /** Does what waited. */
  async resume (): Promise<void> {
    this.paused = false
    for (const pin of this.waiting.values()) await this.#pin(pin)
    this.waiting.clear()
  }

  async status (cid: CID): Promise<PinInfo> {
    const pin = this.#deps.consensus.state.get(cid)
    if (pin == null) return this.#row({ cid }, 'unpinned')
    try {
      return this.#row(pin, await this.#statusOf(pin), this.failures.get(cid.toString())?.error)
    } catch (err) {
      return this.#row(pin, 'cluster_error', messageOf(err))
    }
  }

  async * statusAll (filter: StatusFilter): AsyncGenerator<PinInfo[]> {
    for await (const batch of this.#deps.consensus.state.pins()) {
      const rows = await Promise.all(
        batch.map(async pin => this.#row(pin, await this.#statusOf(pin), this.failures.get(pin.cid.toString())?.error))
      )
      const matching = rows.filter(({ status }) => statusMatches(status, filter))
      if (matching.length > 0) yield matching
    }
  }

  async * statusLines (filter: StatusFilter): AsyncGenerator<Uint8Array> {
    const printer = new StatusPrinter()
    for await (const rows of this.statusAll(filter)) yield Buffer.from(printer.lines(rows.map(globalFromLocal)))
  }

  async recover (cid: CID): Promise<PinInfo> {
    const pin = this.#deps.consensus.state.get(cid)
    if (pin != null && ['pin_error', 'unexpectedly_unpinned'].includes(await this.#statusOf(pin))) {
      this.waiting.set(cid.toString(), pin)
      if (!this.paused) await this.resume()
    }
    return this.status(cid)
  }

  async * recoverAll (): AsyncGenerator<PinInfo[]> {
    for await (const batch of this.#deps.consensus.state.pins()) {
      const rows: PinInfo[] = []
      for (const pin of batch) {
        if (['pin_error', 'unexpectedly_unpinned'].includes(await this.#statusOf(pin))) rows.push(await this.recover(pin.cid))
      }
      if (rows.length > 0) yield rows
    }
  }

  operation (cid: CID): OperationProgress | undefined {
    if (!this.waiting.has(cid.toString())) return undefined
    return { type: 'pin', phase: 'queued', since: 0, attempts: 0, error: '', queueLength: this.waiting.size, nextTryAt: null }
  }

  queueLength (): number { return this.waiting.size }

  async #pin (pin: Pin): Promise<void> {
    const key = pin.cid.toString()
    const attempts = (this.failures.get(key)?.attempts ?? 0) + 1
    try {
      await this.#deps.ipfs.pin(pin)
      this.failures.delete(key)
    } catch (err) {
      this.failures.set(key, { pin, error: messageOf(err), attempts })
    }
  }

  async #statusOf (pin: Pin): Promise<TrackerStatus> {
    const key = pin.cid.toString()
    if (this.waiting.has(key)) return 'pin_queued'
    if (this.failures.has(key)) return 'pin_error'
    if (pin.type === 'meta-pin') return 'sharded'
    if (isRemote(pin, this.#peer)) return 'remote'
    return await this.#deps.ipfs.pinStatus(pin) === 'unpinned' ? 'unexpectedly_unpinned' : 'pinned'
  }

  #row (pin: Pick<Pin, 'cid'> & Partial<Pin>, status: TrackerStatus, error = ''): PinInfo {
    const { cid, name = '', allocations = null, origins = null, timestamp: created = zeroTime, metadata = null } = pin
    const head = { cid, name, allocations, origins, created, metadata }
    const who = { peer: this.#peer, peerName: '', ipfsPeerId: '', ipfsPeerAddresses: [] }
    return {
      ...head, ...who, status, timestamp: this.#deps.clock.now(), error, attemptCount: this.failures.get(cid.toString())?.attempts ?? 0,
      priorityPin: false
    }
  }
}
