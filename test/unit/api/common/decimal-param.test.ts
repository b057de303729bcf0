import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { integer } from '../../../../src/api/ipfs-proxy/embedded/arguments.ts'
import { decimalOf } from '../../../../src/api/common/decimal-param.ts'
import { parseInteger } from '../../../../src/api/common/pin-options.ts'
import { queryInt } from '../../../../src/api/service/v1/fields.ts'
import { Query } from '../../../../src/http/request/query.ts'

/** What JavaScript reads as numbers, and nobody means. */
const odd = ['0b11', '0x10', '1e3', ' 5', '5 ', '5\n', '+5', '-5', '5.', '.5', 'Infinity', 'NaN', '1_000', '1,000', '٥', '']

describe('numbers in queries', () => {
  it('are digits and a fraction where the parameter is ours', () => {
    assert.deepEqual(odd.map(decimalOf).filter(value => !Number.isNaN(value)), [])
    assert.deepEqual(['0', '5', '007', '0.5', '5.0', '999999999999999'].map(decimalOf), [0, 5, 7, 0.5, 5, 999_999_999_999_999])
    assert.ok(Number.isNaN(decimalOf('9'.repeat(16))))
  })

  it('are digits in the lists of the service', () => {
    const limit = queryInt(0, 1000)

    assert.deepEqual([...odd, '1001', '5.0', ['5', '6'], ['5']].filter(text => limit.safeParse(text).success), [])
    assert.deepEqual(['0', '5', '1000'].map(text => limit.parse(text)), [0, 5, 1000])
    assert.equal(limit.optional().parse(undefined), undefined)
  })

  it('are what Go reads where they are Go\'s: a sign, and no other form', () => {
    const read = (text: string): number | string => {
      try {
        return parseInteger(text, 'x')
      } catch {
        return 'refused'
      }
    }

    assert.deepEqual(['+5', '-5', '007', ''].map(read), [5, -5, 7, 0])
    for (const text of odd.filter(one => !['+5', '-5', ''].includes(one))) assert.equal(read(text), 'refused', text)
  })

  it('are what Kubo reads where they are Kubo\'s: with its prefixes, and no others', () => {
    const read = (text: string, atLeast: number): number | string => {
      try {
        return integer(new Query(`n=${encodeURIComponent(text)}`), 'n', { whenMissing: 9, atLeast })
      } catch {
        return 'refused'
      }
    }

    assert.deepEqual(['0x10', '0b11', '0o17', '017', '+5', '-5', ''].map(text => read(text, -Infinity)), [16, 3, 15, 15, 5, -5, 9])
    assert.deepEqual(['+5', '-5', '5', '0x10'].map(text => read(text, 0)), ['refused', 'refused', 5, 16])
    for (const text of ['1e3', ' 5', '5.0', 'Infinity', '0x', '08', '1.5']) assert.equal(read(text, -Infinity), 'refused', text)
  })
})
