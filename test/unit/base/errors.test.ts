import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerText, ClusterError, isFault, messageOf } from '../../../src/base/errors.ts'

function overflow (): unknown {
  const deeper = (): number => 1 + deeper()
  try { return deeper() } catch (err) { return err }
}

describe('texts of errors', () => {
  it('say what was nested too deeply instead of naming the stack', () => {
    assert.equal(messageOf(overflow()), 'it is nested too deeply')
  })

  it('that go out tell nothing of a fault of the program', () => {
    const faults = [
      new TypeError('x is not a function'), new RangeError('Invalid array length'), new ReferenceError('y is not defined'), overflow()
    ]

    assert.deepEqual(faults.map(answerText), faults.map(() => 'an unexpected fault'))
    assert.deepEqual(faults.map(isFault), faults.map(() => true))
  })

  it('that go out are those of errors that were thrown on purpose, up to 16 KiB', () => {
    assert.equal(answerText(new ClusterError('NOT_PINNED')), 'pin is not part of the pinset')
    assert.equal(answerText(new Error('a'.repeat(16 * 1024))), 'a'.repeat(16 * 1024))
    assert.equal(answerText(new Error('a'.repeat(16 * 1024 + 1))), 'a'.repeat(16 * 1024))
    assert.equal(isFault(new ClusterError('NOT_PINNED')), false)
  })
})
