import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { levelDatastore } from '../../../../src/datastore/level/level-datastore.ts'

const rows = 160
const rowBytes = 700_000
const mib = 2 ** 20

describe('tables of a large store', () => {
  it('are in memory 64 at a time, however many were read', { skip: process.platform !== 'linux' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-tables-'))
    const store = levelDatastore({ folder, writeBufferBytes: mib, cacheBytes: mib }, { log: silentLogger, clock: systemClock })
    await store.start(new AbortController().signal)
    try {
      for (let at = 0; at < rows; at++) await store.write([{ key: `row ${String(at).padStart(3, '0')}`, value: randomBytes(rowBytes) }])

      let read = 0
      for await (const batch of store.keys({ from: 'row', before: 'rox' })) read += batch.length
      for (let at = 0; at < rows; at++) assert.equal(store.get(`row ${String(at).padStart(3, '0')}`)?.length, rowBytes)

      const mapped = (await readFile('/proc/self/maps', 'utf8')).split('\n').filter(line => line.includes(folder) && line.includes('.ldb'))
      const tables = (await readdir(folder)).filter(name => name.endsWith('.ldb'))
      assert.equal(read, rows)
      assert.ok(mapped.length <= 64, `${mapped.length} of ${tables.length} tables`)
      assert.ok(tables.length > 64, `${tables.length} tables are all that there are`)
    } finally {
      await store.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
