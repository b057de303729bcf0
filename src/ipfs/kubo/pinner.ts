import type { CID } from 'multiformats/cid'
import { keepNewest } from '../../base/keep-newest.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Pin } from '../../model/pin.ts'
import type { IpfsOptions, IpfsPinStatus, PinProgress } from '../ipfs.ts'
import { kuboWords } from './errors.ts'
import type { PinRow } from './pinned-view.ts'
import { PinWatch } from './pin-watch.ts'
import type { KuboRpc } from './rpc.ts'

export interface KuboPinnerInit {
  /** Longest time without progress. Milliseconds. */
  pinTimeoutMs: number
  /** For a look at one pin. Milliseconds. */
  requestTimeoutMs: number
}

export interface KuboPinnerDeps { rpc: KuboRpc, clock: Clock, log: Logger }

/** How many failed pins are remembered for `progress`. */
const failuresKept = 256
const originsDialled = 10

type Mode = 'recursive' | 'direct'

/** Pins through Kubo, with the calls that Go makes. */
export class KuboPinner {
  readonly #init: KuboPinnerInit
  readonly #deps: KuboPinnerDeps
  readonly #running = new Map<string, PinWatch>()
  readonly #failed = new Map<string, PinProgress>()

  constructor (init: KuboPinnerInit, deps: KuboPinnerDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Resolves to false when it was pinned already. */
  async pin (pin: Pin, { signal }: IpfsOptions): Promise<boolean> {
    const mode: Mode = pin.maxDepth === 0 ? 'direct' : 'recursive'
    if (await this.status(pin.cid, mode, signal) === mode) return false
    const key = pin.cid.toString()
    const watch = new PinWatch({ cid: pin.cid, pinTimeoutMs: this.#init.pinTimeoutMs }, this.#deps.clock)
    this.#running.set(key, watch)
    this.#failed.delete(key)
    let outcome: 'done' | 'failed' = 'failed'
    try {
      this.#dialOrigins(pin, watch.signal)
      await this.#make(pin, watch, signal)
      outcome = 'done'
      return true
    } finally {
      watch.end(outcome)
      if (this.#running.get(key) === watch) this.#running.delete(key)
      if (outcome === 'failed') this.#remember(key, watch.progress())
    }
  }

  /** What Kubo says of a CID when asked for pins of this mode. */
  async status (cid: CID, mode: Mode, signal: AbortSignal | undefined): Promise<IpfsPinStatus> {
    try {
      const path = `pin/ls?stream=true&arg=${cid.toString()}&type=${mode}`
      for await (const rows of this.#deps.rpc.lines<PinRow>(path, { signal, timeoutMs: this.#init.requestTimeoutMs })) {
        const type = rows[0]?.Type ?? ''
        if (type === 'recursive' || type === 'direct') return type
        if (type.startsWith('indirect')) return 'indirect'
      }
      return 'unpinned'
    } catch (err) {
      if (kuboWords(err).endsWith('not pinned')) return 'unpinned'
      throw err
    }
  }

  progress (cid: CID): PinProgress | undefined {
    const key = cid.toString()
    return this.#running.get(key)?.progress() ?? this.#failed.get(key)
  }

  async #make (pin: Pin, watch: PinWatch, signal: AbortSignal | undefined): Promise<void> {
    const { cid, maxDepth, pinUpdate: from } = pin
    if (from != null && maxDepth !== 0 && await this.status(from, 'recursive', signal) === 'recursive') {
      await this.#deps.rpc.bytes(`pin/update?arg=${from.toString()}&arg=${cid.toString()}&unpin=false`, { signal, timeoutMs: 0 })
      return
    }
    const depth = maxDepth > 0 ? `max-depth=${maxDepth}&` : ''
    const path = `pin/add?arg=${cid.toString()}&${depth}recursive=${maxDepth !== 0}&progress=true`
    watch.begin()
    const either = signal == null ? watch.signal : AbortSignal.any([watch.signal, signal])
    for await (const rows of this.#deps.rpc.lines<{ Progress?: number, Bytes?: number }>(path, { signal: either, timeoutMs: 0 })) {
      for (const { Progress: blocks = 0, Bytes: bytes = 0 } of rows) watch.saw(blocks, bytes)
    }
  }

  /** In the background, for as long as the pin runs. */
  #dialOrigins (pin: Pin, signal: AbortSignal): void {
    for (const origin of pin.origins.slice(0, originsDialled)) {
      this.#deps.rpc.bytes(`swarm/connect?arg=${encodeURIComponent(origin)}`, { signal, timeoutMs: this.#init.requestTimeoutMs })
        .catch(err => { if (!signal.aborted) this.#deps.log.debug('an origin can not be reached', { origin, err }) })
    }
  }

  #remember (key: string, progress: PinProgress): void {
    this.#failed.delete(key)
    this.#failed.set(key, progress)
    keepNewest(this.#failed, failuresKept)
  }
}
