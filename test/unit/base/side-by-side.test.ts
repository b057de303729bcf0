import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sideBySide } from '../../../src/base/side-by-side.ts'

describe('work side by side', () => {
  it('is done for each, so many at a time', async () => {
    const begun: number[] = []
    let running = 0
    let most = 0

    await sideBySide(new Set([1, 2, 3, 4, 5]), 2, async item => {
      begun.push(item)
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
    })

    assert.deepEqual(begun, [1, 2, 3, 4, 5])
    assert.equal(most, 2)
  })

  it('rejects with the first failure', async () => {
    const failing = sideBySide([1, 2, 3], 2, async item => { if (item === 2) throw new Error(`of ${item}`) })

    await assert.rejects(failing, { message: 'of 2' })
  })
})
