import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { identityJson, newIdentity, parseIdentity, peerIdOf } from '../../../src/node/folder/identity.ts'

describe('identity', () => {
  for (const type of ['Ed25519', 'RSA', 'secp256k1'] as const) {
    it(`reads ${type} keys as libp2p does`, async () => {
      const key = await generateKeyPair(type as 'Ed25519')

      const id = peerIdOf(privateKeyToProtobuf(key))

      assert.equal(id, peerIdFromPrivateKey(key).toString())
    })
  }

  it('survives being written and read', () => {
    const identity = newIdentity()

    const again = parseIdentity(identityJson(identity))

    assert.deepEqual(again, identity)
    assert.match(identity.id, /^12D3KooW/)
  })

  it('refuses an id that is not the key\'s', () => {
    const text = identityJson({ ...newIdentity(), id: newIdentity().id })

    assert.throws(() => parseIdentity(text), { code: 'INVALID_CONFIG', message: /does not match the private_key/ })
  })

  it('refuses a damaged key without showing it', () => {
    const { id, privateKey } = newIdentity()
    const damaged = Uint8Array.from(privateKey, (byte, at) => at === 40 ? byte ^ 1 : byte)
    const texts = [
      identityJson({ id, privateKey: damaged }), identityJson({ id, privateKey: privateKey.subarray(0, 20) }),
      identityJson({ id, privateKey: Uint8Array.of(8, 9, 18, 0) })
    ]

    for (const text of texts) {
      assert.throws(() => parseIdentity(text), (err: Error) => !err.message.includes(JSON.parse(text).private_key))
    }
  })

  it('refuses what is not an identity', () => {
    for (const text of ['', '[]', '{}', '{"id": "x"}', '{"id": "x", "private_key": "%"}', 'null']) {
      assert.throws(() => parseIdentity(text), { code: 'INVALID_CONFIG', message: /^identity: / })
    }
  })

  it('lets variables replace both parts', () => {
    const [mine, other] = [newIdentity(), newIdentity()]
    const key = Buffer.from(other.privateKey).toString('base64')

    const identity = parseIdentity(identityJson(mine), { CLUSTER_ID: other.id, CLUSTER_PRIVATEKEY: key })

    assert.deepEqual(identity, other)
    assert.throws(() => parseIdentity(identityJson(mine), { CLUSTER_ID: other.id }), { code: 'INVALID_CONFIG' })
  })
})
