import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SelfRepairingLevel } from '../../../src/blockstore/self-repairing-level.ts'

const rows = 2500
const keyAt = (at: number): Uint8Array => Buffer.from(`k${String(at).padStart(5, '0')}`)
const all = Array.from({ length: rows }, (_, at) => Buffer.from(keyAt(at)).toString())
const range = { gte: Buffer.from('k'), lt: Buffer.from('l') }

describe('a LevelDB that goes on after its disk was full', () => {
  let folder: string
  let level: SelfRepairingLevel
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-mending-'))
    level = new SelfRepairingLevel({ folder: join(folder, 'level'), writeBufferBytes: 1 << 16, cacheBytes: 1 << 16, remedy: 'none' })
    await level.open()
    await level.batch(all.map((key, at) => ({ type: 'put', key: Buffer.from(key), value: Buffer.from(String(at)) })))
  })
  afterEach(async () => {
    await level.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** The next batch fails as on a full disk, and the one behind it makes the database be opened again. */
  async function fillAndMend (): Promise<void> {
    level.db.batch = (async () => { throw new Error('IO error: No space left on device') }) as never
    await assert.rejects(level.batch([{ type: 'put', key: keyAt(rows), value: keyAt(0) }]), { code: 'STORAGE_FULL' })
    await level.batch([{ type: 'del', key: keyAt(0) }, { type: 'del', key: keyAt(rows - 1) }])
  }

  for (const when of [1, 2, 3]) {
    it(`lists each key once though it is mended behind batch ${when}`, async () => {
      const seen: string[] = []
      let batches = 0
      for await (const keys of level.keys(range)) {
        seen.push(...keys.map(key => Buffer.from(key).toString()))
        if (++batches === when) await fillAndMend()
      }

      assert.deepEqual(seen, when === 3 ? all : all.slice(0, -1))
    })
  }

  it('lists rows on when a batch is waited for while it is mended', async () => {
    const list = level.entries(range)
    const first = await list.next()
    const mended = fillAndMend()

    const rest = (await Array.fromAsync(list)).flat()
    await mended

    assert.equal((first.value as unknown[]).length, 1000)
    assert.ok(rest.length === rows - 1000 || rest.length === rows - 1001)
    assert.ok(rest.every(([key, value]) => Buffer.from(key).toString() === all[Number(Buffer.from(value).toString())]))
  })

  it('ends a list with an error when it was closed', async () => {
    const list = level.keys(range)
    await list.next()

    await level.close()

    await assert.rejects(list.next(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  })
})
