import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TextChunks } from '../../../../src/base/text/text-chunks.ts'

describe('chunks of texts', () => {
  it('are the texts one behind the other, each whole in one chunk, whatever its length', () => {
    const chunks = new TextChunks(64)
    const texts = Array.from({ length: 200 }, (_, at) => `${['a', 'é', '\u20ac', '😀', '\ud800', ''][at % 6]?.repeat(at % 37)}\n`)

    const given = texts.flatMap(text => chunks.add(text) ?? [])
    const all = [...given, chunks.rest() ?? assert.fail('nothing is left')].map(chunk => Buffer.from(chunk).toString())

    assert.equal(all.join(''), Buffer.from(texts.join('')).toString())
    assert.ok(all.length > 50)
    for (const chunk of all) assert.ok(chunk.endsWith('\n'))
  })

  it('give what has come so far, once, and keep it as it is', () => {
    const chunks = new TextChunks()
    chunks.add('first')
    const first = chunks.rest()
    chunks.add('second')
    const second = chunks.rest()

    assert.deepEqual([first, second].map(chunk => Buffer.from(chunk ?? []).toString()), ['first', 'second'])
    assert.equal(chunks.rest(), undefined)
  })
})
