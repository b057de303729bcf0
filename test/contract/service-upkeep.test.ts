import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { SqlDatabase } from '../../src/service/sql/sql.ts'
import { fileStates } from '../../src/service/sql/tables.ts'
import { serviceTotals } from '../../src/service/usage/totals.ts'
import { eachDatabase } from '../support/service-database.ts'
import { addFile, addPin, addUser, fileOf } from '../support/service-rows.ts'

/** What the database keeps by itself (`tables.ts`). */
eachDatabase('counters of the service database', databases => {
  const counters = async (database: SqlDatabase, user: string): Promise<Record<string, number>> => {
    const rows = await database.db.selectFrom('counters').select(['name', 'value']).where('user_id', '=', user).where('value', '<>', 0)
      .orderBy('name').execute()
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  }
  const totals = (database: SqlDatabase, user: string) =>
    database.db.selectFrom('users').select(['file_count', 'file_bytes']).where('id', '=', user).executeTakeFirstOrThrow()

  it('follow files as they come, change and go', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    const ids = await database.transaction(async tx => [
      await addFile(tx, user, {
        state: 'staged', size_bytes: 10
      }), await addFile(tx, user, { state: 'staged', size_bytes: 20 }), await addFile(tx, user, { size_bytes: 40 })
    ])
    assert.deepEqual(await counters(database, user), { 'files:pinned': 1, 'files:staged': 2 })
    assert.deepEqual(await totals(database, user), { file_count: 3, file_bytes: 70 })

    await database.transaction(async tx => {
      await tx.updateTable('files').set({ state: 'pinned', size_bytes: 11 }).where('id', '=', ids[0]!).execute()
      await tx.deleteFrom('files').where('id', '=', ids[1]!).execute()
    })

    assert.deepEqual(await counters(database, user), { 'files:pinned': 2 })
    assert.deepEqual(await totals(database, user), { file_count: 2, file_bytes: 51 })
  })

  it('count each user for itself, and many rows at once', async () => {
    const { database } = await databases.open()
    const users = [await addUser(database), await addUser(database)]
    await database.transaction(async tx => {
      await tx.insertInto('files').values(
        users.flatMap((user, at) => Array.from({ length: 10 * (at + 1) }, () => fileOf(user, { size_bytes: 2 })))
      ).execute()
    })

    await database.transaction(tx => tx.updateTable('files').set({ state: 'unpinned' }).where('user_id', '=', users[1]!).execute())

    assert.deepEqual(await Promise.all(users.map(user => counters(database, user))), [{ 'files:pinned': 10 }, { 'files:unpinned': 20 }])
    assert.deepEqual(
      await Promise.all(users.map(user => totals(database, user))), [{ file_count: 10, file_bytes: 20 }, { file_count: 20, file_bytes: 40 }]
    )
  })

  it('leave out what stands in the list for pins only, until it is a file', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    const id = await database.transaction(tx => addFile(tx, user, { origin: 'pins', size_bytes: 5 }))
    assert.deepEqual([await counters(database, user), await totals(database, user)], [{}, { file_count: 0, file_bytes: 0 }])

    await database.transaction(tx => tx.updateTable('files').set({ origin: 'upload' }).where('id', '=', id).execute())

    assert.deepEqual(
      [await counters(database, user), await totals(database, user)], [{ 'files:pinned': 1 }, { file_count: 1, file_bytes: 5 }]
    )
  })

  it('follow pins', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    const ids = await database.transaction(
      async tx => [await addPin(tx, user, { status: 'queued' }), await addPin(tx, user, { status: 'queued' })]
    )

    await database.transaction(async tx => {
      await tx.updateTable('pins').set({ status: 'failed' }).where('request_id', '=', ids[0]!).execute()
      await tx.deleteFrom('pins').where('request_id', '=', ids[1]!).execute()
    })

    assert.deepEqual(await counters(database, user), { 'pins:failed': 1 })
  })

  it('are as they were when the transaction is taken back', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)

    await assert.rejects(database.transaction(async tx => {
      await addFile(tx, user)
      throw new Error('no')
    }), /no/)

    assert.deepEqual([await counters(database, user), await totals(database, user)], [{}, { file_count: 0, file_bytes: 0 }])
  })

  it('are right after inserts that found the row there', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    const row = fileOf(user, { size_bytes: 3, state: 'staged' })
    const insert = () =>
      database.transaction(tx => tx.insertInto('files').values(row).onConflict(oc => oc.columns(['user_id', 'cid']).doNothing()).execute())
    const upsert = () => database.transaction(tx => tx.insertInto('files').values({ ...row, id: 'other', state: 'pinned' })
      .onConflict(oc => oc.columns(['user_id', 'cid']).doUpdateSet({ state: 'pinned', size_bytes: 4 })).execute())

    await insert()
    await insert()
    await upsert()

    assert.deepEqual(
      [await counters(database, user), await totals(database, user)], [{ 'files:pinned': 1 }, { file_count: 1, file_bytes: 4 }]
    )
  })

  it('are what counting would give, whatever parallel transactions do', async () => {
    const { database } = await databases.open()
    const other = await databases.another()
    const user = await addUser(database)
    const ids = await database.transaction(async tx => {
      const made: string[] = []
      for (let at = 0; at < 20; at++) made.push(await addFile(tx, user, { state: 'staged', size_bytes: at }))
      return made
    })

    await Promise.all(ids.flatMap((id, at) => [database, other.database].map(async (one, side) => one.transaction(async tx => {
      if (at % 5 === 0 && side === 0) await tx.deleteFrom('files').where('id', '=', id).execute()
      else await tx.updateTable('files').set({
        state: fileStates[(at + side) % fileStates.length]!, size_bytes: at * 2 + side
      }).where('id', '=', id).execute()
    }))))

    const counted = await database.db.selectFrom('files').select(
      ({ fn }) => ['state', fn.countAll<number>().as('count')]
    ).groupBy('state').orderBy('state').execute()
    const sum = await database.db.selectFrom('files').select(
      ({ fn }) => [fn.countAll<number>().as('file_count'), fn.sum<number>('size_bytes').as('file_bytes')]
    ).executeTakeFirstOrThrow()
    assert.deepEqual(await counters(database, user), Object.fromEntries(counted.map(({ state, count }) => [`files:${state}`, count])))
    assert.deepEqual(await totals(database, user), sum)
  })
})

eachDatabase('figures of the whole service', databases => {
  it('are the sums over all users', async () => {
    const { database } = await databases.open()
    const users = [
      await addUser(database, { quota_bytes: 100, used_bytes: 95 }), await addUser(database, { quota_bytes: 100, used_bytes: 5 }),
      await addUser(database, { state: 'suspended', quota_bytes: 0 })
    ]
    await database.transaction(async tx => {
      for (const user of users) await addFile(tx, user, { state: 'staged' })
      await addPin(tx, users[0]!, { status: 'failed' })
    })

    assert.deepEqual(await serviceTotals(database), {
      users: { active: 2, suspended: 1 }, files: { staged: 3 }, pins: { failed: 1 }, tasks: {}, unappliedPins: 0, openUploads: 0,
      usedBytes: 100, quotaBytes: 200, nearlyFullUsers: 1
    })
  })
})
