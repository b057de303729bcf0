import { sql } from 'kysely'
import { allOf, fewRows, filtersOf, nameColumns } from '../matching.ts'
import type { FilterDialect, Matching, Searched } from '../matching.ts'
import type { Condition } from '../sql.ts'

/** One thing that is looked for, in a form that an index may take where that is another one. */
interface Filter { test: Condition, indexed: Condition }

/** Shorter texts have no trigram. */
const shortestTrigram = 3
/** Of the newest rows, and how many of these make going through the list quick: a page is full after some 500 rows. */
const sampledRows = 250
const manyOfThem = 10

const keys = { files: 'id', pins: 'request_id' } as const
const ages = { files: 'uploaded_at', pins: 'created' } as const

/**
 * See `SqlDatabase.matching`. An index of trigrams or metadata gives all its rows or none, so what is frequent is told by a sample first.
 * The planner multiplies what it guesses of each filter, takes the product for one row, and sorts everything; within CASE it guesses that
 * half of the rows fit. Of a table that has just grown it knows nothing, and would read all of a user's rows in an index to join them with
 * the candidates: so there is one index only that each query can take.
 */
export async function postgresMatching (matching: Matching): Promise<Condition> {
  const { table, user, search } = matching
  const filters = filtersOf(table, search, postgresFilters(table))
  const isOwn: Condition = sql`${sql.ref(`${table}.user_id`)} = ${user}`
  if (filters.length === 0) return isOwn
  const tests = filters.map(({ test }) => test)
  const fits = withoutIndex(tests)
  if (await isFrequent(matching, fits)) return allOf([isOwn, fits])
  const candidates = await candidatesOf(matching, [isOwn, ...filters.map(({ indexed }) => indexed)])
  if (candidates.length === 0) return sql`false`
  if (candidates.length > fewRows) return allOf([isOwn, fits])
  return allOf([sql`${sql.ref(`${table}.${keys[table]}`)} = any (${candidates})`, withoutIndex([isOwn, ...tests])])
}

const withoutIndex = (tests: readonly Condition[]): Condition => sql`case when ${allOf(tests)} then true else false end`

/** Their keys; one more than are few when there are more. */
async function candidatesOf ({ db, table }: Matching, indexed: readonly Condition[]): Promise<string[]> {
  const key = sql.id(keys[table])
  const { rows } =
    await sql<{
      key: string
    }>`select ${key} as key from ${sql.table(table)} where ${allOf(indexed)} limit ${sql.lit(fewRows + 1)}`.execute(db)
  return rows.map(({ key }) => key)
}

async function isFrequent ({ db, table, user }: Matching, fits: Condition): Promise<boolean> {
  const newest =
    sql`select * from ${sql.table(table)} where user_id = ${user} order by ${sql.id(ages[table])} desc limit ${sql.lit(sampledRows)}`
  const { rows } = await sql`select 1 from (${newest}) as ${sql.id(table)} where ${fits} limit ${sql.lit(manyOfThem)}`.execute(db)
  return rows.length === manyOfThem
}

const postgresFilters = (table: Searched): FilterDialect<Filter> => ({
  name ({ text, key, isWhole, isExact }): Filter {
    const nameKey = sql.ref(`${table}.name_key`)
    const column = isExact ? sql.ref(`${table}.${nameColumns[table]}`) : nameKey
    const wanted = isExact ? text : key
    const test: Condition = isWhole ? sql`${column} = ${wanted}` : sql`strpos(${column}, ${wanted}) > 0`
    if (isWhole) return { test, indexed: sql`${nameKey} = ${key}` }
    const isShort = key !== '' && Array.from(key).length < shortestTrigram
    return { test, indexed: isShort ? sql`service_short_pieces(${nameKey}) @> array[${key}]` : sql`${nameKey} like ${`%${escaped(key)}%`}` }
  },

  pair ({ key, value }): Filter {
    const meta = sql.ref(`${table}.meta`)
    const test: Condition = sql`${meta}::jsonb @> ${JSON.stringify({ [key]: value })}::jsonb`
    // the index has only rows with metadata, and is for queries that say so
    return { test, indexed: sql`${meta} <> '{}' and ${test}` }
  },

  value (column, value): Filter {
    const test: Condition = value == null ? sql`${sql.ref(`${table}.${column}`)} is null` : sql`${sql.ref(`${table}.${column}`)} = ${value}`
    return { test, indexed: test }
  }
})

const escaped = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&')
