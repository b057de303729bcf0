import type { CID, PeerId } from '../../src/model/cid.ts'
import type { IpfsConnector } from '../../src/ipfs/ipfs.ts'

/** A peer's IPFS node, which outlives its runs. */
export interface WatchedNode { id: PeerId, name: string, node: Pick<IpfsConnector, 'pin' | 'unpin'> }

/** Who has which item on its IPFS node now, running or not; looks at each loss whether the minimum still has it. */
export class Copies {
  /** Items whose minimum had them once, by CID; users may let go of them. */
  readonly wanted = new Map<string, { name: string, min: number }>()
  readonly #having = new Map<string, Set<PeerId>>()
  readonly #fault: (what: string) => void
  /** Copies that were given up, each one looked at. */
  losses = 0

  constructor (peers: Iterable<WatchedNode>, fault: (what: string) => void) {
    this.#fault = fault
    for (const peer of peers) this.#listen(peer)
  }

  count (cid: CID): number { return this.#having.get(cid.toString())?.size ?? 0 }

  /** It has been there from the beginning. */
  add (cid: CID, peer: PeerId): void { this.#of(cid).add(peer) }

  #listen ({ id, name, node }: WatchedNode): void {
    const [pin, unpin] = [node.pin.bind(node), node.unpin.bind(node)]
    node.pin = async (one, options) => {
      await pin(one, options)
      this.add(one.cid, id)
    }
    node.unpin = async (cid, options) => {
      await unpin(cid, options)
      if (this.#of(cid).delete(id)) this.losses++
      const wanted = this.wanted.get(cid.toString())
      if (wanted != null && this.count(cid) < wanted.min) {
        this.#fault(`${wanted.name} is on ${this.count(cid)} peers after ${name} lost it, at least ${wanted.min} must have it`)
      }
    }
  }

  #of (cid: CID): Set<PeerId> {
    const key = cid.toString()
    const found = this.#having.get(key) ?? new Set()
    this.#having.set(key, found)
    return found
  }
}
