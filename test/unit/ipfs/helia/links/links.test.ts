import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import * as dagPb from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { isClusterError } from '../../../../../src/base/errors.ts'
import { isLeaf, linksOf } from '../../../../../src/ipfs/helia/links/links.ts'
import { blockOf, identityCid } from '../../../../support/blocks.ts'
import { dagCborCodec, dagJsonCodec, dagPbCodec, nodeOf, textBlock } from '../../../../support/dags.ts'

const [a, b] = [textBlock('a').cid, nodeOf([], 'b').cid]
const v0 = CID.createV0(blockOf(Buffer.from('v0')).cid.multihash as Parameters<typeof CID.createV0>[0])
const texts = (cids: CID[]): string[] => cids.map(String)

describe('links of a block', () => {
  it('reads dag-pb: names, sizes, data and repetitions', () => {
    const block = blockOf(
      dagPb.encode({
        Links: [{ Hash: a, Name: 'x'.repeat(300), Tsize: 2 ** 40 }, { Hash: v0, Name: 'y', Tsize: 0 }, { Hash: a, Name: 'z' }],
        Data: Buffer.alloc(1000, 255)
      }),
      dagPbCodec
    )

    assert.deepEqual(texts(linksOf(block)), texts([a, v0, a]))
  })

  it('agrees with @ipld/dag-pb on many shapes', () => {
    for (let count = 0; count < 50; count++) {
      const links = Array.from({ length: count }, (_, n) => ({ Hash: textBlock(`child ${n}`).cid, Name: 'n'.repeat(n * 7), Tsize: n ** 5 }))
      const block = blockOf(dagPb.encode({ Links: links, ...(count % 2 === 0 ? { Data: Buffer.alloc(count * 100) } : {}) }), dagPbCodec)

      assert.deepEqual(texts(linksOf(block)), dagPb.decode(block.bytes).Links.map(link => link.Hash.toString()))
    }
  })

  it('reads dag-cbor of all kinds', () => {
    const value = {
      a: [1, -1, 2 ** 40, 1.5, null, true, 'text', Buffer.alloc(300)], deep: [[[{ link: a }]]], b,
      list: Array.from({ length: 300 }, () => v0)
    }
    const block = blockOf(dagCbor.encode(value), dagCborCodec)

    assert.deepEqual(texts(linksOf(block)).toSorted(), texts([a, b, ...value.list]).toSorted())
  })

  it('reads a dag-cbor block that is one link', () => {
    assert.deepEqual(texts(linksOf(blockOf(dagCbor.encode(a), dagCborCodec))), texts([a]))
  })

  it('reads dag-json: links, not bytes, not objects that look alike', () => {
    const json = {
      one: { '/': a.toString() }, bytes: { '/': { bytes: 'AAAA' } }, more: { '/': b.toString(), other: 1 },
      list: [[{ '/': v0.toString() }]], '/': 'no'
    }

    assert.deepEqual(texts(linksOf(blockOf(Buffer.from(JSON.stringify(json)), dagJsonCodec))), texts([a, v0]))
  })

  it('finds none in raw, json, cbor and unknown codecs', () => {
    for (const codec of [0x55, 0x0200, 0x51, 0x7777]) {
      const block = blockOf(Buffer.from(JSON.stringify({ '/': a.toString() })), codec)

      assert.deepEqual(linksOf(block), [])
      assert.equal(isLeaf(block.cid), true)
    }
  })

  it('reads blocks that are their own address', () => {
    const inline = dagPb.encode({ Links: [{ Hash: a, Name: '', Tsize: 1 }] })
    const cid = CID.createV1(dagPbCodec, identityCid('').multihash)

    assert.deepEqual(texts(linksOf({ cid, bytes: inline })), texts([a]))
  })

  it('survives deep nesting', () => {
    const depth = 100_000
    const json = blockOf(Buffer.from(`${'['.repeat(1000)}{"/":"${a.toString()}"}${']'.repeat(1000)}`), dagJsonCodec)
    const cbor = blockOf(Buffer.concat([Buffer.alloc(depth, 0x81), dagCbor.encode(a)]), dagCborCodec)

    assert.deepEqual(texts(linksOf(json)), texts([a]))
    assert.deepEqual(texts(linksOf(cbor)), texts([a]))
  })

  it('makes CIDs that equal decoded ones, of every kind', () => {
    const sha512 = CID.createV1(0x55, Digest.create(0x13, Buffer.alloc(64, 7)))
    const all = [a, b, v0, sha512, CID.createV1(0x0129, a.multihash), CID.createV1(0x72, identityCid('me').multihash)]

    const links = linksOf(blockOf(dagPb.encode({ Links: all.map(Hash => ({ Hash, Name: '', Tsize: 1 })) }), dagPbCodec))

    assert.deepEqual(links.map(cid => [cid.version, cid.code, cid.multihash.code, cid.multihash.size, cid.toString()]),
      all.map(cid => [cid.version, cid.code, cid.multihash.code, cid.multihash.size, cid.toString()]))
    assert.ok(
      links.every(
        (cid, n) => cid.equals(all[n]!) && Buffer.compare(cid.bytes, all[n]!.bytes) === 0
          && Buffer.compare(cid.multihash.bytes, all[n]!.multihash.bytes) === 0
      )
    )
    assert.ok(links.every(cid => cid.bytes.buffer.byteLength < 100))
  })

  it('says INVALID_DATA of everything else', () => {
    const good = nodeOf([a, b], 'data').bytes
    const bad = [
      blockOf(good.subarray(0, good.length - 1), dagPbCodec),
      blockOf(Buffer.from('no protobuf'), dagPbCodec),
      blockOf(Buffer.from([0x12, 0x02, 0x1a, 0x00]), dagPbCodec),
      blockOf(Buffer.from([0x12, 0x04, 0x0a, 0x02, 0x01, 0x55]), dagPbCodec),
      blockOf(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), dagPbCodec),
      blockOf(new Uint8Array(0), dagCborCodec),
      blockOf(Buffer.from([0x82, 0x01]), dagCborCodec),
      blockOf(Buffer.from([0x01, 0x01]), dagCborCodec),
      blockOf(Buffer.from([0x9f, 0x01, 0xff]), dagCborCodec),
      blockOf(Buffer.from([0xd8, 0x2a, 0x41, 0x00]), dagCborCodec),
      blockOf(Buffer.from([0xc1, 0x01]), dagCborCodec),
      blockOf(Buffer.from([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), dagCborCodec),
      blockOf(Buffer.from('{'), dagJsonCodec),
      blockOf(Buffer.from('{"/":"nonsense"}'), dagJsonCodec)
    ]

    for (const block of bad) {
      assert.throws(() => linksOf(block), err => isClusterError(err, 'INVALID_DATA'), Buffer.from(block.bytes).toString('hex'))
    }
  })
})
