import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { maxNesting, refuseNestedCbor, refuseNestedJson } from '../../../src/base/nesting.ts'
import { quietMs } from '../../support/poll.ts'

/** Lists of one value in each other. */
const lists = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x81), Buffer.of(0)])
const maps = (depth: number): Buffer => Buffer.concat([...Array.from({ length: depth }, () => Buffer.of(0xa1, 0x61, 0x61)), Buffer.of(0)])
const json = (depth: number): Buffer => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
const tooDeep = { code: 'INVALID_DATA', message: `more than ${maxNesting} values are nested in each other` }

describe('nesting', { timeout: quietMs(5000) }, () => {
  it('is taken up to the limit and refused above it: CBOR', () => {
    for (const nested of [lists, maps]) {
      refuseNestedCbor(nested(maxNesting))
      assert.throws(() => refuseNestedCbor(nested(maxNesting + 1)), tooDeep)
    }
  })

  it('counts tags, and not what lies beside each other', () => {
    const tags = (count: number): Buffer => Buffer.concat([Buffer.alloc(count, 0xc1), Buffer.of(0)])

    refuseNestedCbor(tags(maxNesting))
    assert.throws(() => refuseNestedCbor(tags(maxNesting + 1)), tooDeep)
    refuseNestedCbor(Buffer.concat([Buffer.of(0x99, 0x07, 0xd0), ...Array.from({ length: 2000 }, () => lists(3))]))
  })

  it('looks over bytes and texts, whatever is in them', () => {
    for (const head of [0x59, 0x79]) refuseNestedCbor(Buffer.concat([Buffer.of(head, 0x03, 0xe8), Buffer.alloc(1000, 0x81)]))
  })

  it('has a number of values, too', () => {
    const limits = { depth: 4, items: 3 }

    refuseNestedCbor(Buffer.from('820000', 'hex'), limits)
    assert.throws(() => refuseNestedCbor(Buffer.from('83000000', 'hex'), limits), { code: 'INVALID_DATA', message: 'more than 3 values' })
  })

  it('leaves what is no CBOR to the decoder', () => {
    for (const hex of ['', '9f00ff', '81', 'fc', '9bffffffffffffffff', '5b00']) refuseNestedCbor(Buffer.from(hex, 'hex'))
  })

  it('is taken up to the limit and refused above it: JSON', () => {
    refuseNestedJson(json(maxNesting))
    assert.throws(() => refuseNestedJson(json(maxNesting + 1)), tooDeep)
    assert.throws(() => refuseNestedJson(Buffer.from('{"a":'.repeat(maxNesting + 1))), tooDeep)
  })

  it('ignores brackets in texts and after escapes', () => {
    refuseNestedJson(Buffer.from(`["\\"${'['.repeat(1000)}", "\\\\", ${'[],'.repeat(1000)} "${'{'.repeat(1000)}`))
    assert.throws(() => refuseNestedJson(Buffer.from(`["\\\\"${',['.repeat(1000)}`)), tooDeep)
  })
})
