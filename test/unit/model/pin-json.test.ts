import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCid } from '../../../src/model/cid.ts'
import { goJson, goJsonString } from '../../../src/model/go-json.ts'
import { pinText } from '../../../src/model/pin-json.ts'
import { defaultPinOptions, pinWithOptions, sortedByKey } from '../../../src/model/pin.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { formatTime, zeroTime } from '../../../src/model/time.ts'

const cid = parseCid('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const other = parseCid('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')
const plain: Pin = { ...pinWithOptions(cid, defaultPinOptions()), timestamp: 1_700_000_000_123.456 }

/** As Go's struct has it, key by key. */
const objectOf = (pin: Pin, echo: boolean): object => ({
  replication_factor_min: pin.replicationFactorMin, replication_factor_max: pin.replicationFactorMax, name: pin.name,
  mode: echo ? pin.mode : pin.maxDepth === 0 ? 'direct' : 'recursive', shard_size: pin.shardSize,
  user_allocations: echo && pin.userAllocations.length > 0 ? pin.userAllocations : null, expire_at: formatTime(pin.expireAt),
  metadata: Object.keys(pin.metadata).length > 0 ? sortedByKey(pin.metadata) : echo ? {} : null,
  pin_update: pin.pinUpdate?.toString() ?? null, origins: pin.origins.length > 0 || !echo ? pin.origins : null, cid: pin.cid.toString(),
  type: pin.type, allocations: pin.allocations, max_depth: pin.maxDepth, reference: pin.reference?.toString() ?? null,
  timestamp: formatTime(pin.timestamp)
})

const names = ['', 'a b', '<a href="x">&amp;</a>', 'back\\slash', 'é😀\u2028', '\ud800', 'tab\t', '\u007f', '~', '\u0000']
const pins: Pin[] = [
  ...names.map(name => ({ ...plain, name })), { ...plain, cid: other, reference: cid, pinUpdate: other }, { ...plain, maxDepth: 0 },
  { ...plain, mode: 'direct' },
  { ...plain, userAllocations: ['p<'], allocations: ['q', 'r&'], origins: ['/ip4/1.2.3.4/tcp/1/p2p/x'] },
  { ...plain, metadata: { 'b"': '<', a: '1' } }, { ...plain, expireAt: zeroTime }, { ...plain, expireAt: 0 },
  { ...plain, shardSize: 2 ** 52 }, { ...plain, replicationFactorMin: 1, replicationFactorMax: 2 }, { ...plain, type: 'meta-pin' }
]

describe('the text of a pin', () => {
  for (const form of ['stored', 'echo'] as const) {
    it(`is what Go prints for its struct: ${form}`, () => {
      for (const pin of pins) assert.equal(pinText(pin, { form }), goJson(objectOf(pin, form === 'echo')))
    })
  }

  it('has the expiry as it was given', () => {
    assert.match(pinText(plain, { form: 'echo', expireAt: '2030-01-01T00:00:00+01:00' }), /"expire_at":"2030-01-01T00:00:00\+01:00"/)
  })
})

describe('JSON as Go prints it', () => {
  it('has texts with their escapes, quick or not', () => {
    for (const name of names) assert.equal(goJsonString(name), goJson(name))
  })

  it('has whole numbers of any size, at any depth', () => {
    assert.equal(goJson({ a: [1n, { b: 2n ** 70n }], c: 'x' }), '{"a":[1,{"b":1180591620717411303424}],"c":"x"}')
  })

  it('throws what a value throws', () => {
    assert.throws(() => goJson({ toJSON: () => { throw new RangeError('mine') } }), RangeError)
  })
})

describe('a time as Go prints it', () => {
  it('is the same whatever was printed before', () => {
    const times = [zeroTime, 0, 999.5, 1000, 1000, 0, zeroTime, 1_700_000_000_000, 1_700_000_000_001]

    assert.deepEqual(times.map(formatTime), [
      '0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00.9995Z', '1970-01-01T00:00:01Z', '1970-01-01T00:00:01Z',
      '1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '2023-11-14T22:13:20Z', '2023-11-14T22:13:20.001Z'
    ])
  })
})
