import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock, systemRandom } from '../../../../src/base/system.ts'
import { WorkerRunner } from '../../../../src/base/worker.ts'
import type { SqlDatabase } from '../../../../src/service/sql/sql.ts'
import type { SyncedFile } from '../../../../src/service/sql/sqlite/durability.ts'
import { syncedFile } from '../../../../src/service/sql/sqlite/durability.ts'
import { copyDatabase } from '../../../../src/service/sql/sqlite/backup.ts'
import { sqliteDatabase } from '../../../../src/service/sql/sqlite/sqlite-database.ts'
import { addFile, addUser } from '../../../support/service-rows.ts'

const signal = new AbortController().signal

describe('SQLite database of the service', () => {
  let folder: string
  let file: string
  let database: SqlDatabase | undefined
  let workers: WorkerRunner

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-service-'))
    file = join(folder, 'state', 'service.sqlite')
    workers = new WorkerRunner({ clock: systemClock, random: systemRandom, log: silentLogger })
  })

  afterEach(async () => {
    await workers.stop()
    await database?.stop()
    database = undefined
    await rm(folder, { recursive: true, force: true })
  })

  async function open (deps: { syncedFile?: (path: string) => SyncedFile } = {}): Promise<SqlDatabase> {
    database = sqliteDatabase({ file }, { clock: systemClock, random: systemRandom, log: silentLogger, workers, ...deps })
    await database.start(signal)
    return database
  }

  const put = (opened: SqlDatabase, key: string): Promise<unknown> =>
    opened.transaction(tx => tx.insertInto('meta').values({ key, value: '' }).execute())

  it('can be read by its owner only', async () => {
    await put(await open(), 'a')

    for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal((await stat(name)).mode & 0o077, 0, name)
  })

  it('answers a transaction when the disk has it, and brings many to the disk at once', async () => {
    const waiting: Array<() => void> = []
    let syncs = 0
    let isHeld = false
    const held = (path: string): SyncedFile => ({
      ...syncedFile(path),
      sync: async () => {
        syncs++
        if (isHeld) await new Promise<void>(resolve => waiting.push(resolve))
      }
    })
    const opened = await open({ syncedFile: held })
    isHeld = true
    let answered = 0

    const writes = Array.from({ length: 20 }, async (_one, at) => {
      await put(opened, `k${at}`)
      answered++
    })
    // all are committed, and can be read
    while ((await opened.db.selectFrom('meta').select('key').where('key', 'like', 'k%').execute()).length < 20) {
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(answered, 0)
    const before = syncs
    isHeld = false
    for (const finish of waiting.splice(0)) finish()
    await Promise.all(writes)

    assert.ok(syncs - before <= 1, `${syncs - before} syncs`)
    // the one at the start, the one of the first write, the one of all others
    assert.ok(syncs <= 3, `${syncs} syncs`)
  })

  it('says that the disk failed, and does not go on', async () => {
    let isBroken = false
    const opened = await open({ syncedFile: path => ({ ...syncedFile(path), sync: async () => { if (isBroken) throw new Error('EIO') } }) })
    isBroken = true

    await assert.rejects(put(opened, 'a'), err => isClusterError(err, 'INTERNAL'))
    isBroken = false
    await assert.rejects(put(opened, 'b'), err => isClusterError(err, 'INTERNAL'))
  })

  it('waits while another process writes', async () => {
    const opened = await open()
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    let isWritten = false

    const write = put(opened, 'a').then(() => { isWritten = true })
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    assert.equal(isWritten, false)
    other.exec('commit')
    other.close()

    await write
  })

  it('says what is damaged', async () => {
    const opened = await open()
    for (let at = 0; at < 50; at++) await put(opened, `k${at}`.repeat(100))
    await opened.stop()
    database = undefined

    await writeFile(file, Buffer.alloc(8192, 'x'))
    await assert.rejects(open(), err => isClusterError(err, 'INVALID_DATA') && err.details.file === file)
    assert.equal((await readFile(file)).length, 8192)
    await truncate(file, 0)
    await open()
  })

  it('can be copied while it is written, into a database that is whole', async () => {
    const opened = await open()
    await put(opened, 'a')
    const user = await addUser(opened)
    await opened.transaction(tx => addFile(tx, user, { original_filename: 'some name' }))
    const copy = join(folder, 'copy.sqlite')
    const serviceId = opened.serviceId()

    await opened.transaction(async tx => {
      await tx.insertInto('meta').values({ key: 'b', value: '' }).execute()
      copyDatabase(file, copy)
    })
    assert.throws(() => copyDatabase(file, copy), err => isClusterError(err, 'CONFLICT'))
    await opened.stop()

    assert.equal((await stat(copy)).mode & 0o077, 0)
    file = copy
    const restored = await open()
    const keys = await restored.db.selectFrom('meta').select('key').where('key', 'in', ['a', 'b']).execute()
    const found = await restored.db.selectFrom('files').select('original_filename').where(
      await restored.matching('files', user, { name: { text: 'NAME', match: 'ipartial' } })
    ).execute()
    assert.deepEqual([keys, found, restored.serviceId()], [[{ key: 'a' }], [{ original_filename: 'some name' }], serviceId])
  })

  it('leaves nothing of a copy that failed', async () => {
    const copy = join(folder, 'copy.sqlite')

    assert.throws(() => copyDatabase(file, copy), err => isClusterError(err, 'NOT_FOUND'))

    await assert.rejects(stat(copy), { code: 'ENOENT' })
  })
})
