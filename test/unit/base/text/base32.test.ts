import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { base32 as libraryLower, base32upper as libraryUpper } from 'multiformats/bases/base32'
import { base32, base32Upper, fromBase32, fromBase32Upper } from '../../../../src/base/text/base32.ts'

const lengths = [...Array(70).keys(), 319, 320, 321, 5000]
const samples = lengths.map(length => randomBytes(length))

describe('base32', () => {
  it('prints as multiformats does, without the prefix', () => {
    for (const bytes of samples) {
      assert.equal(base32(bytes), libraryLower.encode(bytes).slice(1))
      assert.equal(base32Upper(bytes), libraryUpper.encode(bytes).slice(1))
    }
  })

  it('reads what it prints', () => {
    for (const bytes of samples) {
      assert.deepEqual(Buffer.from(fromBase32Upper(base32Upper(bytes)) ?? []), bytes)
      assert.deepEqual(Buffer.from(fromBase32(`b${base32(bytes)}`, 1) ?? []), bytes)
    }
  })

  it('reads nothing that it would not print', () => {
    for (const text of ['a', 'A', 'ABC', 'ab', 'A1', 'AB=', 'AB', 'AAAAAAAAA', 'É7', 'AAA\u0141']) {
      const bytes = fromBase32Upper(text)

      assert.ok(bytes == null || base32Upper(bytes) === text, text)
    }
    assert.equal(fromBase32Upper('AB'), undefined, 'padding bits')
    assert.equal(fromBase32Upper('A'), undefined, 'too short for a byte')
    assert.equal(fromBase32Upper('ab'), undefined, 'lower case')
    assert.equal(fromBase32('AE'), undefined, 'upper case')
  })
})
