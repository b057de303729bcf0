import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LineCutter } from '../../../../src/base/text/line-cutter.ts'

it('cuts text into the same lines, whatever pieces it comes in', () => {
  const text = 'one\n\ntwo\r\nthree and more\nlast'

  for (const size of [1, 2, 3, 5, 100]) {
    const cutter = new LineCutter()
    const lines: string[] = []
    for (let at = 0; at < text.length; at += size) lines.push(...cutter.push(text.slice(at, at + size)))

    assert.equal(cutter.heldLength, 4)
    assert.deepEqual([...lines, cutter.end(), cutter.end()], ['one', '', 'two\r', 'three and more', 'last', ''])
    assert.equal(cutter.heldLength, 0)
  }
})

it('gives lines up to their limit, and throws as soon as one is longer, whether its end is there or not', () => {
  const cut = (...pieces: string[]): string[] => {
    const cutter = new LineCutter({ maxLength: 3, tooLong: () => new Error('too long') })
    return pieces.flatMap(piece => cutter.push(piece)).concat(cutter.end())
  }

  assert.deepEqual(cut('abc\nde', 'f\nabc'), ['abc', 'def', 'abc'])
  for (const pieces of [['abcd\n'], ['ab', 'cd\n'], ['abcd'], ['abc', 'd'], ['a\nabcd\nb']]) {
    assert.throws(() => cut(...pieces), { message: 'too long' }, pieces.join('|'))
  }
})
