import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@libp2p/noise'
import { defaultCrypto } from '@libp2p/noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'

/** Below this noise's WebAssembly is the faster one. */
const smallBytes = 1200
const tag = { authTagLength: 16 } as const

/**
 * noise's functions with two differences for large messages: a key is handed to Node's crypto once and not with every message, and what was
 * ciphered is not copied again.
 */
export function noiseCrypto (): ICryptoInterface {
  const keys = new WeakMap<Uint8Array, KeyObject>()
  const keyOf = (bytes: Uint8Array): KeyObject => {
    const known = keys.get(bytes)
    if (known != null) return known
    const key = createSecretKey(bytes)
    keys.set(bytes, key)
    return key
  }

  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt: (plaintext, nonce, ad, k) => {
      if (plaintext.byteLength < smallBytes) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, k)
      const cipher = createCipheriv('chacha20-poly1305', keyOf(k), nonce, tag)
      cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
      const output = new Uint8ArrayList()
      for (const piece of piecesOf(plaintext)) output.append(cipher.update(piece))
      cipher.final()
      output.append(cipher.getAuthTag())
      return output
    },
    chaCha20Poly1305Decrypt: (ciphertext, nonce, ad, k, target) => {
      if (ciphertext.byteLength < smallBytes) return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k, target)
      const end = ciphertext.byteLength - tag.authTagLength
      const decipher = createDecipheriv('chacha20-poly1305', keyOf(k), nonce, tag)
      decipher.setAAD(ad, { plaintextLength: end })
      decipher.setAuthTag(ciphertext.subarray(end))
      const output = new Uint8ArrayList()
      for (const piece of piecesOf(ciphertext instanceof Uint8Array ? ciphertext.subarray(0, end) : ciphertext.sublist(0, end))) {
        output.append(decipher.update(piece))
      }
      decipher.final() // throws when the tag is wrong, before anything is handed on
      return output
    }
  }
}

const piecesOf = (bytes: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> => bytes instanceof Uint8Array ? [bytes] : bytes
