import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LineCutter } from '../../../src/base/line-cutter.ts'

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
