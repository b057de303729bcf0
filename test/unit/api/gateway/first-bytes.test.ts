import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { peekStream } from '../../../../src/api/common/peek-stream.ts'
import { closeBody } from '../../../../src/api/gateway/answer/answers.ts'

describe('a body that has begun', () => {
  const source = (pieces: string[]): { pieces: AsyncGenerator<string>, isClosed: () => boolean } => {
    let isClosed = false
    const generator = async function * (): AsyncGenerator<string> {
      try {
        yield * pieces
      } finally {
        isClosed = true
      }
    }
    return { pieces: generator(), isClosed: () => isClosed }
  }

  it('gives what was read and the rest', async () => {
    const { pieces, isClosed } = source(['a', 'b', 'c'])
    const all = await Array.fromAsync(await peekStream(pieces, 2, ({ length }) => length))

    assert.deepEqual(all, ['a', 'b', 'c'])
    assert.ok(isClosed())
  })

  it('is closed with its source when nobody reads it', async () => {
    const { pieces, isClosed } = source(['a', 'b', 'c'])
    const body = await peekStream(pieces, 1, ({ length }) => length)
    await closeBody(body)

    assert.ok(isClosed())
    assert.deepEqual(await Array.fromAsync(body), [])
  })

  it('is closed with its source when its reader stops', async () => {
    const { pieces, isClosed } = source(['a', 'b', 'c'])
    for await (const piece of await peekStream(pieces, 1, ({ length }) => length)) if (piece === 'b') break

    assert.ok(isClosed())
  })

  it('has nothing to close where nothing flows', async () => {
    await closeBody(undefined)
    await closeBody('text')
    await closeBody(new Uint8Array(1))
  })
})
