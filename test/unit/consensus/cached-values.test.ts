import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { beforeEach, describe, it } from 'node:test'
import { CachedValues } from '../../../src/consensus/crdt/cached-values.ts'
import { WrittenKeys } from '../../../src/consensus/crdt/written-keys.ts'
import type { Datastore, KeyRange, Write } from '../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../support/memory-datastore.ts'

const manyKeys = Array.from({ length: 2000 }, (_, n) => `v/${n}`)
const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('value records in memory', () => {
  let below: Datastore
  let cached: CachedValues
  let reads: string[]
  /** Writes wait for it, and fail when it does. */
  let gate: Promise<void>

  beforeEach(async () => {
    below = memoryDatastore()
    reads = []
    gate = Promise.resolve()
    await below.start(new AbortController().signal)
    const watched = {
      name: 'watched',
      get: (key: string) => {
        reads.push(key)
        return below.get(key)
      },
      has: (key: string) => {
        reads.push(key)
        return below.has(key)
      },
      keys: (range: KeyRange) => below.keys(range),
      write: async (batch: readonly Write[]) => {
        await gate
        await below.write(batch)
      }
    }
    cached = new CachedValues(watched as never)
  })

  const text = (key: string): string | undefined => {
    const value = cached.get(key)
    return value == null ? undefined : Buffer.from(value).toString()
  }

  it('are read once, also those that are not there, and are what was written last', async () => {
    assert.deepEqual([text('v/a'), text('v/a')], [undefined, undefined])
    await cached.write([{ key: 'v/a', value: bytes('1') }])
    assert.deepEqual([text('v/a'), text('v/a')], ['1', '1'])
    await cached.write([{ key: 'v/a', value: undefined }])

    assert.equal(text('v/a'), undefined)
    assert.deepEqual(reads, ['v/a'])
  })

  it('are looked up as long as they are being written, and after a write that failed', async () => {
    await cached.write([{ key: 'v/a', value: bytes('1') }])
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    gate = promise
    const writing = cached.write([{ key: 'v/a', value: bytes('2') }])
    await below.write([{ key: 'v/a', value: bytes('2') }])

    assert.equal(text('v/a'), '2')
    reject(new Error('full'))
    resolve()
    await assert.rejects(writing)
    await below.write([{ key: 'v/a', value: bytes('3') }])
    assert.equal(text('v/a'), '3')
  })

  it('are those of the last of two writes on their way', async () => {
    await Promise.all(['1', '2'].map(async value => cached.write([{ key: 'v/a', value: bytes(value) }])))

    assert.deepEqual([text('v/a'), reads], ['2', []])
  })

  it('are no other records, and no large ones; a store that has stopped is asked', async () => {
    await cached.write([
      { key: 'h/a', value: bytes('1') }, { key: 'v/large', value: new Uint8Array(3000) }, { key: 'v/a', value: bytes('1') }
    ])
    text('h/a')
    text('v/large')
    cached.forget()
    await below.stop()

    assert.deepEqual(reads, ['h/a', 'v/large'])
    assert.throws(() => cached.get('v/a'))
  })

  it('of a large batch are looked up: what was kept before it, and what is read while it is written', async () => {
    await cached.write([{ key: 'v/a', value: bytes('1') }])
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    const writing = cached.write(['v/a', ...manyKeys].map(key => ({ key, value: bytes('2') })))
    const during = [text('v/a'), text('v/other')]
    resolve()
    await writing

    assert.deepEqual([during, text('v/a'), text('v/7')], [['1', undefined], '2', '2'])
    assert.deepEqual(reads, ['v/a', 'v/other', 'v/a', 'v/7'])
  })

  it('are not looked for in a store that began without any, unless they were written', async () => {
    await cached.begin()
    await cached.write([{ key: 't/a', value: bytes('') }, { key: 'h/a', value: bytes('1') }])
    await cached.write(manyKeys.map(key => ({ key, value: bytes('2') })))

    assert.deepEqual([text('v/a'), cached.has('m/a'), text('v/7'), cached.has('h/a')], [undefined, false, '2', true])
    assert.equal(cached.has('t/a'), true)
    assert.deepEqual(reads, ['v/7', 'h/a', 't/a'])
  })

  it('are looked for in a store that has some, and again once it has stopped', async () => {
    await below.write([{ key: 't/a', value: bytes('') }])
    await cached.begin()
    const before = cached.has('m/a')
    await below.write([{ key: 't/a', value: undefined }])
    await cached.begin()
    cached.forget()
    await below.write([{ key: 'v/a', value: bytes('1') }])

    assert.deepEqual([before, text('v/a'), reads], [false, '1', ['m/a', 'v/a']])
  })
})

describe('the keys that a store may have', () => {
  it('are all that were added, and few others', () => {
    const written = new WrittenKeys()
    const key = (n: number): string => `v/${hash('sha256', `key ${n}`).toUpperCase()}`
    for (let n = 0; n < 20_000; n++) written.add(key(n))

    const missed = Array.from({ length: 20_000 }, (_, n) => key(n)).filter(one => !written.mayHave(one))
    const wrong = Array.from({ length: 10_000 }, (_, n) => key(-1 - n)).filter(one => written.mayHave(one))

    assert.deepEqual([missed, written.isFull], [[], false])
    assert.ok(wrong.length < 20, `${wrong.length} of 10,000`)
  })
})
