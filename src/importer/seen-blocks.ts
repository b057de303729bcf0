import { hash } from 'node:crypto'
import type { CID } from 'multiformats/cid'

const wordsPerSlot = 4
const firstSlots = 1 << 10

/**
 * Remembers which CIDs it was shown, in bounded memory: 128 bits of each CID's SHA-256 in two open-addressed tables. When the younger one
 * is full it becomes the older one, which is forgotten: at least the last `generation` distinct CIDs are known. At most 32 bytes × 2 ×
 * `generation`.
 */
export class SeenBlocks {
  readonly #generation: number
  #young = new FingerprintTable()
  #old = new FingerprintTable()

  constructor (generation: number) { this.#generation = generation }

  /** False when the CID was shown before. */
  add (cid: CID): boolean {
    const digest = hash('sha256', cid.bytes, 'buffer')
    const fingerprint = Uint32Array.from({ length: wordsPerSlot }, (_, i) => digest.readUInt32LE(4 * i))
    if (this.#old.has(fingerprint) || !this.#young.add(fingerprint)) return false
    if (this.#young.count >= this.#generation) {
      this.#old = this.#young
      this.#young = new FingerprintTable()
    }
    return true
  }
}

class FingerprintTable {
  #words = new Uint32Array(firstSlots * wordsPerSlot)
  count = 0

  has (fingerprint: Uint32Array): boolean { return this.#words[this.#find(fingerprint)] !== 0 }

  /** False when it is there already. */
  add (fingerprint: Uint32Array): boolean {
    const at = this.#find(fingerprint)
    if (this.#words[at] !== 0) return false
    this.#words.set(fingerprint, at)
    this.#words[at] ||= 1
    if (++this.count * 2 * wordsPerSlot > this.#words.length) this.#grow()
    return true
  }

  /** Where it is, or the free slot where it belongs. A first word of 0 means free, so 0 is stored as 1. */
  #find (fingerprint: Uint32Array): number {
    const words = this.#words
    const first = fingerprint[0] || 1
    const slots = words.length / wordsPerSlot
    for (let slot = first & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * wordsPerSlot
      if (words[at] === 0) return at
      if (words[at] === first && words[at + 1] === fingerprint[1] && words[at + 2] === fingerprint[2] && words[at + 3] === fingerprint[3]) {
        return at
      }
    }
  }

  #grow (): void {
    const former = this.#words
    this.#words = new Uint32Array(former.length * 2)
    for (let at = 0; at < former.length; at += wordsPerSlot) {
      if (former[at] === 0) continue
      const fingerprint = former.subarray(at, at + wordsPerSlot)
      this.#words.set(fingerprint, this.#find(fingerprint))
    }
  }
}
