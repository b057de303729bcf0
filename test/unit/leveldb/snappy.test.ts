import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { uncompressed } from '../../../src/leveldb/snappy.ts'

/** A block that says that it has so many bytes, and holds these. */
const block = (length: number, content: Buffer = Buffer.alloc(0)): Buffer => {
  const head: number[] = []
  let rest = length
  for (; rest > 127; rest = Math.floor(rest / 128)) head.push(rest % 128 | 128)
  return Buffer.concat([Buffer.from([...head, rest]), content])
}

describe('a compressed block of a table', () => {
  it('has 64 MiB, and no room is made for one that says that it has more', () => {
    const most = 64 * 1024 * 1024

    assert.throws(() => uncompressed(block(most)), { message: 'a compressed block holds too little' })
    assert.throws(() => uncompressed(block(most + 1)), { message: 'a compressed block is too large' })
  })

  it('holds what it says, and neither less nor more', () => {
    const literal = Buffer.from([2 << 2, 1, 2, 3])

    assert.deepEqual(uncompressed(block(3, literal)), Buffer.of(1, 2, 3))
    assert.throws(() => uncompressed(block(2, literal)), { message: 'a compressed block holds too much' })
    assert.throws(() => uncompressed(block(4, literal)), { message: 'a compressed block holds too little' })
  })
})
