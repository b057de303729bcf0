import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import type { PeerId } from '../../../model/cid.ts'

/** What is told of one block. */
export interface AnswerWatcher {
  onBlock? (bytes: Uint8Array, from: PeerId): void
  /** That peer says that it doesn't have it. */
  onLacking? (from: PeerId): void
}

/** The events of @helia/bitswap's wantlist that tell of blocks; each one is checked against its CID before. */
export interface AnswerSource {
  addEventListener (type: 'block', listener: (event: { detail: { cid: CID, sender: Libp2pPeerId, block: Uint8Array } }) => void): void
  addEventListener (type: 'presence', listener: (event: { detail: { cid: CID, sender: Libp2pPeerId, has: boolean } }) => void): void
}

/** Hands what peers answer to those who wait for that block, whatever the number of wants. */
export class BitswapAnswers {
  readonly #watchers = new Map<string, Set<AnswerWatcher>>()

  listenTo (source: AnswerSource): void {
    source.addEventListener('block', ({ detail: { cid, sender, block } }) => {
      for (const watcher of this.#of(cid)) watcher.onBlock?.(block, sender.toString())
    })
    source.addEventListener('presence', ({ detail: { cid, sender, has } }) => {
      if (!has) for (const watcher of this.#of(cid)) watcher.onLacking?.(sender.toString())
    })
  }

  /** The returned function ends it. */
  watch (cid: CID, watcher: AnswerWatcher): () => void {
    const key = hashKey(cid)
    const watchers = this.#watchers.get(key) ?? new Set()
    this.#watchers.set(key, watchers.add(watcher))
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key)
    }
  }

  #of (cid: CID): AnswerWatcher[] { return [...this.#watchers.get(hashKey(cid)) ?? []] }
}
