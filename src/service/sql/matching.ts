import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Condition, Search } from './sql.ts'
import { folded } from './sql.ts'
import type { Tables } from './tables.ts'

/** Tables with `name` and `meta` to search in. */
export type Searched = 'files' | 'pins'

/** The column of a table that has the name as it was given. */
export const nameColumns: Readonly<Record<Searched, 'original_filename' | 'name'>> = { files: 'original_filename', pins: 'name' }

/** How a name is looked for. `key` is the folded text. */
export interface NameParts { text: string, key: string, isWhole: boolean, isExact: boolean }

/** How a database writes what is looked for, one thing at a time. */
export interface FilterDialect<Filter> {
  /** Rows whose name matches. */
  name (name: NameParts): Filter
  /** Rows whose metadata has this pair. */
  pair (pair: { key: string, value: string }): Filter
  /** `value` null: the column is. */
  value (column: 'state' | 'group_id' | 'status', value: string | null): Filter
}

/**
 * Below this many candidates they are looked up and sorted; above, the list is gone through in its order until the page is full, which
 * takes fewer rows than that as long as those that fit are spread evenly.
 */
export const fewRows = 2000

/** What is looked for in a table, in the words of a database. */
export function filtersOf<Filter> (table: Searched, { name, meta, state, group }: Search, dialect: FilterDialect<Filter>): Filter[] {
  const filters = Object.entries(meta ?? {}).map(([key, value]) => dialect.pair({ key, value }))
  if (name != null) filters.push(dialect.name(nameParts(name)))
  if (state != null) filters.push(dialect.value(table === 'files' ? 'state' : 'status', state))
  if (group !== undefined && table === 'files') filters.push(dialect.value('group_id', group))
  return filters
}

const nameParts = ({ text, match }: NonNullable<Search['name']>): NameParts =>
  ({ text, key: folded(text), isWhole: match === 'exact' || match === 'iexact', isExact: match === 'exact' || match === 'partial' })

/** One condition, in parentheses, that holds when all of these do. At least one. */
export const allOf = (conditions: readonly Condition[]): Condition => sql`(${sql.join(conditions, sql` and `)})`

/** A search in one user's rows. */
export interface Matching { db: Kysely<Tables>, table: Searched, user: string, search: Search }
