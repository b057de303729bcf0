import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import { postgresLimits } from '../../src/service/limits/postgres/postgres-limits.ts'
import type { SqlDatabase } from '../../src/service/sql/sql.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import { freePorts } from '../support/free-ports.ts'
import { pollUntil } from '../support/poll.ts'
import { postgresMissing, PostgresServer } from '../support/postgres-server.ts'
import { databaseAt } from '../support/service-database.ts'
import type { TestPeer } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

/** Who asked isn't told where the server is. */
const isNotReady = (err: unknown): boolean => isClusterError(err, 'NOT_READY') && !/127\.0\.0\.1|ECONN/.test(err.message)
const signal = new AbortController().signal

describe('a PostgreSQL that goes away', { skip: postgresMissing ?? false }, () => {
  let server: PostgresServer | undefined
  after(async () => server?.remove())

  async function open (): Promise<TestPeer & { place: string, close (): Promise<void> }> {
    server ??= await PostgresServer.create()
    const place = await server.createDatabase()
    const peer = databaseAt('postgres', place)
    await peer.database.start(signal)
    await peer.workers.start()
    return {
      ...peer,
      place,
      close: async () => {
        await peer.workers.stop()
        await peer.database.stop()
      }
    }
  }

  const read = (database: SqlDatabase): Promise<unknown> => database.db.selectFrom('meta').selectAll().execute()
  const write = (database: SqlDatabase, key: string): Promise<unknown> =>
    database.transaction(tx => tx.insertInto('meta').values({ key, value: '' }).execute())

  it('is said to be not ready, and is used again when it is back', async () => {
    const { database, close } = await open()
    const heard: Array<string | null> = []
    database.listen('keys', text => heard.push(text))
    await write(database, 'before')

    await server?.stop()
    await assert.rejects(read(database), isNotReady)
    await assert.rejects(write(database, 'lost'), isNotReady)
    await server?.start()

    await pollUntil(() => heard.length > 0, { what: 'word that something may have been missed' })
    assert.deepEqual(heard, [null])
    await write(database, 'after')
    await database.transaction(tx => database.notify(tx, 'keys', 'news'))
    await pollUntil(() => heard.length === 2, { what: 'a notice on the new connection' })
    const rows = await database.db.selectFrom('meta').select('key').where('key', 'in', ['before', 'lost', 'after']).orderBy('key').execute()
    assert.deepEqual(rows.map(({ key }) => key), ['after', 'before'])
    await close()
  })

  it('ends no process when its connections are cut', async () => {
    const { database, close } = await open()
    await write(database, 'before')

    await server?.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null')

    // some of the pool's connections may not know yet
    await pollUntil(async () => {
      try {
        await write(database, 'after')
        return true
      } catch (err) {
        assert.ok(isNotReady(err), `${err}`)
        return false
      }
    }, { what: 'a write' })
    await close()
  })

  it('leaves a transaction under way undone, and tasks go on when it is back', async () => {
    const peer = await open()
    const { database, close } = peer
    const user = await addUser(database)
    const tasks = sqlTasks({}, { ...peer, random: systemRandom })
    tasks.handle('any', async () => 'done')
    await tasks.start(signal)

    await assert.rejects(database.transaction(async tx => {
      await tx.insertInto('meta').values({ key: 'half', value: '' }).execute()
      await server?.stop()
      await tx.insertInto('meta').values({ key: 'other half', value: '' }).execute()
    }), isNotReady)
    await server?.start()

    await pollUntil(async () => read(database).then(() => true, () => false), { what: 'an answer' })
    const id = await database.transaction(tx => tasks.create(tx, user, 'any', null))
    assert.equal((await tasks.finished(user, id)).state, 'SUCCESS')
    assert.deepEqual(await database.db.selectFrom('meta').select('key').where('key', '=', 'half').execute(), [])
    await tasks.stop()
    await close()
  })

  it('leaves each peer to count for itself how much of a limit is used', async () => {
    const { clock, workers, log, place, close } = await open()
    const limits = postgresLimits({ url: place }, { clock, workers, log })
    await limits.start(signal)
    const limit = limits.limit('test', { count: 2, perMs: 60_000 })
    await limit.take('bob')
    await server?.stop()

    const taken = await Promise.allSettled([1, 2, 3, 4].map(async () => limit.take('bob')))

    assert.equal(taken.filter(({ status }) => status === 'fulfilled').length, 2)
    await server?.start()
    await limits.stop()
    await close()
  })

  it('is not ready when it isn\'t there at the start; wrong names and passwords are the configuration\'s', async () => {
    server ??= await PostgresServer.create()
    const [port] = await freePorts(1)
    const start = async (url: string): Promise<void> => databaseAt('postgres', url).database.start(signal)

    await assert.rejects(start(`postgres://postgres@127.0.0.1:${port}/any`), isNotReady)
    await assert.rejects(start(server.url('no_such_database')), err => isClusterError(err, 'INVALID_CONFIG'))
    await assert.rejects(start(server.url('postgres').replace('postgres@', 'no_such_user@')), err => isClusterError(err, 'INVALID_CONFIG'))
  })
})
