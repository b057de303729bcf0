import type { CID } from 'multiformats/cid'
import type { Clock } from '../../../base/clock.ts'
import type { PeerId } from '../../../model/cid.ts'
import type { BitswapAnswers } from './bitswap-answers.ts'
import type { QueuedMessage } from './bitswap-cancels.ts'

export interface BitswapAsksInit {
  /** A peer that was asked and sends nothing at all for this long is not waited for any more. Milliseconds. */
  quietMs: number
}

export interface BitswapAsksDeps {
  answers: Pick<BitswapAnswers, 'watch'>
  /** Rejects when the message could not be sent. */
  send: (peer: PeerId, message: QueuedMessage) => Promise<void>
  clock: Pick<Clock, 'after' | 'elapsed'>
}

interface Gathered { cids: CID[], onFailed: Array<() => void> }

/** Wants that come together go in one message. */
const gatherMs = 1

/**
 * Asks chosen peers for blocks, one peer a block, in turn: what several peers have comes from all of them and from each once.
 * @helia/bitswap's own wants go to everybody who is connected, each of whom then sends the block, and wait for the slowest of them to take
 * the message.
 */
export class BitswapAsks {
  readonly #init: BitswapAsksInit
  readonly #deps: BitswapAsksDeps
  readonly #gathered = new Map<PeerId, Gathered>()
  readonly #heardAt = new Map<PeerId, number>()
  #turn = 0

  constructor (init: BitswapAsksInit, deps: BitswapAsksDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * The block, from whichever of the peers has it; undefined when none does, or the one that was asked says nothing. Rejects with the
   * signal's reason.
   */
  async ask (
    cid: CID, peers: readonly PeerId[], { signal, onAsked }: { signal: AbortSignal, onAsked?: ((peer: PeerId) => void) | undefined }
  ): Promise<Uint8Array | undefined> {
    const first = this.#turn++ % Math.max(1, peers.length)
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
      signal.throwIfAborted()
      onAsked?.(peer)
      const answer = await this.#askOne(cid, peer, { signal })
      if (answer === 'silent') return undefined
      if (answer !== 'lacking') return answer
    }
    return undefined
  }

  /** What that very peer says; what others send doesn't count. `lacking` also when it can't be asked. */
  async askOnly (cid: CID, peer: PeerId, { signal }: { signal: AbortSignal }): Promise<Uint8Array | 'lacking' | 'silent'> {
    signal.throwIfAborted()
    return this.#askOne(cid, peer, { signal, only: true })
  }

  /**
   * Asks a peer once more, so that it tells if it lacks the block: who has just connected is asked by @helia/bitswap without wanting to
   * know.
   */
  askAgain (cid: CID, peer: PeerId): void { this.#gather(cid, peer, () => {}) }

  async #askOne (
    cid: CID, peer: PeerId, { signal, only = false }: { signal: AbortSignal, only?: boolean }
  ): Promise<Uint8Array | 'lacking' | 'silent'> {
    const { answers, clock } = this.#deps
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | 'lacking' | 'silent'>()
    const onAbort = (): void => reject(signal.reason)
    const unwatch = answers.watch(cid, {
      onBlock: (bytes, from) => {
        this.#heardAt.set(from, clock.elapsed())
        if (!only || from === peer) resolve(bytes)
      },
      onLacking: from => { if (from === peer) resolve('lacking') }
    })
    // blocks come one after the other: who sends others is on its way to this one
    const askedAt = clock.elapsed()
    const look = (): void => {
      const leftMs = Math.max(askedAt, this.#heardAt.get(peer) ?? -Infinity) + this.#init.quietMs - clock.elapsed()
      if (leftMs <= 0) resolve('silent')
      else cancel = clock.after(leftMs, look)
    }
    let cancel = clock.after(this.#init.quietMs, look)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#gather(cid, peer, () => resolve('lacking'))
    try {
      return await promise
    } finally {
      cancel()
      unwatch()
      signal.removeEventListener('abort', onAbort)
    }
  }

  #gather (cid: CID, peer: PeerId, onFailed: () => void): void {
    const gathered = this.#gathered.get(peer) ?? { cids: [], onFailed: [] }
    gathered.cids.push(cid)
    gathered.onFailed.push(onFailed)
    if (this.#gathered.has(peer)) return
    this.#gathered.set(peer, gathered)
    this.#deps.clock.after(gatherMs, () => {
      this.#gathered.delete(peer)
      this.#deps.send(peer, asking(gathered.cids)).catch(() => { for (const failed of gathered.onFailed) failed() })
    })
  }
}

function asking (cids: readonly CID[]): QueuedMessage {
  const wantlist: QueuedMessage['wantlist'] = new Map(
    cids.map(cid => [wantKey(cid), { cid: cid.bytes, priority: 1, cancel: false, wantType: 'WantBlock', sendDontHave: true }])
  )
  return { full: false, pendingBytes: 0, wantlist, blocks: new Map(), blockPresences: new Map() }
}

/** As @helia/bitswap names the entries of a message. */
const wantKey = ({ multihash }: CID): string => `m${Buffer.from(multihash.bytes).toString('base64').replace(/=+$/, '')}`
