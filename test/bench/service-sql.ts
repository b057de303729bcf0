/**
 * `npm run bench -- --service-sql [--rows 100k] [--only sqlite|postgres]`: what the service's databases take for the queries that every
 * request makes, on SQLite and, where it is installed, on
 * PostgreSQL: looking up a key among as many, lists of 20 out of as many files and pins of one user with every filter and sort, counts,
 * durable writes.
 * Medians and the slowest of each, in milliseconds.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../../src/base/system.ts'
import { sqlQuota } from '../../src/service/quota/sql-quota.ts'
import { opaqueId } from '../../src/service/sql/ids.ts'
import type { Search, SqlDatabase } from '../../src/service/sql/sql.ts'
import { serviceTotals } from '../../src/service/usage/totals.ts'
import { postgresMissing, PostgresServer } from '../support/postgres-server.ts'
import { databaseAt } from '../support/service-database.ts'
import { addUser, fileOf, pinOf } from '../support/service-rows.ts'

interface Figure { name: string, database: string, medianMs: number, slowestMs: number, rounds: number }

const users = 1000
const rowsAtOnce = 500
const extensions = ['jpg', 'png', 'pdf', 'txt', 'mp4']

export async function benchServiceSql ({ rows, only }: { rows: number, only: string }): Promise<Figure[]> {
  const figures = only === 'postgres' ? [] : await benchSqlite(rows)
  if (only === 'sqlite') console.log('SQLite only')
  else if (postgresMissing == null) figures.push(...await benchPostgres(rows))
  else console.log(`PostgreSQL left out: ${postgresMissing}`)
  print(figures, rows)
  return figures
}

async function benchSqlite (rows: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
  try {
    return await benchDatabase('sqlite', join(folder, 'service.sqlite'), rows)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function benchPostgres (rows: number): Promise<Figure[]> {
  const server = await PostgresServer.create({ isDurable: true })
  try {
    return await benchDatabase('postgres', await server.createDatabase(), rows)
  } finally {
    await server.remove()
  }
}

async function benchDatabase (kind: SqlDatabase['kind'], place: string, rows: number): Promise<Figure[]> {
  const { database, workers } = databaseAt(kind, place)
  await database.start(new AbortController().signal)
  await workers.start()
  try {
    const figures: Figure[] = []
    const begin = performance.now()
    const { user, prefixes } = await fill(database, rows)
    console.log(`${kind}: ${rows} keys, files and pins in ${Math.round(performance.now() - begin)} ms`)
    const measured = async (name: string, rounds: number, work: (round: number) => Promise<unknown>): Promise<void> => {
      figures.push({ name, database: kind, rounds, ...await timed(rounds, work) })
    }
    await measured('key look-up', 2000, async round => keyOf(database, prefixes[(round * 7919) % prefixes.length]!))
    for (const [name, search] of Object.entries(searches)) {
      for (const sort of name === 'all' ? sorts : ['uploaded_at', 'size_bytes'] as const) {
        await measured(`20 files, ${name}, by ${sort}`, 40, async () => listFiles(database, user, search, sort))
      }
      if (search.group === undefined) await measured(`20 pins, ${name}`, 40, async () => listPins(database, user, search))
    }
    await measureAllPairs(kind, async (search, sort, direction) => listFiles(database, user, search, sort, { direction }))
    await measured('20 files, 50,000 behind a cursor', 40, async () => listFiles(database, user, {}, 'uploaded_at', { before: rows / 2 }))
    await measured(
      'counts of pins by status', 200, async () => database.db.selectFrom('counters').selectAll().where('user_id', '=', user).execute()
    )
    await measured('figures of the whole service', 40, async () => serviceTotals(database))
    const quota = sqlQuota({ database, random: systemRandom })
    await measured('durable reservation, alone', 100, async () => database.transaction(tx => quota.reserve(tx, 'user-1', 1, 'bench')))
    await measured(
      'durable reservation, 64 users at once', 10,
      async () =>
        Promise.all(Array.from({ length: 64 }, async (_one, at) => database.transaction(tx => quota.reserve(tx, `user-${at}`, 1, 'bench'))))
    )
    return figures
  } finally {
    await workers.stop()
    await database.stop()
  }
}

const sorts = ['uploaded_at', 'name_key', 'size_bytes', 'view_count', 'last_accessed_at'] as const

/** Of frequent things, rare ones, and both. */
const searches: Record<string, Search> = {
  all: {},
  'name: a fifth': { name: { text: '.JPG', match: 'ipartial' } },
  'name: ten': { name: { text: 'image-1234', match: 'partial' } },
  'name: none': { name: { text: 'nothing like it', match: 'ipartial' } },
  'name: two letters': { name: { text: 'xq', match: 'ipartial' } },
  'name: exact': { name: { text: 'image-77777.txt', match: 'iexact' } },
  'meta: half': { meta: { parity: '1' } },
  'meta: a hundred': { meta: { mod: '77' } },
  'meta: none': { meta: { mod: 'none' } },
  'state: all but some': { state: 'pinned' },
  'state: a few': { state: 'failed' },
  'name, meta and state': { name: { text: 'png', match: 'ipartial' }, meta: { parity: '1' }, state: 'pinned' },
  'group: a tenth': { group: 'group-3' },
  'group: none': { group: null }
}

type Ask = (search: Search, sort: typeof sorts[number], direction: 'asc' | 'desc') => Promise<unknown>

