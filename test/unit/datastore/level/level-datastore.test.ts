import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { levelDatastore } from '../../../../src/datastore/level/level-datastore.ts'
import { damageOf } from '../../../../src/datastore/datastore.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'

const signal = new AbortController().signal

describe('level datastore', () => {
  let folder: string
  const open = (): Datastore =>
    levelDatastore({ folder, writeBufferBytes: 1 << 20, cacheBytes: 1 << 20 }, { log: silentLogger, clock: systemClock })

  let parent: string

  // a damaged one is put beside it
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'helia-cluster-level-'))
    folder = join(parent, 'state')
  })
  afterEach(async () => rm(parent, { recursive: true, force: true }))

  it('makes its folder', async () => {
    folder = join(folder, 'a', 'b')
    const store = open()

    await store.start(signal)

    assert.ok((await readdir(folder)).includes('CURRENT'))
    await store.stop()
  })

  it('refuses a newer format and says the way out', async () => {
    const level = new ClassicLevel(folder)
    await level.put('\u0000format', '2')
    await level.close()

    await assert.rejects(
      open().start(signal),
      err => isClusterError(err, 'UNSUPPORTED') && err.message.includes('state export') && err.message.includes(folder)
    )
  })

  it('reports a folder that another handle has open', async () => {
    const first = open()
    await first.start(signal)

    await assert.rejects(open().start(signal), err => isClusterError(err, 'LOCKED'))
    await first.stop()
  })

  const rows = 300
  const keyOf = (at: number): string => `k${String(at).padStart(4, '0')}`
  const valueOf = (at: number): string => `value ${at} `.repeat(30)

  /** A store with tables and a log, stopped in order. */
  async function filled (init: { writeBufferBytes?: number, readAtOnce?: number } = {}): Promise<void> {
    const store = levelDatastore(
      { folder, writeBufferBytes: 64 << 10, cacheBytes: 1 << 20, ...init }, { log: silentLogger, clock: systemClock }
    )
    await store.start(signal)
    for (let at = 0; at < rows; at++) await store.write([{ key: keyOf(at), value: Buffer.from(valueOf(at)) }], { sync: at % 20 === 0 })
    await store.stop()
  }

  /** How many rows are as they were; none may be different. */
  function rightRows (store: Datastore): number {
    let right = 0
    for (let at = 0; at < rows; at++) {
      const value = store.get(keyOf(at))
      if (value == null) continue
      assert.equal(Buffer.from(value).toString(), valueOf(at))
      right++
    }
    return right
  }

  const namesOf = async (kind: RegExp): Promise<string[]> => (await readdir(folder)).filter(name => kind.test(name))
  const lastLog = async (): Promise<string> => join(folder, (await namesOf(/\.log$/)).at(-1) ?? '')

  for (const kind of [/^CURRENT$/, /^MANIFEST/, /\.log$/, /\.ldb$/]) {
    it(`makes a new store of what is left when a byte of ${kind.source} is wrong, keeps the damaged files and says so`, async () => {
      await filled()
      for (const file of await namesOf(kind)) {
        const bytes = await readFile(join(folder, file))
        for (const at of [0, 5, 11, bytes.length >> 1, bytes.length - 3].filter(one => one < bytes.length)) {
          const damaged = Buffer.from(bytes)
          damaged[at] = (damaged[at] ?? 0) ^ 0x10
          await cp(folder, `${folder}.copy`, { recursive: true })
          await writeFile(join(folder, file), damaged)
          const store = open()

          await store.start(signal)

          const report = damageOf(store)
          const right = rightRows(store)
          if (right < rows || !damaged.equals(bytes)) assert.notEqual(report, undefined, `${file} at ${at}: ${right} rows`)
          assert.ok(right > rows - 60, `${file} at ${at}: only ${right} rows`)
          assert.deepEqual(await readFile(join(report?.keptAt ?? '', file)), damaged)
          await store.stop()
          await rm(report?.keptAt ?? '', { recursive: true })
          await rm(folder, { recursive: true })
          await rename(`${folder}.copy`, folder)
        }
      }
    })
  }

  it('tells a cut of what was synced from a write that was cut off', async () => {
    await filled()
    const store = open()
    await store.start(signal)
    await store.write([{ key: 'synced', value: Buffer.alloc(100) }], { sync: true })
    const synced = await readFile(await lastLog())
    await store.write([{ key: 'unsynced', value: Buffer.alloc(100) }])
    const [mark, log, all] = [await readFile(join(folder, 'synced')), await lastLog(), await readFile(await lastLog())]
    await store.stop()
    const killedAt = async (bytes: Buffer): Promise<boolean> => {
      await rm(join(folder, 'sealed'), { force: true })
      for (const name of await namesOf(/\.log$/)) await rm(join(folder, name))
      await writeFile(join(folder, 'synced'), mark)
      await writeFile(log, bytes)
      await cp(folder, `${folder}.copy`, { recursive: true })
      const again = open()
      await again.start(signal)
      const isTold = damageOf(again) != null
      assert.equal(rightRows(again), rows)
      await again.stop()
      await rm(folder, { recursive: true })
      await rename(`${folder}.copy`, folder)
      return isTold
    }

    for (let size = synced.length; size <= all.length; size += 9) {
      assert.equal(await killedAt(all.subarray(0, size)), false, `${size} of ${all.length} bytes`)
    }
    assert.equal(await killedAt(Buffer.concat([synced, Buffer.alloc(500)])), false)
    for (const size of [0, 10, synced.length - 1]) {
      assert.equal(await killedAt(all.subarray(0, size)), true, `${size} of ${all.length} bytes`)
    }
  })

  it('syncs what came before for a batch without changes, too', async () => {
    const store = open()
    await store.start(signal)
    await store.write([{ key: 'unsynced', value: Buffer.alloc(100) }])
    const before = await readFile(await lastLog())

    await store.write([], { sync: true })

    // LevelDB does nothing at all for an empty batch: a sync leaves a change in its log
    assert.ok((await readFile(await lastLog())).length > before.length)
    await store.stop()
  })

  it('finds damage of large tables after the start, and deals with it at the next', async () => {
    await filled()
    const table = join(folder, (await namesOf(/\.ldb$/))[0] ?? '')
    const bytes = await readFile(table)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    await writeFile(table, bytes)
    const found = Promise.withResolvers<Error>()
    const init = { folder, writeBufferBytes: 64 << 10, cacheBytes: 1 << 20, readAtOnce: 0 }
    const store = levelDatastore(init, { log: silentLogger, clock: { ...systemClock, sleep: async () => {} }, damaged: found.resolve })
    await store.start(signal)

    const err = await found.promise

    assert.ok(isClusterError(err, 'INVALID_DATA') && err.message.includes(folder))
    await store.stop()
    const again = levelDatastore(init, { log: silentLogger, clock: systemClock })
    await again.start(signal)
    assert.notEqual(damageOf(again), undefined)
    await again.stop()
  })

  it('rescues a row out of damaged bytes when its content proves it', async () => {
    await filled()
    const log = await lastLog()
    const bytes = await readFile(log)
    bytes[0] = (bytes[0] ?? 0) ^ 1
    await writeFile(log, bytes)
    const store = levelDatastore({ folder, writeBufferBytes: 64 << 10, cacheBytes: 1 << 20 },
      { log: silentLogger, clock: systemClock, proven: (key, value) => Buffer.from(value).toString() === valueOf(Number(key.slice(1))) })

    await store.start(signal)

    assert.equal(rightRows(store), rows)
    assert.notEqual(damageOf(store), undefined)
    await store.stop()
  })
})
