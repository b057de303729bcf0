import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { CachedValues } from '../../../src/consensus/crdt/cached-values.ts'
import type { Datastore, Write } from '../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../support/memory-datastore.ts'

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
})
