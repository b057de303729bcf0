import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sql } from 'kysely'
import { isClusterError } from '../../src/base/errors.ts'
import { migrations } from '../../src/service/sql/migrations/migrations.ts'
import type { Sql, SqlDatabase } from '../../src/service/sql/sql.ts'
import { pollUntil } from '../support/poll.ts'
import { quickClock } from '../support/quick-clock.ts'
import { databaseAt, eachDatabase } from '../support/service-database.ts'
import { addFile, addUser } from '../support/service-rows.ts'

/** The promises of `SqlDatabase`. */
eachDatabase('service database contract', databases => {
  const put = async (tx: Sql, key: string, value: string): Promise<void> => { await tx.insertInto('meta').values({ key, value }).execute() }
  const get = async (db: Pick<Sql, 'selectFrom'>, key: string): Promise<string | undefined> => (
    await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst()
  )?.value
  const code = (wanted: string) => (err: unknown): boolean => isClusterError(err) && err.code === wanted

  it('has what was committed, also for others and after a restart', async () => {
    const { database } = await databases.open()
    await database.transaction(tx => put(tx, 'a', '1'))

    const other = await databases.another()
    assert.equal(await get(database.db, 'a'), '1')
    assert.equal(await get(other.database.db, 'a'), '1')
    await database.stop()
    const again = await databases.another()
    assert.equal(await get(again.database.db, 'a'), '1')
  })

  it('takes back everything when the work fails', async () => {
    const { database } = await databases.open()

    await assert.rejects(database.transaction(async tx => {
      await put(tx, 'a', '1')
      await put(tx, 'b', '2')
      throw new Error('no')
    }), /no/)

    assert.equal(await get(database.db, 'a'), undefined)
    await database.transaction(tx => put(tx, 'a', '3'))
    assert.equal(await get(database.db, 'a'), '3')
  })

  it('shows what is being written to nobody else', async () => {
    const { database } = await databases.open()
    let seen: string | undefined

    await database.transaction(async tx => {
      await put(tx, 'a', '1')
      seen = await get(database.db, 'a')
    })

    assert.equal(seen, undefined)
  })

  it('does not write outside of transactions', async () => {
    const { database } = await databases.open()

    await assert.rejects(database.db.insertInto('meta').values({ key: 'a', value: '1' }).execute())

    assert.equal(await get(database.db, 'a'), undefined)
  })

  it('lets transactions happen as if one after the other, also those of several peers', async () => {
    const { database } = await databases.open()
    const other = await databases.another()
    await database.transaction(tx => put(tx, 'n', '0'))
    const increment = async (tx: Sql): Promise<void> => {
      const value = Number(await get(tx, 'n'))
      await tx.updateTable('meta').set({ value: `${value + 1}` }).where('key', '=', 'n').execute()
    }

    await Promise.all(Array.from({ length: 40 }, async (_one, at) => (at % 2 === 0 ? database : other.database).transaction(increment)))

    assert.equal(await get(database.db, 'n'), '40')
  })

  it('refuses a transaction inside of another one, and goes on', async () => {
    const { database } = await databases.open()

    await assert.rejects(database.transaction(async () => database.transaction(async () => {})), code('INTERNAL'))

    await database.transaction(tx => put(tx, 'a', '1'))
  })

  it('takes back what takes too long, and lets nothing through that it does later', async () => {
    const { database } = await databases.open({ clock: quickClock(300) })
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined

    await assert.rejects(database.transaction(async tx => {
      await put(tx, 'a', '1')
      late = released.then(() => put(tx, 'b', '2'))
      await late
    }), code('TIMEOUT'))
    release()

    await assert.rejects(late as Promise<unknown>)
    await database.transaction(tx => put(tx, 'c', '3'))
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(key => get(database.db, key))), [undefined, undefined, '3'])
  })

  it('says CONFLICT for what is taken, and INVALID_ARGUMENT for what it can not hold', async () => {
    const { database } = await databases.open()
    await database.transaction(tx => put(tx, 'a', '1'))

    await assert.rejects(database.transaction(tx => put(tx, 'a', '2')), code('CONFLICT'))
    await assert.rejects(database.transaction(tx => put(tx, 'b', 'x\0y')), code('INVALID_ARGUMENT'))
    await assert.rejects(database.transaction(tx => addFile(tx, 'nobody')), code('CONFLICT'))
    await assert.rejects(
      database.transaction(tx => put(tx, 'a', '2')),
      err => !/meta|key|unique/i.test((err as Error).message) && /unique/i.test(String((err as Error).cause))
    )

    assert.equal(await get(database.db, 'a'), '1')
  })

  it('tells whether something was inserted when that may be there already', async () => {
    const { database } = await databases.open()
    const insert = (value: string) =>
      database.transaction(tx => tx.insertInto('meta').values({ key: 'a', value }).onConflict(oc => oc.doNothing()).executeTakeFirst())

    const first = await insert('1')
    const second = await insert('2')

    assert.deepEqual([first.numInsertedOrUpdatedRows, second.numInsertedOrUpdatedRows], [1n, 0n])
    assert.equal(await get(database.db, 'a'), '1')
  })

  it('gives plain objects with plain numbers', async () => {
    const { database } = await databases.open()
    const user = await addUser(database, { quota_bytes: 2 ** 50 })
    await database.transaction(async tx => {
      await addFile(tx, user, { size_bytes: 2 ** 40 })
      await addFile(tx, user, { size_bytes: 3 })
    })

    const row = await database.db.selectFrom('files').select(
      ({ fn }) => [fn.countAll().as('count'), fn.sum('size_bytes').as('bytes'), fn.avg('tries').as('average')]
    ).executeTakeFirstOrThrow()
    const { quota_bytes: quota } = await database.db.selectFrom('users').select('quota_bytes').executeTakeFirstOrThrow()

    assert.deepEqual({ ...row, quota }, { count: 2, bytes: 2 ** 40 + 3, average: 0, quota: 2 ** 50 })
    assert.equal(Object.getPrototypeOf(row), Object.prototype)
  })

  it('gives back what an update or a deletion changed', async () => {
    const { database } = await databases.open()
    await database.transaction(tx => put(tx, 'a', '1'))

    const updated = await database.transaction(
      tx => tx.updateTable('meta').set({ value: '2' }).where('key', '=', 'a').returning(['key', 'value']).execute()
    )
    const { numDeletedRows } = await database.transaction(tx => tx.deleteFrom('meta').where('key', 'in', ['a', 'b']).executeTakeFirst())

    assert.deepEqual(updated, [{ key: 'a', value: '2' }])
    assert.equal(numDeletedRows, 1n)
  })

  it('tells all listeners, here and elsewhere, once it is committed', async () => {
    const { database } = await databases.open()
    const other = await databases.another()
    const heard = { here: [] as Array<string | null>, there: [] as Array<string | null> }
    database.listen('keys', text => heard.here.push(text))
    other.database.listen('keys', text => heard.there.push(text))
    other.database.listen('others', text => heard.there.push(text))

    await database.transaction(async tx => {
      await database.notify(tx, 'keys', 'a')
      await database.notify(tx, 'keys', 'b')
    })
    await assert.rejects(database.transaction(async tx => {
      await database.notify(tx, 'keys', 'never')
      throw new Error('no')
    }), /no/)
    await database.transaction(tx => database.notify(tx, 'keys', 'c'))

    await pollUntil(() => heard.here.length === 3 && heard.there.length === 3, { what: 'three notices on both sides' })
    assert.deepEqual(heard, { here: ['a', 'b', 'c'], there: ['a', 'b', 'c'] })
  })

  it('tells nobody who does not listen any more, and minds no listener that fails', async () => {
    const { database } = await databases.open()
    const heard: Array<string | null> = []
    database.listen('keys', () => { throw new Error('a listener') })
    const end = database.listen('keys', text => heard.push(text))
    database.listen('keys', text => heard.push(text))

    end()
    await database.transaction(tx => database.notify(tx, 'keys', 'a'))

    await pollUntil(() => heard.length === 1, { what: 'the notice' })
  })

  it('has an id of its own that stays', async () => {
    const { database } = await databases.open()
    const again = await databases.another()
    const otherDatabase = await databases.open()

    assert.match(database.serviceId(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(again.database.serviceId(), database.serviceId())
    assert.notEqual(otherDatabase.database.serviceId(), database.serviceId())
  })

  it('makes its tables once when several processes start at the same time', async () => {
    await databases.reserve()

    const peers = await Promise.all(Array.from({ length: 4 }, async () => databases.another()))

    assert.equal(new Set(peers.map(({ database }) => database.serviceId())).size, 1)
    assert.equal(await get(peers[0]!.database.db, 'schema_version'), `${migrations.at(-1)?.version}`)
  })

  it('goes on from the version of before when a step fails', async () => {
    await databases.open()
    const version = migrations.length + 1
    const broken = { version, statements: () => ['CREATE TABLE half (a text)', 'nonsense'] }

    await assert.rejects(databases.another({ migrations: [...migrations, broken] }))
    const fixed = await databases.another({ migrations: [...migrations, { version, statements: () => ['CREATE TABLE half (a text)'] }] })

    assert.equal(await get(fixed.database.db, 'schema_version'), `${version}`)
  })

  it('refuses the tables of a newer version', async () => {
    await databases.open()
    await databases.another({ migrations: [...migrations, { version: 99, statements: () => [] }] })

    await assert.rejects(databases.another(), code('INVALID_DATA'))
  })

  it('is not ready before its start and after its stop', async () => {
    const place = await databases.reserve()
    const { database } = databaseAt(databases.kind, place)
    const attempts = (): Array<Promise<unknown>> => [get(database.db, 'a'), database.transaction(tx => put(tx, 'a', '1'))]

    for (const attempt of attempts()) await assert.rejects(attempt, code('NOT_READY'))
    await database.start(new AbortController().signal)
    await database.stop()
    await database.stop()
    for (const attempt of attempts()) await assert.rejects(attempt, code('NOT_READY'))
  })

  it('finishes what is under way when it stops', async () => {
    const { database } = await databases.open()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()

    const written = database.transaction(async tx => {
      begin()
      await put(tx, 'a', '1')
      await new Promise(resolve => setImmediate(resolve))
      await put(tx, 'b', '2')
    })
    await begun
    await database.stop()

    await written
    const again = await databases.another()
    assert.equal(await get(again.database.db, 'b'), '2')
  })

  it('deletes a user only when nothing is left that has to be given up in order', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    const file = await database.transaction(tx => addFile(tx, user))
    await database.transaction(async tx => {
      await tx.insertInto('sessions').values({ id_hash: 's', user_id: user, created_at: 0, expires_at: 0, last_used_at: 0 }).execute()
    })
    const removeUser = () => database.transaction(tx => tx.deleteFrom('users').where('id', '=', user).execute())

    await assert.rejects(removeUser(), code('CONFLICT'))
    await database.transaction(tx => tx.deleteFrom('files').where('id', '=', file).execute())
    await removeUser()

    assert.deepEqual(await database.db.selectFrom('sessions').selectAll().execute(), [])
    assert.deepEqual(await database.db.selectFrom('counters').selectAll().execute(), [])
  })

  it('compares texts by their bytes', async () => {
    const { database } = await databases.open()
    await database.transaction(async tx => { for (const key of ['sort-b', 'sort-B', 'sort-é', 'sort-a', 'sort-Z']) await put(tx, key, '') })

    const rows = await database.db.selectFrom('meta').select('key').where('key', 'like', 'sort-%').orderBy('key').execute()

    assert.deepEqual(rows.map(({ key }) => key), ['sort-B', 'sort-Z', 'sort-a', 'sort-b', 'sort-é'])
  })

  it('shares a clock with the other peers', async () => {
    const { database } = await databases.open()

    const before = Date.now()
    const now = database.now()

    assert.ok(Math.abs(now - before) < 1000, `${now} is not ${before}`)
  })

  it('refuses to stream', async () => {
    const { database } = await databases.open()
    const read = async (db: SqlDatabase['db']): Promise<void> => {
      for await (const _row of db.selectFrom('meta').selectAll().stream()) break
    }

    await assert.rejects(read(database.db), code('UNSUPPORTED'))
  })

  it('answers the same query many times with other values', async () => {
    const { database } = await databases.open()
    await database.transaction(async tx => { for (let at = 0; at < 50; at++) await put(tx, `k${at}`, `${at}`) })

    const values = await Promise.all(Array.from({ length: 50 }, async (_one, at) => get(database.db, `k${at}`)))
    const { rows } = await sql<{ n: number }>`select count(*) as n from meta where key like 'k%'`.execute(database.db)

    assert.deepEqual(values, Array.from({ length: 50 }, (_one, at) => `${at}`))
    assert.deepEqual(rows, [{ n: 50 }])
  })
})
