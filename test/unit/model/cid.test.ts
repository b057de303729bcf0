import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { bases } from 'multiformats/basics'
import { create as createDigest } from 'multiformats/hashes/digest'
import { CID, cidOfOwnBytes, cidText, parseCid } from '../../../src/model/cid.ts'

const digests = [0, 1, 20, 32, 64, 127, 128, 300].map(length => new Uint8Array(randomBytes(length)))
const cids = [0x55, 0x70, 0x0129, 0x7f, 0x80].flatMap(codec => [0, 0x12, 0x1012].flatMap(hash =>
  digests.map(digest => CID.createV1(codec, createDigest(hash, digest)))))
const v0 = CID.parse('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')

const same = (one: CID, other: CID): void => {
  assert.deepEqual(one, other)
  assert.ok(one instanceof CID && CID.asCID(one) === one && one.equals(other))
  assert.equal(one.toString(), other.toString())
}

describe('a CID', () => {
  it('is the one that the library reads, whatever its kind', () => {
    for (const cid of [...cids, v0]) same(cidOfOwnBytes(cid.bytes.slice()), CID.decode(cid.bytes))
    for (const cid of cids) {
      same(parseCid(cid.toString()), CID.parse(cid.toString()))
      assert.equal(cidText(parseCid(cid.toString())), cid.toString())
    }
    same(parseCid(v0.toString()), v0)
  })

  it('is refused where the library refuses it, from bytes and from text', () => {
    const [cid = assert.fail()] = cids
    const wrong = [
      [], [1], [1, 0x55], [1, 0x55, 0], [1, 0x55, 0, 2, 7], [1, 0x55, 0, 1, 7, 7], [2, 0x55, 0, 0], [0x12, 0x20, 1], [0x81, 0, 0x55, 0, 1]
    ].map(bytes => Uint8Array.from(bytes))
    for (const bytes of wrong) {
      assert.throws(() => CID.decode(bytes), `${bytes}`)
      assert.throws(() => cidOfOwnBytes(bytes), `${bytes}`)
      assert.throws(() => parseCid(bases.base32.encode(bytes)), { code: 'INVALID_CID' })
    }
    for (const text of [`${cid}a`, 'b', `b${v0}`, ` ${cid}`]) {
      assert.throws(() => parseCid(text), { code: 'INVALID_CID' }, text)
    }
  })
})
