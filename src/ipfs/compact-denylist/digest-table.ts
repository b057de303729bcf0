import { yieldToEventLoop } from '../../base/event-loop.ts'

/** Filled so far before it grows. */
const mostFilled = 0.75
/** What a finished table is filled. */
const finallyFilled = 0.7

/** Parts of a table. Each grows by itself, so that no growing takes long. */
const parts = 256
/** Parts that are made smaller without a break. */
const finishedAtOnce = 16

/**
 * Numbers above 0 by keys that are digests: of each, the first 16 bytes count. 20 bytes a slot, outside of V8's heap; two digests that
 * agree in 128 bits don't come by chance.
 */
export class DigestTable {
  readonly #parts: Array<Part | undefined> = Array.from({ length: parts })
  #size = 0

  get size (): number { return this.#size }
  get sizeBytes (): number { return this.#parts.reduce((sum, part) => sum + (part?.sizeBytes ?? 0), 0) }

  /** 0: nothing is known. */
  get (digest: Uint8Array): number { return this.#parts[partOf(digest)]?.get(digest) ?? 0 }

  /** Takes the place of what was there. */
  set (digest: Uint8Array, value: number): void {
    const at = partOf(digest)
    const part = this.#parts[at] ??= new Part()
    const before = part.size
    part.set(digest, value)
    this.#size += part.size - before
  }

  /** Gives back the room that was for more. Others get their turn meanwhile. */
  async finish (): Promise<void> {
    for (const [at, part] of this.#parts.entries()) {
      part?.finish()
      if (at % finishedAtOnce === finishedAtOnce - 1) await yieldToEventLoop()
    }
  }
}

/** Of the last byte that counts: the first ones say where in its part a digest is. */
const partOf = (digest: Uint8Array): number => digest[15] ?? 0

class Part {
  #capacity: number
  #keys: Uint32Array
  #values: Uint32Array
  #size = 0

  constructor (capacity = 8) {
    this.#capacity = capacity
    this.#keys = new Uint32Array(capacity * 4)
    this.#values = new Uint32Array(capacity)
  }

  get size (): number { return this.#size }
  get sizeBytes (): number { return this.#keys.byteLength + this.#values.byteLength }

  get (digest: Uint8Array): number {
    return this.#size === 0 ? 0 : this.#values[this.#slotOf(word(digest, 0), word(digest, 4), word(digest, 8), word(digest, 12))] ?? 0
  }

  set (digest: Uint8Array, value: number): void {
    if (this.#size >= this.#capacity * mostFilled) this.#resize(this.#capacity * 2)
    this.#put(word(digest, 0), word(digest, 4), word(digest, 8), word(digest, 12), value)
  }

  finish (): void { this.#resize(Math.max(1, Math.ceil(this.#size / finallyFilled) + 1)) }

  #put (a: number, b: number, c: number, d: number, value: number): void {
    const slot = this.#slotOf(a, b, c, d)
    if (this.#values[slot] === 0) {
      this.#size++
      this.#keys.set([a, b, c, d], slot * 4)
    }
    this.#values[slot] = value
  }

  /** Where this key is, or would be. There is always an empty slot. */
  #slotOf (a: number, b: number, c: number, d: number): number {
    const keys = this.#keys
    for (let slot = a % this.#capacity; ; slot = slot + 1 === this.#capacity ? 0 : slot + 1) {
      const at = slot * 4
      if (this.#values[slot] === 0 || (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d)) return slot
    }
  }

  #resize (capacity: number): void {
    const keys = this.#keys
    const values = this.#values
    this.#capacity = capacity
    this.#keys = new Uint32Array(capacity * 4)
    this.#values = new Uint32Array(capacity)
    this.#size = 0
    for (const [slot, value] of values.entries()) {
      if (value !== 0) this.#put(keys[slot * 4] ?? 0, keys[slot * 4 + 1] ?? 0, keys[slot * 4 + 2] ?? 0, keys[slot * 4 + 3] ?? 0, value)
    }
  }
}

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0) << 16 | (bytes[at + 3] ?? 0) << 24) >>> 0
