/** A bit for every key of a pinset of some million pins: 1 MiB. */
const bitCount = 2 ** 23
/** With more, a third of the answers would be "perhaps". */
const mostKeys = 3_000_000

/**
 * Which keys a store that began empty may have: a Bloom filter. "No" is certain, and costs a fiftieth of a look at the disk: a joining peer
 * looks for every pin that it is told, and has none of them. Takes 1 MiB.
 */
export class WrittenKeys {
  readonly #bits = new Int32Array(bitCount / 32)
  #count = 0

  /** More keys than it is made for: it is of no use any more. */
  get isFull (): boolean { return this.#count > mostKeys }

  /** To be called before a key is written. */
  add (key: string): void {
    this.#count++
    const [one, other] = hashesOf(key)
    this.#set(one)
    this.#set(other)
    this.#set(one + other)
  }

  /** False: it was never added. */
  mayHave (key: string): boolean {
    const [one, other] = hashesOf(key)
    return this.#has(one) && this.#has(other) && this.#has(one + other)
  }

  #set (hash: number): void {
    const place = hash & (bitCount - 1)
    this.#bits[place >> 5] = (this.#bits[place >> 5] as number) | (1 << (place & 31))
  }

  #has (hash: number): boolean {
    const place = hash & (bitCount - 1)
    return ((this.#bits[place >> 5] as number) & (1 << (place & 31))) !== 0
  }
}

/** FNV-1a over all characters, and the same mixed once more. Who makes keys of equal hashes gains nothing: they are looked up. */
function hashesOf (key: string): [number, number] {
  let hash = 0x811c9dc5 | 0
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return [hash ^ (hash >>> 16), mixed ^ (mixed >>> 12)]
}
