import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeHistoryHeads, decodeHistoryRequest, encodeHistoryHeads, encodeHistoryRequest, maxCidsPerRequest
} from '../../../src/wire/history.ts'
import { ProtobufWriter } from '../../../src/wire/protobuf.ts'
import { headsOf, pinChain } from '../../support/crdt-dag.ts'
import { cidFor } from '../../support/pins.ts'

const cids = headsOf(...pinChain(3, 'pin'))
const badCid = { code: 'INVALID_DATA' }

describe('the frames of the history protocol', () => {
  it('carry roots and known blocks', () => {
    const read = decodeHistoryRequest(encodeHistoryRequest({ roots: cids.slice(0, 1), known: cids.slice(1) }))

    assert.deepEqual([read.roots.map(String), read.known.map(String)], [cids.slice(0, 1).map(String), cids.slice(1).map(String)])
  })

  it('carry heads, and are not empty without any', () => {
    assert.deepEqual(decodeHistoryHeads(encodeHistoryHeads(cids)).map(String), cids.map(String))
    assert.ok(encodeHistoryHeads([]).length > 0)
    assert.deepEqual(decodeHistoryHeads(encodeHistoryHeads([])), [])
  })

  it('pass over fields of later versions', () => {
    const later = new ProtobufWriter().bytesField(
      1, cids[0]?.bytes ?? new Uint8Array(0)
    ).uintField(14, 5).bytesField(15, new Uint8Array(9)).finish()

    assert.equal(decodeHistoryRequest(later).roots.length, 1)
    assert.equal(decodeHistoryHeads(later).length, 1)
  })

  it('are refused with CIDs that no CRDT block has, and with too many', () => {
    const pinCid = new ProtobufWriter().bytesField(1, cidFor('a pin').bytes).finish()
    const garbage = new ProtobufWriter().bytesField(2, Uint8Array.of(1, 2, 3)).finish()
    const many = encodeHistoryRequest({
      roots: Array.from({ length: maxCidsPerRequest + 1 }, () => cids[0]).filter(cid => cid != null), known: []
    })

    assert.throws(() => decodeHistoryRequest(pinCid), badCid)
    assert.throws(() => decodeHistoryRequest(garbage), badCid)
    assert.throws(() => decodeHistoryRequest(many), badCid)
    assert.throws(() => decodeHistoryHeads(pinCid), badCid)
    assert.throws(() => decodeHistoryHeads(Uint8Array.of(10, 200)), badCid)
  })
})
