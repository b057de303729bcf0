import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { nodeCrypto } from '@libp2p/noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'
import { noiseCrypto } from '../../../src/libp2p/noise-crypto.ts'

const key = randomBytes(32)
const nonce = randomBytes(12)
const data = randomBytes(16)

for (const size of [0, 100, 1199, 1200, 65_519]) {
  test(`a message of ${size} bytes equals noise's own, whole and in pieces, and can be read by it`, () => {
    const plain = randomBytes(size)
    const ours = noiseCrypto()

    const whole = ours.chaCha20Poly1305Encrypt(plain, nonce, data, key).subarray()
    const pieces = ours.chaCha20Poly1305Encrypt(new Uint8ArrayList(plain.subarray(0, 12), plain.subarray(12)), nonce, data, key).subarray()

    const theirs = nodeCrypto.chaCha20Poly1305Encrypt(plain, nonce, data, key).subarray()
    assert.deepEqual(Buffer.from(whole), Buffer.from(theirs))
    assert.deepEqual(Buffer.from(pieces), Buffer.from(theirs))
    const read = ours.chaCha20Poly1305Decrypt(new Uint8ArrayList(theirs.subarray(0, 10), theirs.subarray(10)), nonce, data, key)
    assert.deepEqual(Buffer.from(read.subarray()), plain)
  })
}

test('a changed message is refused', () => {
  const sealed = nodeCrypto.chaCha20Poly1305Encrypt(randomBytes(5000), nonce, data, key).subarray()
  sealed.set([(sealed[9] as number) ^ 1], 9)

  assert.throws(() => noiseCrypto().chaCha20Poly1305Decrypt(sealed, nonce, data, key))
})
