import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { damageOf, damageRow, withPrefix } from '../../src/datastore/datastore.ts'
import type { Datastore, KeyRange } from '../../src/datastore/datastore.ts'

export interface DatastoreSubject {
  datastore: Datastore
  /** Another handle on the same data, for use after `datastore` was stopped. */
  reopen (): Datastore
  close (): Promise<void>
  /** Damages one place of what a stopped store has on the disk. Not for stores in memory. */
  rot? (seed: number): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined => value == null ? undefined : new TextDecoder().decode(value)
const all: KeyRange = { from: '!', before: '~' }

async function collected<Row> (batches: AsyncIterable<Row[]>): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of batches) rows.push(...batch)
  return rows
}

/** The promises of `Datastore`. */
export function datastoreContract (name: string, open: () => Promise<DatastoreSubject>): void {
  describe(`datastore contract: ${name}`, () => {
    let subject: DatastoreSubject
    let store: Datastore
    const put = (...keys: string[]): Promise<void> => store.write(keys.map(key => ({ key, value: bytes(`value of ${key}`) })))

    beforeEach(async () => {
      subject = await open()
      store = subject.datastore
      await store.start(new AbortController().signal)
    })

    afterEach(async () => {
      await store.stop()
      await subject.close()
    })

    it('reads what a resolved batch wrote, in every way', async () => {
      await put('/a', '/b')

      assert.equal(text(store.get('/a')), 'value of /a')
      assert.equal(store.has('/b'), true)
      assert.deepEqual((await store.getMany(['/b', '/none', '/a'])).map(text), ['value of /b', undefined, 'value of /a'])
    })

    it('has nothing for a key that was never written or was deleted', async () => {
      await put('/a')
      await store.write([{ key: '/a', value: undefined }, { key: '/never', value: undefined }])

      assert.equal(store.get('/a'), undefined)
      assert.equal(store.has('/a'), false)
      assert.equal(store.get('/never'), undefined)
    })

    it('keeps empty values apart from missing ones', async () => {
      await store.write([{ key: '/empty', value: new Uint8Array(0) }])

      assert.equal(store.get('/empty')?.length, 0)
      assert.equal(store.has('/empty'), true)
    })

    it('applies the changes of one batch in order', async () => {
      await store.write(
        [
          { key: '/a', value: bytes('1') }, { key: '/a', value: undefined }, { key: '/b', value: bytes('1') },
          { key: '/b', value: bytes('2') }
        ]
      )

      assert.equal(store.has('/a'), false)
      assert.equal(text(store.get('/b')), '2')
    })

    it('applies batches in the order of the calls, synced or not', async () => {
      const writes = Array.from({ length: 50 }, (_, at) => store.write([{ key: '/a', value: bytes(String(at)) }], { sync: at % 7 === 0 }))

      await Promise.all(writes)

      assert.equal(text(store.get('/a')), '49')
    })

    it('lists a range in byte order, without its end', async () => {
      await put('/b', '/a', '/c', '/a/1', '/Z')

      const keys = await collected(store.keys({ from: '/a', before: '/c' }))

      assert.deepEqual(keys, ['/a', '/a/1', '/b'])
    })

    it('lists entries, keys and values of a prefix alike', async () => {
      await put('a/1', 'a/2', 'b/1', 'a0')

      const entries = await collected(store.entries(withPrefix('a/')))

      assert.deepEqual(entries.map(([key, value]) => [key, text(value)]), [['a/1', 'value of a/1'], ['a/2', 'value of a/2']])
      assert.deepEqual(await collected(store.texts(withPrefix('a/'))), [['a/1', 'value of a/1'], ['a/2', 'value of a/2']])
      assert.deepEqual(await collected(store.keys(withPrefix('a/'))), ['a/1', 'a/2'])
      assert.deepEqual((await collected(store.values(withPrefix('a/')))).map(text), ['value of a/1', 'value of a/2'])
    })

    it('lists texts of any language', async () => {
      const values = ['', 'a', 'é', '\u20ac and 😀', 'a'.repeat(3000)]
      await store.write(values.map((value, at) => ({ key: `t/${at}`, value: Buffer.from(value) })))

      assert.deepEqual(await collected(store.texts(withPrefix('t/'))), values.map((value, at) => [`t/${at}`, value]))
    })

    it('lists long ranges in several batches', async () => {
      const keys = Array.from({ length: 2500 }, (_, at) => `k${String(at).padStart(5, '0')}`)
      await put(...keys)
      const sizes: number[] = []

      const listed: string[] = []
      for await (const batch of store.keys(withPrefix('k'))) { sizes.push(batch.length); listed.push(...batch) }

      assert.deepEqual(listed, keys)
      assert.ok(sizes.length > 1 && Math.max(...sizes) <= 2000)
    })

    it('lists a snapshot taken at the first step', async () => {
      const keys = Array.from({ length: 2500 }, (_, at) => `k${String(at).padStart(5, '0')}`)
      await put(...keys)
      const iterator = store.keys(withPrefix('k'))[Symbol.asyncIterator]()
      const first = await iterator.next()

      await store.write([{ key: 'k02400', value: undefined }, { key: 'k02400x', value: bytes('new') }])
      const rest = await collected({ [Symbol.asyncIterator]: () => iterator })

      assert.deepEqual([...first.value ?? [], ...rest], keys)
    })

    it('stops a list when the signal aborts', async () => {
      await put(...Array.from({ length: 2500 }, (_, at) => `k${at}`))
      const controller = new AbortController()
      const reason = new Error('enough')
      const iterator = store.keys(withPrefix('k'), { signal: controller.signal })[Symbol.asyncIterator]()
      await iterator.next()

      controller.abort(reason)

      await assert.rejects(async () => iterator.next(), reason)
    })

    it('can leave a list early', async () => {
      await put(...Array.from({ length: 2500 }, (_, at) => `k${at}`))

      for await (const batch of store.keys(withPrefix('k'))) { if (batch.length > 0) break }

      await put('k')
      assert.equal(store.has('k'), true)
    })

    it('hands out values that the caller may change', async () => {
      await put('/a')
      store.get('/a')?.fill(0)

      assert.equal(text(store.get('/a')), 'value of /a')
    })

    it('keeps its data over a restart and says NOT_READY in between', async () => {
      await put('/a')
      await store.stop()

      assert.throws(() => store.get('/a'), err => isClusterError(err, 'NOT_READY'))
      assert.throws(() => store.has('/a'), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(store.getMany(['/a']), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(put('/b'), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(collected(store.keys(all)), err => isClusterError(err, 'NOT_READY'))
      store = subject.reopen()
      await store.start(new AbortController().signal)
      assert.equal(text(store.get('/a')), 'value of /a')
      assert.deepEqual(await collected(store.keys(all)), ['/a'])
    })

    it('stops twice without harm', async () => {
      await store.stop()

      await assert.doesNotReject(store.stop())
    })

    it('gives right rows or none, and reports what it lost, whatever one damaged place is', async context => {
      if (subject.rot == null) return context.skip('in memory')
      const keys = Array.from({ length: 60 }, (_, at) => `/key ${String(at).padStart(2, '0')}`)
      for (let seed = 0; seed < 30; seed++) {
        for (const at of keys.keys()) {
          await store.write([{ key: keys[at] ?? '', value: bytes(`value of ${keys[at]}`) }], { sync: at === keys.length - 1 })
        }
        await store.stop()

        await subject.rot(seed)

        store = subject.reopen()
        await store.start(new AbortController().signal)
        const found = keys.filter(key => store.has(key))
        for (const key of found) assert.equal(text(store.get(key)), `value of ${key}`, `seed ${seed}`)
        assert.deepEqual(await collected(store.keys(withPrefix('/'))), found, `seed ${seed}`)
        if (found.length < keys.length) {
          assert.notEqual(damageOf(store), undefined, `seed ${seed}: ${keys.length - found.length} rows are gone without a word`)
        }
        await store.write([{ key: damageRow, value: undefined }])
      }
    })
  })
}
