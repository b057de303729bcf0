import type { CID } from 'multiformats/cid'
import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import { latin1 } from '../../base/text/latin1.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { PeerId } from '../../model/cid.ts'
import type { BitswapMessage } from '../../wire/bitswap.ts'
import { crdtCid, isCrdtCid, maxCrdtBlockBytes } from '../../wire/crdt-block.ts'
import type { BlockExchange, PeerStreams } from '../network.ts'
import { IncomingMessages } from './incoming-messages.ts'
import { Partner } from './partner.ts'
import { Want, digestKey } from './want.ts'

export interface ExchangeInit {
  /** How long the peer that should have a block may take before others are asked. Milliseconds. */
  patienceMs: number
  /** Wants are sent again this often. Milliseconds. */
  renewMs: number
  /** How long a message that has begun may stall, in either direction. Milliseconds. */
  stallMs: number
}

export interface ExchangeDeps {
  streams: PeerStreams
  /** Peers that are connected now. */
  peers: () => readonly PeerId[]
  /** Tells of peers that come and go; the returned function ends it. */
  onPeer: (listener: (peer: PeerId, isHere: boolean) => void) => () => void
  /** What is served: a block that is stored here. */
  blocks: (cid: CID) => Uint8Array | undefined
  clock: Clock
  log: Logger
}

/** The version that go-bitswap speaks since 2020; older ones know no "I have it". */
export const bitswapProtocol = '/ipfs/bitswap/1.2.0'
/** The peer that should have a block gets 300 ms; wants are sent again every 20 s, and 30 s without progress are a stall. */
export const exchangeDefaults: ExchangeInit = { patienceMs: 300, renewMs: 20_000, stallMs: 30_000 }

/** How long after a lost stream a peer is asked again. Longer than partners rest after one. Milliseconds. */
const askAgainMs = 1500

/** Who is asked whether it has a block, besides its announcer. Go asks as many. */
const peersAskedAtOnce = 64

/**
 * Moves the CRDT's blocks by bitswap 1.2.0, as Go's peers do. Only CRDT blocks are asked for and served. The announcer of a block is asked
 * for it; only when it doesn't give it, the others are asked who has it.
 */
export interface BitswapExchange extends BlockExchange, Startable {}

/** Takes no streams before `start`. */
export function bitswapExchange (init: ExchangeInit, deps: ExchangeDeps): BitswapExchange { return new Exchange(init, deps) }

class Exchange implements BitswapExchange {
  readonly name = 'block exchange'
  readonly #init: ExchangeInit
  readonly #deps: ExchangeDeps
  readonly #log: Logger
  readonly #incoming: IncomingMessages
  readonly #partners = new Map<PeerId, Partner>()
  readonly #wants = new Map<string, Want>()
  /** Peers that are soon asked again for what is wanted, and how to prevent it. */
  readonly #asking = new Map<PeerId, () => void>()
  #release: Array<() => void> = []

  constructor (init: ExchangeInit, deps: ExchangeDeps) {
    this.#init = init
    this.#deps = deps
    this.#log = rateLimitedLogger(deps)
    this.#incoming = new IncomingMessages(init, {
      room: async peer => this.#partners.get(peer)?.room(),
      take: (peer, message) => this.#take(peer, message),
      lost: peer => this.#lost(peer),
      clock: deps.clock,
      log: deps.log
    })
  }

  async start (): Promise<void> {
    const { streams, onPeer } = this.#deps
    this.#release = [
      streams.handle(bitswapProtocol, stream => { void this.#incoming.receive(stream) }),
      onPeer((peer, isHere) => isHere ? this.#came(peer) : this.#went(peer))
    ]
  }

  async stop (): Promise<void> {
    for (const release of this.#release.splice(0)) release()
    for (const cancel of this.#asking.values()) cancel()
    this.#asking.clear()
    for (const partner of this.#partners.values()) partner.close()
    this.#partners.clear()
  }

  async fetch (cid: CID, { signal, from }: { signal: AbortSignal, from?: PeerId }): Promise<Uint8Array> {
    signal.throwIfAborted()
    if (!isCrdtCid(cid)) throw new ClusterError('INVALID_CID', { cid: cid.toString() }, { message: 'not the CID of a CRDT block' })
    const key = digestKey(cid)
    const want = this.#wants.get(key) ?? this.#begin(cid, key)
    want.ask(from)
    try {
      return await want.wait(signal)
    } finally {
      if (want.isDone && this.#wants.get(key) === want) this.#wants.delete(key)
    }
  }

  offer (cid: CID): void {
    const key = digestKey(cid)
    for (const partner of this.#partners.values()) partner.offer(key)
  }

  #begin (cid: CID, key: string): Want {
    const { clock, peers } = this.#deps
    const want = new Want(this.#init, {
      clock,
      others: () => peers().slice(0, peersAskedAtOnce),
      send: (peer, type) => this.#partner(peer).want(cid, type),
      cancel: peer => { this.#partners.get(peer)?.cancel(cid) }
    })
    this.#wants.set(key, want)
    return want
  }

  #partner (peer: PeerId): Partner {
    const known = this.#partners.get(peer)
    if (known != null) return known
    const partner = new Partner(peer, this.#init, {
      open: async options => this.#deps.streams.open(peer, bitswapProtocol, options),
      blocks: this.#deps.blocks,
      clock: this.#deps.clock,
      log: this.#log,
      failed: cids => { for (const cid of cids) this.#wants.get(digestKey(cid))?.refused(peer) },
      lost: () => this.#lost(peer)
    })
    this.#partners.set(peer, partner)
    return partner
  }

  /**
   * A stream to or from a peer ended early. While it is connected, it is asked again for what is still wanted, soon and not more often than
   * that.
   */
  #lost (peer: PeerId): void {
    if (this.#asking.has(peer) || this.#wants.size === 0) return
    this.#asking.set(peer, this.#deps.clock.after(askAgainMs, () => {
      this.#asking.delete(peer)
      if (this.#deps.peers().includes(peer)) for (const want of this.#wants.values()) want.askAgain(peer)
    }))
  }

  #came (peer: PeerId): void {
    for (const want of this.#wants.values()) want.came(peer)
  }

  #went (peer: PeerId): void {
    this.#partners.get(peer)?.close()
    this.#partners.delete(peer)
    for (const want of this.#wants.values()) want.refused(peer)
  }

  #take (peer: PeerId, { wantlist, blocks, blockPresences }: BitswapMessage): void {
    if (this.#wants.size > 0) {
      for (const { data } of blocks) this.#landed(peer, data)
      for (const { cid, type } of blockPresences) {
        const want = this.#wants.get(digestKeyOfBytes(cid))
        if (type === 'HaveBlock') want?.has(peer)
        else want?.refused(peer)
      }
    }
    if (wantlist != null) this.#partner(peer).wanted(wantlist.entries, wantlist.full === true)
  }

  /** Blocks are matched by their own hash: what nobody asked for, or isn't what it should be, is passed over. */
  #landed (peer: PeerId, data: Uint8Array): void {
    if (data.length > maxCrdtBlockBytes) return
    const key = digestKey(crdtCid(data))
    const want = this.#wants.get(key)
    if (want == null) return
    this.#wants.delete(key)
    // a copy: the message's other blocks must not stay because of this one
    want.landed(peer, data.slice())
  }
}

/** The key of a CID in its bytes; '' for what isn't a CRDT block's. */
function digestKeyOfBytes (bytes: Uint8Array): string {
  return bytes.length === 36 ? latin1(bytes.subarray(4)) : ''
}
