import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCid } from '../../../src/model/cid.ts'
import { defaultPinOptions, pinWithOptions } from '../../../src/model/pin.ts'
import type { Pin } from '../../../src/model/pin.ts'
import { zeroTime } from '../../../src/model/time.ts'
import { asStored, decodePin, encodePin } from '../../../src/wire/pin.ts'

const cid = parseCid('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const other = parseCid('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')
const peer = '12D3KooWQ9vdWqAvX9KTYB5ysCsgC1orrEqkosGFuNsKhPtj3wmi'
const everywhere = { ...defaultPinOptions(), replicationFactorMin: -1, replicationFactorMax: -1 }
const plain: Pin = { ...pinWithOptions(cid, everywhere), timestamp: 1_700_000_000_123.5 }

const usual: Array<Partial<Pin>> = [
  {}, { name: 'a name' }, { name: '\ufeffé\u0000😀' }, { cid: other }, { type: 'shard-pin', maxDepth: 2 }, { type: 'bad-type' },
  { maxDepth: 0, mode: 'recursive' }, { mode: 'direct' }, { allocations: [peer], replicationFactorMin: 1, replicationFactorMax: 3 },
  { userAllocations: [peer] }, { expireAt: 1_800_000_000_999 }, { expireAt: zeroTime }, { expireAt: 1000 }, { timestamp: zeroTime },
  { timestamp: 253_402_300_799_999 }
]
/** Some of these come back as something else, and some can't be read at all. */
const unusual: Array<Partial<Pin>> = [
  { name: 'half \ud800 a pair' }, { expireAt: 0 }, { expireAt: 999 }, { timestamp: -5000.5 }, { timestamp: 253_402_300_800_000 },
  { shardSize: 100 }, { shardSize: 2 ** 52 }, { allocations: ['1'] },
  { metadata: { b: '2', a: '1', 'ä': 'ö' } }, { pinUpdate: other }, { reference: other },
  { origins: [`/ip4/1.2.3.4/tcp/080/p2p/${peer}`] }, { replicationFactorMin: 2 ** 31, replicationFactorMax: 2 ** 31 }
]

describe('a pin as it is stored', () => {
  for (const change of usual) {
    it(`is what its bytes say: ${JSON.stringify(change)}`, () => {
      const pin = { ...plain, ...change }

      const stored = asStored(pin)

      assert.deepEqual(stored, decodePin(encodePin(pin), pin.cid))
    })
  }

  for (const change of unusual) {
    it(`has to be read: ${JSON.stringify(change)}`, () => {
      assert.equal(asStored({ ...plain, ...change }), undefined)
    })
  }

  it('shares nothing with the pin that it was made of', () => {
    const allocations = [peer]
    const stored = asStored({ ...plain, allocations, replicationFactorMin: 1, replicationFactorMax: 1 })

    allocations.push('later')

    assert.deepEqual(stored?.allocations, [peer])
  })
})
