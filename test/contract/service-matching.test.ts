import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sql } from 'kysely'
import type { Search, SqlDatabase } from '../../src/service/sql/sql.ts'
import { eachDatabase } from '../support/service-database.ts'
import { addFile, addPin, addUser, fileOf } from '../support/service-rows.ts'

/** `SqlDatabase.matching`. */
eachDatabase('searches in the service database', databases => {
  const names = async (database: SqlDatabase, user: string, search: Search): Promise<string[]> => {
    const rows = await database.db.selectFrom('files').select('original_filename').where(
      await database.matching('files', user, search)
    ).orderBy('uploaded_at').limit(20).execute()
    return rows.map(({ original_filename: name }) => name)
  }

  async function withFiles (...all: string[]): Promise<{ database: SqlDatabase, user: string }> {
    const { database } = await databases.open()
    const user = await addUser(database)
    const other = await addUser(database)
    await database.transaction(async tx => {
      for (const name of all) await addFile(tx, user, { original_filename: name })
      for (const name of all) await addFile(tx, other, { original_filename: name })
    })
    return { database, user }
  }

  it('find whole names and parts of them, with and without regard to case', async () => {
    const { database, user } = await withFiles('Report.pdf', 'report.pdf', 'annual report', 'über.TXT')
    const find = (text: string, match: NonNullable<Search['name']>['match']) => names(database, user, { name: { text, match } })

    assert.deepEqual(await find('report.pdf', 'exact'), ['report.pdf'])
    assert.deepEqual(await find('REPORT.pdf', 'iexact'), ['Report.pdf', 'report.pdf'])
    assert.deepEqual(await find('report', 'partial'), ['report.pdf', 'annual report'])
    assert.deepEqual(await find('EPORT', 'ipartial'), ['Report.pdf', 'report.pdf', 'annual report'])
    assert.deepEqual(await find('ÜBER.txt', 'iexact'), ['über.TXT'])
    assert.deepEqual(await find('ÜB', 'ipartial'), ['über.TXT'])
    assert.deepEqual(await find('nothing', 'ipartial'), [])
  })

  it('take every character as itself', async () => {
    const odd = [
      '100% sure', 'a_b', 'back\\slash', 'quo"te', "apo'strophe", 'star*', '(x OR y)', 'NEAR(a b)', '日本語のファイル', '🙂🙃🙂', '-dash', 'col:on',
      '^caret'
    ]
    const { database, user } = await withFiles(...odd, 'other')

    for (const name of odd) {
      for (const part of [
        name, ...Array.from(name), ...Array.from(name).map((one, at, all) => one + (all[at + 1] ?? '')),
        ...[[1], [0, -1]].map(([from, to]) => Array.from(name).slice(from, to).join(''))
      ]) {
        const found = await names(database, user, { name: { text: part, match: 'partial' } })
        assert.deepEqual(found, [...odd, 'other'].filter(one => one.includes(part)), part)
      }
    }
  })

  it('find texts that are shorter than what is indexed, and all with an empty one', async () => {
    const { database, user } = await withFiles('ab', 'b', 'c')

    assert.deepEqual(await names(database, user, { name: { text: 'B', match: 'ipartial' } }), ['ab', 'b'])
    assert.deepEqual(await names(database, user, { name: { text: 'ab', match: 'partial' } }), ['ab'])
    assert.deepEqual(await names(database, user, { name: { text: 'ba', match: 'partial' } }), [])
    assert.deepEqual(await names(database, user, { name: { text: '', match: 'partial' } }), ['ab', 'b', 'c'])
  })

  it('follow names and metadata when these change', async () => {
    const { database, user } = await withFiles('first name')
    const find = (text: string) => names(database, user, { name: { text, match: 'partial' } })
    const byMeta = (value: string) => names(database, user, { meta: { app: value } })
    const set = (columns: { original_filename?: string, name_key?: string, meta?: string }) =>
      database.transaction(tx => tx.updateTable('files').set(columns).where('user_id', '=', user).execute())

    await set({ original_filename: 'second name', name_key: 'second name', meta: '{"app":"one"}' })
    assert.deepEqual([await find('first'), await find('second'), await byMeta('one')], [[], ['second name'], ['second name']])
    await set({ meta: '{"app":"two"}' })
    assert.deepEqual([await byMeta('one'), await byMeta('two')], [[], ['second name']])
    await database.transaction(tx => tx.deleteFrom('files').where('user_id', '=', user).execute())
    assert.deepEqual([await find('second'), await byMeta('two')], [[], []])
  })

  it('find all given pairs of metadata', async () => {
    const { database } = await databases.open()
    const [user, other] = [await addUser(database), await addUser(database)]
    const long = 'x'.repeat(10_000)
    await database.transaction(async tx => {
      await addFile(tx, user, { original_filename: 'a', meta: JSON.stringify({ app: 'one', tag: 'x' }) })
      await addFile(tx, user, { original_filename: 'b', meta: JSON.stringify({ app: 'one', tag: 'y', 'k"ey': 'v\'al' }) })
      await addFile(tx, user, { original_filename: 'c', meta: JSON.stringify({ long }) })
      await addFile(tx, other, { original_filename: 'd', meta: JSON.stringify({ app: 'one', tag: 'x' }) })
    })

    assert.deepEqual(await names(database, user, { meta: { app: 'one' } }), ['a', 'b'])
    assert.deepEqual(await names(database, user, { meta: { app: 'one', tag: 'x' } }), ['a'])
    assert.deepEqual(await names(database, user, { meta: { 'k"ey': 'v\'al' } }), ['b'])
    assert.deepEqual(await names(database, user, { meta: { long } }), ['c'])
    assert.deepEqual(await names(database, user, { meta: { app: 'x' } }), [])
    assert.deepEqual(await names(database, user, {}), ['a', 'b', 'c'])
  })

  it('find states and groups', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    await database.transaction(async tx => {
      await tx.insertInto('groups').values({ id: 'g', user_id: user, workspace_id: `w-${user}`, name: 'g', created_at: 0 }).execute()
      await addFile(tx, user, { original_filename: 'a', state: 'staged', group_id: 'g' })
      await addFile(tx, user, { original_filename: 'b', group_id: 'g' })
      await addFile(tx, user, { original_filename: 'c' })
    })

    assert.deepEqual(await names(database, user, { group: 'g' }), ['a', 'b'])
    assert.deepEqual(await names(database, user, { group: null }), ['c'])
    assert.deepEqual(await names(database, user, { group: 'g', state: 'pinned' }), ['b'])
  })

  it('give the same whether there are few or many', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    const count = 4500
    const rows = Array.from({ length: count }, (_one, at) => fileOf(user, {
      original_filename: `image-${at}.${at % 2 === 0 ? 'jpg' : 'png'}`, uploaded_at: at, state: at % 1000 === 7 ? 'failed' : 'pinned',
      size_bytes: count - at, meta: JSON.stringify({ parity: `${at % 2}`, mod: `${at % 900}` })
    }))
    await database.transaction(async tx => {
      for (let at = 0; at < count; at += 500) await tx.insertInto('files').values(rows.slice(at, at + 500)).execute()
    })
    const searches: Search[] = [
      { name: { text: '.jpg', match: 'ipartial' } }, { name: { text: 'age-7', match: 'partial' } }, { meta: { parity: '1' } },
      { meta: { mod: '4' } }, { state: 'pinned' }, { state: 'failed' }, { group: null },
      { meta: { parity: '1', mod: '7' }, state: 'pinned', name: { text: 'png', match: 'ipartial' } }
    ]
    const fits = ({ name, meta = {}, state }: Search, at: number): boolean => {
      const row = rows[at]!
      return (name == null || row.original_filename.includes(name.text)) && (state == null || row.state === state) &&
        Object.entries(meta).every(([key, value]) => (JSON.parse(row.meta as string) as Record<string, string>)[key] === value)
    }

    for (const search of searches) {
      const wanted = rows.map((_row, at) => at).filter(at => fits(search, at)).toReversed()
      for (const sort of ['uploaded_at', 'size_bytes'] as const) {
        const found = await database.db.selectFrom('files').select('uploaded_at').where(await database.matching('files', user, search))
          .orderBy(sort, sort === 'uploaded_at' ? 'desc' : 'asc').limit(20).execute()
        assert.deepEqual(found.map(({ uploaded_at: at }) => at), wanted.slice(0, 20), JSON.stringify({ search, sort }))
      }
    }
  })

  it('find pins as well', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    await database.transaction(async tx => {
      await addPin(tx, user, { name: 'Alpha', meta: '{"app":"one"}' })
      await addPin(tx, user, { name: 'alphabet', status: 'queued' })
    })
    const find = async (search: Search): Promise<string[]> => {
      const rows = await database.db.selectFrom('pins').select('name').where(
        await database.matching('pins', user, search)
      ).orderBy('created', 'desc').execute()
      return rows.map(({ name }) => name)
    }

    assert.deepEqual(await find({ name: { text: 'ALPHA', match: 'ipartial' } }), ['alphabet', 'Alpha'])
    assert.deepEqual(await find({ name: { text: 'Alpha', match: 'exact' }, meta: { app: 'one' } }), ['Alpha'])
    assert.deepEqual(await find({ state: 'queued' }), ['alphabet'])
  })

  if (databases.kind === 'sqlite') return

  it('look rare things up by their keys, also in a table that has just grown and that the planner knows nothing of', async () => {
    const { database } = await databases.open()
    const user = await addUser(database)
    await database.transaction(async tx => {
      await sql`alter table files set (autovacuum_enabled = false)`.execute(tx)
      for (let from = 0; from < 3000; from += 500) {
        const names = Array.from({ length: 500 }, (_name, at) => `image-${from + at}.png`)
        await tx.insertInto('files').values(
          names.map(name => fileOf(user, { original_filename: name, meta: JSON.stringify({ name }) }))
        ).execute()
      }
    })
    const searches: Search[] = [{ name: { text: '-1234', match: 'ipartial' } }, { meta: { name: 'image-7.png' } }]

    for (const search of searches) {
      const fits = await database.matching('files', user, search)
      const { rows } =
        await sql<Record<string, string>>`explain (costs off) select * from files where ${fits} order by view_count desc, id desc limit 20`.execute(database.db)

      const indexes = rows.flatMap(row => /(?:using|Index Scan on) (\w+)/.exec(row['QUERY PLAN'] ?? '')?.[1] ?? [])
      assert.deepEqual(indexes, ['files_pkey'], rows.map(row => row['QUERY PLAN']).join('\n'))
    }
  })
})
