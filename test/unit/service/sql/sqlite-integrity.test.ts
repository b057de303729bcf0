import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { systemClock, systemRandom } from '../../../../src/base/system.ts'
import type { Worker, Workers } from '../../../../src/base/worker.ts'
import type { SqlDatabase } from '../../../../src/service/sql/sql.ts'
import { copyDatabase } from '../../../../src/service/sql/sqlite/backup.ts'
import { sqliteDatabase } from '../../../../src/service/sql/sqlite/sqlite-database.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { addUser } from '../../../support/service-rows.ts'

const signal = new AbortController().signal

/** Loops that run when the test says so. */
class HeldWorkers implements Workers {
  readonly loops: Worker[] = []

  add (worker: Worker): ReturnType<Workers['add']> {
    this.loops.push(worker)
    return { wake: () => {}, stop: async () => {}, status: () => { throw new Error('nobody asks') } }
  }

  async check (): Promise<void> { await this.loops.findLast(({ name }) => name === 'service-database-check')?.work(signal) }
}

describe('a damaged SQLite database of the service', () => {
  let folder: string
  let file: string
  let opened: SqlDatabase | undefined
  let workers: HeldWorkers
  let log: NotedLogger

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-integrity-'))
    file = join(folder, 'service.sqlite')
    workers = new HeldWorkers()
    log = new NotedLogger()
    const database = await open()
    for (let at = 0; at < 40; at++) await addUser(database, { id: `user-${at}`, email: `somebody-${at}@example.com` })
    await database.stop()
  })

  afterEach(async () => {
    await opened?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function open (): Promise<SqlDatabase> {
    opened = sqliteDatabase({ file }, { clock: systemClock, random: systemRandom, log, workers })
    await opened.start(signal)
    return opened
  }

  const said = (pragma: 'quick_check' | 'integrity_check'): string => {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return String(Object.values(database.prepare(`pragma ${pragma}`).get() ?? {})[0])
    } finally {
      database.close()
    }
  }

  /**
   * Flips one bit after the other of a text in the file, until the quick check says nothing and the whole one does: it is one in an index.
   */
  async function flipInIndex (text: string): Promise<void> {
    const whole = await readFile(file)
    for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 1
      await writeFile(file, flipped)
      if (said('quick_check') === 'ok' && said('integrity_check') !== 'ok') return
    }
    assert.fail('no flipped bit was found')
  }

  const isTold = (err: unknown): boolean =>
    isClusterError(err, 'INVALID_DATA') && err.details['file'] === file && err.message.includes(file)
      && err.message.includes('put back a backup')

  it('keeps the service from starting, and says what to do', async () => {
    const bytes = await readFile(file)
    // the kind of a page in the midst of the tables
    for (let page = 3; page < 9; page++) bytes[page * 4096] = 0x55
    await writeFile(file, bytes)

    await assert.rejects(open(), isTold)
    assert.throws(() => { copyDatabase(file, join(folder, 'copy')) }, isTold)
  })

  it('is found when only an index is wrong, and nothing is written from then on', async () => {
    await flipInIndex('somebody-7@example.com')
    const database = await open()

    await workers.check()

    await assert.rejects(
      database.transaction(async tx => tx.deleteFrom('meta').where('key', '=', 'x').execute()), err => isClusterError(err, 'NOT_READY')
    )
    assert.equal((await database.db.selectFrom('users').select('id').execute()).length, 40)
    assert.match(JSON.stringify(log.lines), /is damaged \(.*index.*put back a backup/)
  })

  it('says nothing of one that is whole', async () => {
    const database = await open()

    await workers.check()

    await database.transaction(async tx => tx.deleteFrom('meta').where('key', '=', 'x').execute())
    assert.doesNotMatch(JSON.stringify(log.lines), /damaged/)
  })
})
