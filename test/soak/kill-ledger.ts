/** What users know of an item. `open`: the answer to the last change never came, so either is right until somebody looks. */
export type Known = 'in' | 'out' | 'open'

/** An item that users pin and unpin: always at the same peer, one change after the other. */
export interface Item {
  /** As the API prints it. */
  cid: string
  /** The place of the peer that is asked. */
  owner: number
  state: Known
  /** Somebody waits for an answer about it. */
  isBusy: boolean
  /** What was added; undefined: a pin alone. */
  content?: Uint8Array
}

/** All items of a cluster. */
export class Ledger {
  readonly #items = new Map<string, Item>()

  get size (): number { return this.#items.size }

  /** The item; a new one when nobody knew it. */
  item (cid: string, init: Pick<Item, 'owner'> & Partial<Pick<Item, 'content'>>): Item {
    const known = this.#items.get(cid) ?? { cid, state: 'out', isBusy: false, ...init }
    this.#items.set(cid, known)
    return known
  }

  get (cid: string): Item | undefined { return this.#items.get(cid) }

  /** Those that nobody waits for. */
  idle (state: Known): Item[] { return [...this.#items.values()].filter(item => item.state === state && !item.isBusy) }
  all (): Item[] { return [...this.#items.values()] }
}
