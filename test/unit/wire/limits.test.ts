import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode as encodeDagPb } from '@ipld/dag-pb'
import { decodeBitswapMessage, encodeBitswapFrame } from '../../../src/wire/bitswap.ts'
import { decodeHeads, encodeHeads, maxHeadsPerBroadcast } from '../../../src/wire/broadcast.ts'
import { crdtBlockPlace, crdtCid, decodeCrdtBlock, encodeCrdtBlock, maxCrdtBlockBytes } from '../../../src/wire/crdt-block.ts'
import { decodeDelta, encodeDelta, maxPriority } from '../../../src/wire/delta.ts'
import {
  decodeHistoryHeads, decodeHistoryRequest, encodeHistoryHeads, encodeHistoryRequest, maxCidsPerRequest, maxHeadsPerAnswer,
  maxHistoryHeaderBytes
} from '../../../src/wire/history.ts'
import { isStorable } from '../../../src/hash/multihash.ts'
import { decodePin } from '../../../src/wire/pin.ts'
import { MsgpackReader } from '../../../src/wire/msgpack.ts'
import { ProtobufReader, ProtobufWriter } from '../../../src/wire/protobuf.ts'
import { list, maddr, maxAddresses } from '../../../src/wire/rpc-schema.ts'
import { cidFor } from '../../support/pins.ts'
import { quietMs } from '../../support/poll.ts'

const invalid = { code: 'INVALID_DATA' }
const { cid } = encodeCrdtBlock({ elements: [], tombstones: [], priority: 1 }, [])
const times = (count: number): typeof cid[] => Array.from({ length: count }, () => cid)

/** What stands in front of the message is its length. */
const bodyOf = (frame: Uint8Array): Uint8Array => frame.subarray(frame.findIndex(byte => byte < 128) + 1)

