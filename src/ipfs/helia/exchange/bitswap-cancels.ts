import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Clock } from '../../../base/clock.ts'

/** A message of @helia/bitswap's send queue, as it builds and merges them. */
export interface QueuedMessage {
  full: boolean
  pendingBytes: number
  wantlist: Map<string, { cid: Uint8Array, priority: number, cancel: boolean, wantType: 'WantBlock', sendDontHave: boolean }>
  blocks: Map<string, unknown>
  blockPresences: Map<string, unknown>
}

export interface BitswapCancelsDeps {
  /** Whom wants are sent to. */
  peers: () => Iterable<Libp2pPeerId>
  send: (peer: Libp2pPeerId, message: QueuedMessage) => Promise<void>
  clock: Pick<Clock, 'after'>
}

const gatherMs = 5

/**
 * Takes back wants. @helia/bitswap forgets them without a word, so that every peer that was asked sends the block sooner or later, and
 * keeps it noted as sent when it is asked again.
 */
export class BitswapCancels {
  readonly #deps: BitswapCancelsDeps
  readonly #gathered = new Map<string, CID>()

  constructor (deps: BitswapCancelsDeps) { this.#deps = deps }

  add (cid: CID): void {
    if (this.#gathered.size === 0) this.#deps.clock.after(gatherMs, () => this.#flush())
    this.#gathered.set(Buffer.from(cid.multihash.bytes).toString('base64'), cid)
  }

  #flush (): void {
    const cids = [...this.#gathered]
    this.#gathered.clear()
    // a message each: the queue merges what is added to one
    for (const peer of this.#deps.peers()) this.#deps.send(peer, cancelling(cids)).catch(() => {})
  }
}

function cancelling (cids: ReadonlyArray<[string, CID]>): QueuedMessage {
  const wantlist: QueuedMessage['wantlist'] = new Map(
    cids.map(
      ([key, { bytes }]) =>
        [`m${key.replace(/=+$/, '')}`, { cid: bytes, priority: 1, cancel: true, wantType: 'WantBlock', sendDontHave: false }]
    )
  )
  return { full: false, pendingBytes: 0, wantlist, blocks: new Map(), blockPresences: new Map() }
}
