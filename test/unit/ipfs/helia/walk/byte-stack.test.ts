import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { byteStack } from '../../../../../src/ipfs/helia/walk/byte-stack.ts'

describe('stack of records', () => {
  const folder = mkdtempSync(join(tmpdir(), 'byte-stack-'))
  after(() => rmSync(folder, { recursive: true }))

  const record = (number: number, sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, `${number}.`)

  it('gives records back last in first out, through its file, whatever their sizes', async () => {
    const stack = byteStack({ path: join(folder, 'a'), memoryBytes: 1000 })
    const sizes = Array.from({ length: 500 }, (_, n) => n % 50 === 0 ? 5000 : n * 7 % 90)
    const given: number[] = []
    const taken: number[] = []

    for (const [number, size] of sizes.entries()) {
      stack.push(record(number, size))
      given.push(number)
      await stack.room()
      if (number % 3 !== 0) continue
      const expected = given.pop()!
      assert.deepEqual(Buffer.from(await stack.pop() ?? []), record(expected, sizes[expected]!))
    }
    for (let next = await stack.pop(); next != null; next = await stack.pop()) {
      const expected = given.pop()!
      taken.push(expected)
      assert.deepEqual(Buffer.from(next), record(expected, sizes[expected]!))
    }

    assert.equal(given.length, 0)
    assert.ok(taken.length > 300)
    assert.ok(stack.isEmpty())
    await stack.close()
  })

  it('keeps what its file has small, and leaves nothing behind', async () => {
    const path = join(folder, 'b', 'stack')
    const stack = byteStack({ path, memoryBytes: 1000 })

    for (let number = 0; number < 100; number++) {
      stack.push(record(number, 100))
      await stack.room()
    }
    const grown = statSync(path).size
    await stack.close()

    assert.ok(grown > 9000 && grown < 10_400)
    assert.deepEqual(readdirSync(join(folder, 'b')), [])
  })

  it('needs no file while all fits', async () => {
    const stack = byteStack({ path: join(folder, 'c'), memoryBytes: 1000 })

    stack.push(record(1, 900))
    await stack.room()

    assert.deepEqual(Buffer.from(await stack.pop() ?? []), record(1, 900))
    assert.equal(await stack.pop(), undefined)
    assert.ok(!readdirSync(folder).includes('c'))
    await stack.close()
  })
})
