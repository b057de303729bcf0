import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import { orAborted } from '../../base/clock.ts'
import { latin1 } from '../../base/text/latin1.ts'
import type { PeerId } from '../../model/cid.ts'

export interface WantInit { patienceMs: number, renewMs: number }

export interface WantDeps {
  clock: Pick<Clock, 'after'>
  /** Whom to ask when the first one hasn't got it. */
  others: () => readonly PeerId[]
  send: (peer: PeerId, type: 'block' | 'have') => void
  cancel: (peer: PeerId) => void
}

/** `offers`: it says that it has the block, and hasn't been asked to send it. */
type Asked = 'block' | 'have' | 'offers' | 'refused'

/** A block's key: the digest of its hash, one character per byte. */
export const digestKey = (cid: CID): string => latin1(cid.multihash.digest)

/** A block that somebody here waits for, and who has been asked for it. */
export class Want {
  readonly #init: WantInit
  readonly #deps: WantDeps
  readonly #asked = new Map<PeerId, Asked>()
  readonly #block = Promise.withResolvers<Uint8Array>()
  #waiting = 0
  #isWide = false
  #isLanded = false
  #cancelPatience: (() => void) | undefined
  #cancelRenewal: () => void

  constructor (init: WantInit, deps: WantDeps) {
    this.#init = init
    this.#deps = deps
    this.#cancelRenewal = deps.clock.after(init.renewMs, () => this.#renew())
  }

  get isDone (): boolean { return this.#isLanded || this.#waiting === 0 }

  /** Asks the peer that should have it; without one, all. */
  ask (from: PeerId | undefined): void {
    if (from == null) return this.#widen()
    const asked = this.#asked.get(from)
    if (asked !== 'block') this.#sendBlock(from)
  }

  /** Waits for the block; the last one who leaves ends the want. */
  async wait (signal: AbortSignal): Promise<Uint8Array> {
    this.#waiting++
    try {
      return await orAborted(this.#block.promise, signal)
    } finally {
      this.#waiting--
      if (this.isDone) this.#end()
    }
  }

  landed (from: PeerId, bytes: Uint8Array): void {
    this.#isLanded = true
    this.#asked.delete(from)
    this.#block.resolve(bytes)
    this.#end()
  }

  /** The peer says that it has the block. */
  has (peer: PeerId): void {
    const asked = this.#asked.get(peer)
    if (asked == null || asked === 'block') return
    this.#asked.set(peer, 'offers')
    if (this.#cancelPatience == null || !this.#isAsked('block')) this.#goOn()
  }

  /** The peer hasn't got it, or can't be reached. */
  refused (peer: PeerId): void {
    if (!this.#asked.has(peer)) return
    this.#asked.set(peer, 'refused')
    if (!this.#isAsked('block')) this.#goOn()
  }

  /** What was asked of the peer, or its answer, may be lost. */
  askAgain (peer: PeerId): void {
    const asked = this.#asked.get(peer)
    if (asked == null || asked === 'offers') return
    this.#asked.delete(peer)
    if (asked === 'block') this.#sendBlock(peer)
    else this.#sendHave(peer)
  }

  came (peer: PeerId): void {
    if (this.#isWide) this.#sendHave(peer, true)
  }

  #sendBlock (peer: PeerId): void {
    this.#asked.set(peer, 'block')
    this.#cancelPatience?.()
    this.#cancelPatience = this.#deps.clock.after(this.#init.patienceMs, () => {
      this.#cancelPatience = undefined
      this.#goOn()
    })
    this.#deps.send(peer, 'block')
  }

  #sendHave (peer: PeerId, again = false): void {
    const asked = this.#asked.get(peer)
    if (asked != null && !(asked === 'refused' && again)) return
    this.#asked.set(peer, 'have')
    this.#deps.send(peer, 'have')
  }

  /** The next who says that it has the block; without one, all are asked who has it. */
  #goOn (): void {
    for (const [peer, asked] of this.#asked) if (asked === 'offers') return this.#sendBlock(peer)
    this.#widen()
  }

  #isAsked (what: Asked): boolean {
    for (const asked of this.#asked.values()) if (asked === what) return true
    return false
  }

  #widen (): void {
    this.#isWide = true
    for (const peer of this.#deps.others()) this.#sendHave(peer)
  }

  /** Messages get lost, peers forget: everybody is asked again. */
  #renew (): void {
    this.#asked.clear()
    this.#widen()
    this.#cancelRenewal = this.#deps.clock.after(this.#init.renewMs, () => this.#renew())
  }

  #end (): void {
    this.#cancelPatience?.()
    this.#cancelRenewal()
    for (const [peer, asked] of this.#asked) if (asked !== 'refused') this.#deps.cancel(peer)
    this.#asked.clear()
  }
}