const pairRounds = 5
const goalMs = 10

/** Each filter with each order: how many are above the goal, and the slowest of their medians. */
async function measureAllPairs (kind: string, ask: Ask): Promise<void> {
  const medians: Array<{ name: string, ms: number }> = []
  for (const [name, search] of Object.entries(searches)) {
    for (const sort of sorts) {
      for (const direction of ['asc', 'desc'] as const) {
        const { medianMs } = await timed(pairRounds, async () => ask(search, sort, direction))
        medians.push({ name: `${name}, by ${sort} ${direction}`, ms: medianMs })
      }
    }
  }
  const slow = medians.filter(({ ms }) => ms > goalMs)
  const worst = medians.reduce((a, b) => b.ms > a.ms ? b : a)
  console.log(
    `${kind}: ${slow.length} of ${medians.length} filters and orders above ${goalMs} ms, the slowest ${worst.ms.toFixed(1)} ms (${worst.name})`
  )
}

/** One user with everything, and a thousand with the keys. */
export async function fill (database: SqlDatabase, rows: number): Promise<{ user: string, prefixes: string[] }> {
  for (let at = 0; at < users; at++) await addUser(database, { id: `user-${at}`, quota_bytes: 2 ** 40 })
  const user = 'user-0'
  await database.transaction(async tx => {
    await tx.insertInto('groups').values(
      Array.from({ length: 10 }, (_one, at) => ({
        id: `group-${at}`, user_id: user, workspace_id: 'w-user-0', name: `group ${at}`, created_at: 0
      }))
    ).execute()
  })
  const prefixes: string[] = []
  for (let from = 0; from < rows; from += rowsAtOnce) {
    const numbers = Array.from({ length: Math.min(rowsAtOnce, rows - from) }, (_one, at) => from + at)
    await database.transaction(async tx => {
      await tx.insertInto('api_keys').values(numbers.map(at => {
        prefixes.push(`ak_${opaqueId(systemRandom).slice(0, 10)}`)
        return {
          id: `key-${at}`, user_id: `user-${at % users}`, workspace_id: 'w', name: '', prefix: prefixes.at(-1)!,
          secret_hash: opaqueId(systemRandom).padEnd(64, '0'),
          permissions: '["pins:read","pins:write"]', kind: 'own' as const, created_at: at
        }
      })).execute()
      const common = (at: number) => ({
        meta: JSON.stringify({ parity: `${at % 2}`, mod: `${at % 1000}` }), name: `image-${at}.${extensions[at % 5]}`
      })
      await tx.insertInto('files').values(numbers.map(at => fileOf(user, {
        original_filename: common(at).name, meta: common(at).meta, state: at % 1000 === 5 ? 'failed' : 'pinned', uploaded_at: at,
        size_bytes: (at * 7919) % rows, view_count: (at * 31) % 1000,
        last_accessed_at: (at * 17) % rows, group_id: at % 10 < 8 ? `group-${at % 10}` : null
      }))).execute()
      await tx.insertInto('pins').values(
        numbers.map(at => pinOf(user, { ...common(at), status: at % 1000 === 5 ? 'failed' : 'pinned', created: at }))
      ).execute()
    })
  }
  return { user, prefixes }
}

const keyOf = (database: SqlDatabase, prefix: string): Promise<unknown> =>
  database.db.selectFrom('api_keys').innerJoin('users', 'users.id', 'api_keys.user_id')
  .selectAll('api_keys').select(['users.email', 'users.role', 'users.state']).where('api_keys.prefix', '=', prefix).execute()

interface Page { before?: number, direction?: 'asc' | 'desc' }

async function listFiles (
  database: SqlDatabase, user: string, search: Search, sort: typeof sorts[number], { before, direction = 'desc' }: Page = {}
): Promise<unknown> {
  let query = database.db.selectFrom('files').selectAll().where(await database.matching('files', user, search))
  if (before != null) query = query.where(sort, '<', before)
  return query.orderBy(sort, direction).orderBy('id', direction).limit(20).execute()
}

/** Without the count. */
async function listPins (database: SqlDatabase, user: string, search: Search): Promise<unknown> {
  const fits = await database.matching('pins', user, search)
  return database.db.selectFrom('pins').selectAll().where(fits).orderBy('created', 'desc').limit(20).execute()
}

async function timed (rounds: number, work: (round: number) => Promise<unknown>): Promise<{ medianMs: number, slowestMs: number }> {
  await work(0)
  const times: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const begin = performance.now()
    await work(round)
    times.push(performance.now() - begin)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { medianMs: sorted[sorted.length >> 1] ?? NaN, slowestMs: sorted.at(-1) ?? NaN }
}

function print (figures: readonly Figure[], rows: number): void {
  const text = ({ medianMs, slowestMs }: Figure): string => `${medianMs.toFixed(2)} / ${slowestMs.toFixed(2)}`
  const names = [...new Set(figures.map(({ name }) => name))]
  const kinds = [...new Set(figures.map(({ database }) => database))]
  console.log(`\n${rows} keys, files and pins: median / slowest in ms`)
  console.log(`| query | ${kinds.join(' | ')} |\n|---|${kinds.map(() => '---|').join('')}`)
  for (const name of names) {
    const cells = kinds.map(
      kind => figures.find(one => one.name === name && one.database === kind)
    ).map(figure => figure == null ? '' : text(figure))
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}
