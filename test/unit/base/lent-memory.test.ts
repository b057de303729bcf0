import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { giveBack, lend } from '../../../src/base/lent-memory.ts'

describe('lent memory', () => {
  it('is used again when every byte of it has been given back, and not before', () => {
    const memory = Buffer.allocUnsafeSlow(100)
    const again: Buffer[] = []
    lend(memory, back => again.push(back))

    giveBack(memory.subarray(10, 60))
    giveBack(memory.subarray(60))
    assert.equal(again.length, 0)
    giveBack(memory.subarray(0, 10))

    assert.equal(again.length, 1)
    assert.equal(again[0]?.buffer, memory.buffer)
    giveBack(memory)
    assert.equal(again.length, 1)
  })

  it('lets any other memory be', () => {
    giveBack(Buffer.from('a'))
    giveBack(new Uint8Array(3))
  })
})
