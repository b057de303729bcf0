import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base10 } from 'multiformats/bases/base10'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { normalPeerId } from '../../../src/config/peer-id-text.ts'
import { jsonLinks } from '../../../src/ipfs/helia/links/links.ts'
import { maxPeerIdBytes, maxSlowText, parseCid, peerIdBytes, peerIdFromBytes } from '../../../src/model/cid.ts'
import { decodeDagJson } from '../../../src/model/dag-json.ts'
import { ipnsRoutingKey, parseIpnsKey, peerOfRoutingKey } from '../../../src/model/ipns-name.ts'
import { maxMultiaddrBytes, maxMultiaddrText, multiaddrBytes, multiaddrFromBytes, parseMultiaddr } from '../../../src/model/multiaddr.ts'
import { quietMs } from '../../support/poll.ts'

/** A CID whose text in this base has so many characters: identity digests of as many bytes as it takes. */
function cidOfLength (base: { encode (bytes: Uint8Array): string }, length: number): string {
  const charactersPerByte = base.encode(new Uint8Array(1000).fill(7)).length / 1000
  for (let bytes = Math.floor(length / charactersPerByte) - 10; ; bytes++) {
    const text = base.encode(CID.createV1(0x55, Digest.create(0, new Uint8Array(bytes).fill(7))).bytes)
    if (text.length >= length) return text
  }
}

const slow = { base58btc, base36, base10 }
const asJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('texts that take long to read when they are long', { timeout: quietMs(5000) }, () => {
  for (const [name, base] of Object.entries(slow)) {
    it(`a CID in ${name} has 1024 characters`, () => {
      assert.equal(maxSlowText, 1024)
      const [near, more] = [cidOfLength(base, 1020), cidOfLength(base, 1025)]

      assert.ok(near.length <= 1024 && parseCid(near).multihash.size > 300)
      assert.throws(() => parseCid(more), { code: 'INVALID_CID', message: 'invalid cid: the text has more than 1024 characters' })
    })
  }

  it('a CID of 1024 characters that is none says why, and one with a character more only its length', () => {
    const text = (length: number): string => 'z'.padEnd(length, '1')

    assert.throws(() => parseCid(text(1024)), { code: 'INVALID_CID', message: /^invalid cid: (?!the text)/ })
    assert.throws(() => parseCid(text(1025)), { code: 'INVALID_CID', message: 'invalid cid: the text has more than 1024 characters' })
    assert.throws(
      () => parseCid(`b${'!'.repeat(1023)}`), { code: 'INVALID_CID', message: 'invalid cid: illegal base32 data at input byte 0' }
    )
    assert.throws(() => parseCid(`b${'!'.repeat(1024)}`), { code: 'INVALID_CID', message: 'invalid cid: the text has 1025 characters' })
  })

  it('a CID in another base may be longer: reading it takes time that is linear', () => {
    const long = CID.createV1(0x55, Digest.create(0, new Uint8Array(100_000)))

    assert.ok(parseCid(long.toString()).equals(long))
  })

  it('a peer ID has 256 bytes, and as text 1024 characters', () => {
    assert.equal(maxPeerIdBytes, 256)

    assert.deepEqual(peerIdBytes(peerIdFromBytes(new Uint8Array(256).fill(1))), new Uint8Array(256).fill(1))
    assert.throws(
      () => peerIdFromBytes(new Uint8Array(257).fill(1)), { code: 'INVALID_DATA', message: 'a peer ID has more than 256 bytes' }
    )
    assert.equal(peerIdBytes('1'.repeat(1024)).length, 1024)
    assert.throws(
      () => peerIdBytes('1'.repeat(1025)),
      { code: 'INVALID_ARGUMENT', message: 'failed to parse peer ID: the text has more than 1024 characters' }
    )
    for (const length of [1024, 1025]) {
      assert.deepEqual([normalPeerId('1'.repeat(length)), parseIpnsKey('1'.repeat(length))], [undefined, undefined])
    }
  })

  it('a key of the DHT holds a peer ID of 256 bytes, or none', () => {
    const peer = '12D3KooWDkNqEJNmreF3NYYFK1ws7Ra2fuW6cHBTu567SPV3LdYA'
    const key = ipnsRoutingKey(peer)

    assert.equal(peerOfRoutingKey(key), peer)
    for (const bytes of [256, 257]) {
      assert.equal(peerOfRoutingKey(Buffer.concat([key.subarray(0, 6), new Uint8Array(bytes).fill(1)])), undefined)
    }
  })

  it('a link of a DAG-JSON block has 1024 characters, and other texts any number', () => {
    const [near, more] = [cidOfLength(base58btc, 1020), cidOfLength(base58btc, 1025)]
    const block = (link: string): Buffer => asJson({ a: [{ '/': link }], text: `z${'1'.repeat(5000)}` })
    const tooLong = { code: 'INVALID_DATA', message: 'the text of a link has more than 1024 characters' }

    assert.equal([...jsonLinks(block(near))].length, 1)
    assert.equal((decodeDagJson(block(near)) as { a: CID[] }).a[0]?.toString(base58btc), near)
    assert.throws(() => [...jsonLinks(block(more))], { code: 'INVALID_CID' })
    assert.throws(() => decodeDagJson(block(more)), tooLong)
    // however the key is written
    assert.throws(() => decodeDagJson(Buffer.from(`{"\\u002f":"${more}"}`)), tooLong)
    assert.throws(() => decodeDagJson(asJson({ '/': more })), tooLong)
  })

  it('texts of a block that lie between quotes and escapes are told apart', () => {
    const values = [
      { a: '"'.repeat(2000) }, { a: '\\'.repeat(1025) }, [`${'x'.repeat(1024)}`, 'y'], { a: { '/': { bytes: 'AAAA'.repeat(1000) } } }
    ]

    for (const value of values) assert.doesNotThrow(() => decodeDagJson(asJson(value)))
  })

  it('an address has 512 bytes, and as text 2048 characters', () => {
    // five bytes for a host, three for a port
    const most = multiaddrBytes('/ip4/10.0.0.1/tcp/1'.repeat(64))
    const circuits = '/p2p-circuit'.repeat(170)

    assert.deepEqual([maxMultiaddrBytes, maxMultiaddrText, most.length], [512, 2048, 512])
    assert.equal(multiaddrFromBytes(most), '/ip4/10.0.0.1/tcp/1'.repeat(64))
    assert.throws(
      () => multiaddrFromBytes(Buffer.concat([most, most.subarray(0, 5)])),
      { code: 'INVALID_DATA', message: 'an address has more than 512 bytes' }
    )
    assert.throws(
      () => multiaddrBytes('/ip4/10.0.0.1/tcp/1'.repeat(65)), { code: 'INVALID_ARGUMENT', message: 'an address has more than 512 bytes' }
    )
    assert.equal(parseMultiaddr(`${circuits}/quic-v1`).toString().length, 2048)
    assert.throws(
      () => parseMultiaddr(`${circuits}/tls/http`), { code: 'INVALID_ARGUMENT', message: 'an address has more than 2048 characters' }
    )
  })
})
