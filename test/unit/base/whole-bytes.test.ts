import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { wholeBytes } from '../../../src/base/whole-bytes.ts'

const tooLong = (): Error => new Error('too long')

describe('whole bytes', () => {
  it('are what came, up to the limit', async () => {
    const source = async function * () { yield * [Buffer.from('ab'), Buffer.from('c')] }

    const bytes = await wholeBytes(source(), { maxBytes: 3, tooLong })

    assert.equal(bytes.toString(), 'abc')
  })

  it('above it nothing more is read, and the source ends', async () => {
    const given: string[] = []
    const source = async function * () {
      try {
        for (const text of ['ab', 'cd', 'ef']) {
          given.push(text)
          yield Buffer.from(text)
        }
      } finally {
        given.push('end')
      }
    }

    const asked = wholeBytes(source(), { maxBytes: 3, tooLong })

    await assert.rejects(asked, { message: 'too long' })
    assert.deepEqual(given, ['ab', 'cd', 'end'])
  })
})
