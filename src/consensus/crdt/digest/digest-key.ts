import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { addPair, sumWords, wordBytes } from './sums.ts'
import type { Words } from './sums.ts'
import { SipHash } from './sip-hash.ts'

const label = 'helia-cluster pinset digest 2'
const pairBytes = 16
const toldBytes = 32
const idBytes = 16
const shortBytes = 12

/**
 * What the digests of a cluster are made with (docs/design/pinset-digest.md): keys that its peers derive from the secret they share.
 * Nothing that is made with them tells the secret.
 */
export class DigestKey {
  /** Which key it is, as records have it: 16 bytes. */
  readonly id: Uint8Array
  readonly #pairs: SipHash
  /** Not its bytes: of those Node 24 makes a key for each digest, which takes seven times as long as the digest. */
  readonly #told: KeyObject

  /** `secret`: the cluster's; undefined: it has none, and everybody knows this key. */
  constructor (secret: Uint8Array | undefined) {
    const bytes = new Uint8Array(hkdfSync('sha256', secret ?? new Uint8Array(0), '', label, pairBytes + toldBytes + idBytes))
    this.#pairs = new SipHash(bytes.subarray(0, pairBytes))
    this.#told = createSecretKey(bytes.subarray(pairBytes, pairBytes + toldBytes))
    this.id = bytes.subarray(pairBytes + toldBytes)
  }

  /** The hash of a pair: four words, valid until the next call. Keys are ASCII and have no zero byte. */
  pair (key: string, value: Uint8Array): Int32Array {
    const keyLength = key.length
    const length = keyLength + 1 + value.length
    const bytes = this.#pairs.room(length)
    for (let at = 0; at < keyLength; at++) bytes[at] = key.charCodeAt(at)
    bytes[keyLength] = 0
    bytes.set(value, keyLength + 1)
    return this.#pairs.finish(length)
  }

  /** The sum of one pair alone. */
  sumOf (key: string, value: Uint8Array): Words {
    const sum = new Int32Array(sumWords)
    addPair(sum, { at: 0, by: 1, hash: this.pair(key, value) })
    return sum
  }

  /** The 64 hexadecimal digits that stand for a sum: who doesn't know the key learns nothing but whether two are the same. */
  told (sum: Words): string { return this.#mac(sum).toString('hex') }

  /** Twelve bytes of that as text: enough to find what differs. */
  short (sum: Words): string { return this.#mac(sum).subarray(0, shortBytes).toString('base64') }

  #mac (sum: Words): Buffer { return createHmac('sha256', this.#told).update(wordBytes(sum)).digest() }
}