describe('the limits of what other peers send', { timeout: quietMs(10_000) }, () => {
  it('a bitswap message has 100,000 wants, blocks and presences, and no more', () => {
    const most = 100_000
    const one = Uint8Array.of(1)
    const messages = (count: number) => {
      const list = <T>(value: T): T[] => Array.from({ length: count }, () => value)
      return [
        { wants: list({ cid: one }) }, { blocks: list({ prefix: one, data: one }) }, { presences: list({ cid: one, has: true }) }
      ].map(message => bodyOf(encodeBitswapFrame(message)))
    }

    const [wants, blocks, presences] = messages(most).map(decodeBitswapMessage)

    assert.deepEqual([wants?.wantlist?.entries.length, blocks?.blocks.length, presences?.blockPresences.length], [most, most, most])
    for (const message of messages(most + 1)) assert.throws(() => decodeBitswapMessage(message), invalid)
    // two lists count together
    const half = messages(most / 2)[0] ?? one
    assert.equal(decodeBitswapMessage(Buffer.concat([half, half])).wantlist?.entries.length, most)
    assert.throws(() => decodeBitswapMessage(Buffer.concat([half, half, half])), invalid)
  })

  it('a CRDT block has 4 MiB', () => {
    assert.equal(maxCrdtBlockBytes, 4 * 1024 * 1024)
    // a delta of one field that is passed over
    const blockOf = (sizeBytes: number): Uint8Array => {
      const rest = 2 * (1 + 4)
      const bytes = encodeDagPb({
        Links: [], Data: new ProtobufWriter(sizeBytes).bytesField(15, new Uint8Array(sizeBytes - rest)).finish()
      })
      assert.equal(bytes.length, sizeBytes)
      return bytes
    }
    const [most, more] = [blockOf(maxCrdtBlockBytes), blockOf(maxCrdtBlockBytes + 1)]

    assert.equal(decodeCrdtBlock(crdtCid(most), most).links.length, 0)
    assert.equal(crdtBlockPlace(most).priority, 0)
    assert.throws(() => decodeCrdtBlock(crdtCid(more), more), invalid)
    assert.throws(() => crdtBlockPlace(more), invalid)
  })

  it('a delta is at height 2^48 at most', () => {
    assert.equal(maxPriority, 2 ** 48)

    assert.equal(decodeDelta(encodeDelta({ elements: [], tombstones: [], priority: maxPriority })).priority, maxPriority)
    assert.throws(() => decodeDelta(encodeDelta({ elements: [], tombstones: [], priority: maxPriority + 1 })), invalid)
  })

  it('an announcement and an answer have 10,000 heads, a question 4000 CIDs of both kinds together', () => {
    assert.deepEqual([maxHeadsPerBroadcast, maxHeadsPerAnswer, maxCidsPerRequest], [10_000, 10_000, 4000])

    assert.equal(decodeHeads(encodeHeads(times(maxHeadsPerBroadcast))).length, maxHeadsPerBroadcast)
    assert.throws(() => decodeHeads(encodeHeads(times(maxHeadsPerBroadcast + 1))), invalid)
    assert.equal(decodeHistoryHeads(encodeHistoryHeads(times(maxHeadsPerAnswer))).length, maxHeadsPerAnswer)
    assert.throws(() => decodeHistoryHeads(encodeHistoryHeads(times(maxHeadsPerAnswer + 1))), invalid)
    assert.equal(decodeHistoryRequest(encodeHistoryRequest({ roots: times(1000), known: times(3000) })).known.length, 3000)
    assert.throws(() => decodeHistoryRequest(encodeHistoryRequest({ roots: times(1001), known: times(3000) })), invalid)
  })

  it('the longest question and the longest head of an answer fit into their frame', () => {
    assert.equal(maxHistoryHeaderBytes, 512 * 1024)

    assert.ok(encodeHistoryRequest({ roots: times(maxCidsPerRequest), known: [] }).length <= maxHistoryHeaderBytes)
    assert.ok(encodeHistoryHeads(times(maxHeadsPerAnswer)).length <= maxHistoryHeaderBytes)
  })

  it('the ID of a peer in a pin has 2 to 256 bytes', () => {
    const pinOf = (sizeBytes: number): Uint8Array => new ProtobufWriter(300).bytesField(3, new Uint8Array(sizeBytes)).finish()

    for (const sizeBytes of [2, 256]) assert.equal(decodePin(pinOf(sizeBytes), cidFor('a')).allocations.length, 1)
    for (const sizeBytes of [1, 257]) assert.throws(() => decodePin(pinOf(sizeBytes), cidFor('a')), invalid)
  })

  it('of the origins of a pin 1000 are looked at, whether they can be read or not', () => {
    const address = Uint8Array.of(4, 127, 0, 0, 1)
    const withOrigins = (count: number, first = address): number => {
      const options = new ProtobufWriter(8 * count).bytesField(9, first)
      for (let at = 1; at < count; at++) options.bytesField(9, address)
      return decodePin(new ProtobufWriter(8 * count).bytesField(6, options.finish()).finish(), cidFor('a')).origins.length
    }

    assert.deepEqual([withOrigins(1000), withOrigins(1001), withOrigins(1001, Uint8Array.of(255))], [1000, 1000, 999])
  })

  it('a list of addresses has 10,000, and is refused as soon as it says that it has more', () => {
    const codec = list(maddr, maxAddresses)
    const read = (count: number) => codec.read(
      new MsgpackReader(
        Buffer.concat(
          [
            Buffer.from(`dd${count.toString(16).padStart(8, '0')}`, 'hex'),
            ...Array.from({ length: Math.min(count, maxAddresses) }, () => Buffer.from('a5047f000001', 'hex'))
          ]
        )
      )
    )

    assert.equal(maxAddresses, 10_000)
    assert.equal(read(maxAddresses)?.length, maxAddresses)
    assert.throws(() => read(maxAddresses + 1), { code: 'INVALID_DATA', message: 'a list of more than 10000 items' })
  })

  it('a time in a pin lies in the years 1 to 9999', () => {
    const pinAt = (seconds: number): Uint8Array => new ProtobufWriter(20).uintField(7, BigInt.asUintN(64, BigInt(seconds))).finish()
    const [first, last] = [Date.parse('0001-01-01T00:00:00Z') / 1000, Date.parse('9999-12-31T23:59:59Z') / 1000]

    for (const seconds of [first, last]) assert.equal(decodePin(pinAt(seconds), cidFor('a')).timestamp, seconds * 1000)
    for (const seconds of [first - 1, last + 1]) assert.throws(() => decodePin(pinAt(seconds), cidFor('a')), invalid)
  })

  it('a varint has ten bytes', () => {
    const read = (bytes: number): number | bigint => {
      const reader = new ProtobufReader(Uint8Array.of(8, ...Array.from({ length: bytes - 1 }, () => 0x80), 1))
      reader.next()
      return reader.uint64()
    }

    assert.equal(read(10), 2n ** 63n)
    assert.throws(() => read(11), invalid)
  })

  it('the digest of a block that is stored has 20 to 128 bytes, of an identity any number up to 128', () => {
    const [sha256, identity] = [0x12, 0]

    assert.deepEqual([19, 20, 128, 129].map(length => isStorable(sha256, length)), [false, true, true, false])
    assert.deepEqual([0, 128, 129].map(length => isStorable(identity, length)), [true, true, false])
  })
})
