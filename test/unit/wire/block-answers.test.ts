import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AnswerReader, answerHead, askFrames, maxAnswerBytes, maxMultihashBytes } from '../../../src/wire/block-answers.ts'
import { FrameReader } from '../../../src/base/frame-reader.ts'
import { quietMs } from '../../support/poll.ts'

const blocks = [Buffer.from('one'), undefined, Buffer.alloc(0), Buffer.alloc(300_000, 7), undefined]
const bytes = Buffer.concat(blocks.flatMap(block => [answerHead(block), block ?? Buffer.alloc(0)]))

describe('answers with blocks', () => {
  for (const size of [1, 3, 5, 64, 65_536, bytes.length]) {
    it(`are put together from pieces of ${size} bytes`, { timeout: quietMs(5000) }, () => {
      const reader = new AnswerReader()
      const read: Array<Uint8Array | undefined> = []

      for (let at = 0; at < bytes.length; at += size) for (const block of reader.push(bytes.subarray(at, at + size))) read.push(block)

      assert.deepEqual(read.map(block => block == null ? undefined : Buffer.from(block)), blocks)
    })
  }

  it('are arrays of their own', () => {
    const chunk = Buffer.concat([answerHead(blocks[0]), Buffer.from('one')])
    const [block] = new AnswerReader().push(chunk)

    chunk.fill(0)

    assert.equal(Buffer.from(block ?? []).toString(), 'one')
  })

  it('may be as long as a block may be, and no longer', () => {
    const headOf = (length: number): Uint8Array => answerHead({ length } as Uint8Array)

    assert.deepEqual([...new AnswerReader().push(headOf(maxAnswerBytes))], [])
    assert.throws(() => [...new AnswerReader().push(headOf(maxAnswerBytes + 1))], { code: 'INVALID_DATA' })
  })

  it('are asked for by multihashes of any length that there is', () => {
    const asked = [1, 34, 127, 128, maxMultihashBytes].map(length => new Uint8Array(length).fill(length))

    assert.deepEqual([...new FrameReader(maxMultihashBytes).push(askFrames(asked))], asked)
  })
})
