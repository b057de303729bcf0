import type { Words } from './fingerprint.ts'

const firstSlots = 16
/** Share of slots that may be taken. */
const load = 0.6

/** A set of 128-bit keys that aren't zero, 16 bytes a slot, open addressing. `seed`: four random words that decide on slots. */
export class HashTable {
  readonly #seed: Uint32Array
  #slots = new Uint32Array(firstSlots * 4)
  #count = 0

  constructor (seed: Uint32Array) { this.#seed = seed }

  get size (): number { return this.#count }
  isFull (): boolean { return this.#count * 4 >= this.#slots.length * load }

  has (words: Words): boolean { return !this.#isEmpty(this.#find(words)) }

  /** True when it wasn't there. */
  add (words: Words): boolean {
    const at = this.#find(words)
    if (!this.#isEmpty(at)) return false
    this.#slots.set(words, at)
    this.#count++
    return true
  }

  /** Twice the slots, unless that would be more than `maxSlots`: false. */
  grow (maxSlots: number): boolean {
    if (this.#slots.length / 2 > maxSlots) return false
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += 4) {
      const words = old.subarray(at, at + 4)
      if ((words[0]! | words[1]! | words[2]! | words[3]!) !== 0) this.#slots.set(words, this.#find(words))
    }
    return true
  }

  /** The keys as 16 bytes each, views of the table. */
  * keys (): Generator<Uint8Array> {
    for (let at = 0; at < this.#slots.length; at += 4) {
      if (!this.#isEmpty(at)) yield new Uint8Array(this.#slots.buffer, at * 4, 16)
    }
  }

  #isEmpty (at: number): boolean {
    const slots = this.#slots
    return (slots[at]! | slots[at + 1]! | slots[at + 2]! | slots[at + 3]!) === 0
  }

  /** Where the key is, or the empty slot where it belongs. */
  #find (words: Words): number {
    const slots = this.#slots
    const mask = slots.length - 4
    const [a, b, c, d] = [words[0]!, words[1]!, words[2]!, words[3]!]
    const seed = this.#seed
    const mixed = Math.imul(a, seed[0]! | 1) + Math.imul(b, seed[1]! | 1) + Math.imul(c, seed[2]! | 1) + Math.imul(d, seed[3]! | 1)
    for (let at = ((mixed ^ (mixed >>> 15)) << 2) & mask; ; at = (at + 4) & mask) {
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d) return at
      if ((slots[at]! | slots[at + 1]! | slots[at + 2]! | slots[at + 3]!) === 0) return at
    }
  }
}
