import { sql } from 'kysely'
import type { Kysely, RawBuilder } from 'kysely'
import type { Condition, Search } from './sql.ts'
import { folded } from './sql.ts'
import type { Tables } from './tables.ts'

export type Searched = 'files' | 'pins'

/** One thing that is looked for. */
export interface Filter {
  /** Whether a row of the table fits, in a form that no index can take. */
  test: Condition
  /** The keys of all rows that may fit, by an index; undefined when there is none for it. */
  candidates?: RawBuilder<unknown>
}

/** How a database writes these. */
export interface MatchingDialect {
  /** `name` in any match; `key` is the folded text. */
  name (table: Searched, user: string, name: { text: string, key: string, isWhole: boolean, isExact: boolean }): Filter
  pair (table: Searched, user: string, pair: { key: string, value: string }): Filter
  /** `value` null: the column is. */
  value (table: Searched, user: string, column: 'state' | 'group_id' | 'status', value: string | null): Filter
  /** The rows of these candidates, found by their keys and nothing else. */
  driven (table: Searched, user: string, candidates: RawBuilder<unknown>): Condition
}

/**
 * Below this many candidates they are looked up and sorted; above, the list is gone through in its order until the page is full, which takes fewer rows than that as
 * long as those that fit are spread evenly.
 */
const fewRows = 2000

/** See `SqlDatabase.matching`. */
export async function matchingRows (db: Kysely<Tables>, dialect: MatchingDialect, { table, user, search }: { table: Searched, user: string, search: Search }): Promise<Condition> {
  const filters = filtersOf(dialect, table, user, search)
  const driver = await rarest(db, filters)
  const isOfUser = driver?.candidates == null
    ? sql`${sql.ref(`${table}.user_id`)} = ${user}`
    : dialect.driven(table, user, driver.candidates)
  return sql`(${sql.join([isOfUser, ...filters.map(({ test }) => test)], sql` and `)})`
}

function filtersOf (dialect: MatchingDialect, table: Searched, user: string, { name, meta, state, group }: Search): Filter[] {
  const filters = Object.entries(meta ?? {}).map(([key, value]) => dialect.pair(table, user, { key, value }))
  if (name != null) filters.push(dialect.name(table, user, nameParts(name)))
  if (state != null) filters.push(dialect.value(table, user, table === 'files' ? 'state' : 'status', state))
  if (group !== undefined && table === 'files') filters.push(dialect.value(table, user, 'group_id', group))
  return filters
}

const nameParts = ({ text, match }: NonNullable<Search['name']>): Parameters<MatchingDialect['name']>[2] =>
  ({ text, key: folded(text), isWhole: match === 'exact' || match === 'iexact', isExact: match === 'exact' || match === 'partial' })

/** The filter with the fewest candidates, when these are few. One query. */
async function rarest (db: Kysely<Tables>, filters: readonly Filter[]): Promise<Filter | undefined> {
  const known = filters.filter(({ candidates }) => candidates != null)
  if (known.length === 0) return undefined
  const counts = known.map(({ candidates }, at) =>
    sql`(select count(*) from (select 1 from (${candidates!}) as found limit ${sql.lit(fewRows + 1)}) as counted) as ${sql.id(`count_${at}`)}`)
  const { rows: [row] } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db)
  const sizes = known.map((filter, at) => ({ filter, size: row?.[`count_${at}`] ?? fewRows + 1 }))
  const least = sizes.reduce((a, b) => b.size < a.size ? b : a)
  return least.size <= fewRows ? least.filter : undefined
}
