import { sql } from 'kysely'
import type { Kysely, RawBuilder } from 'kysely'
import { allOf, fewRows, filtersOf, nameColumns } from '../matching.ts'
import type { FilterDialect, Matching, Searched } from '../matching.ts'
import type { Condition } from '../sql.ts'
import type { Tables } from '../tables.ts'

/** One thing that is looked for. */
interface Filter {
  /** Whether a row of the table fits, in a form that no index can take: a unary plus does that. */
  test: Condition
  /** The numbers of all rows that may fit, by an index; undefined when there is none for it. */
  candidates?: RawBuilder<unknown>
}

/** Shorter texts have no trigram. */
const shortestInIndex = 3

const indexes = { state: 'files_by_state', group_id: 'files_by_group', status: 'pins_by_status' } as const

/** See `SqlDatabase.matching`. SQLite has no figures about values, so each way is written so that there is no other. */
export async function sqliteMatching ({ db, table, user, search }: Matching): Promise<Condition> {
  const filters = filtersOf(table, search, sqliteFilters(table, user))
  const rare = await rarest(db, filters)
  const [owner, row] = [sql.ref(`${table}.user_id`), sql.ref(`${table}.seq`)]
  const first: Condition = rare?.candidates == null ? sql`${owner} = ${user}` : sql`${row} in (${rare.candidates}) and +${owner} = ${user}`
  return allOf([first, ...filters.map(({ test }) => test)])
}

/** The filter with the fewest candidates, when these are few. One query, which stops counting there. */
async function rarest (db: Kysely<Tables>, filters: readonly Filter[]): Promise<Filter | undefined> {
  const known = filters.filter(({ candidates }) => candidates != null)
  if (known.length === 0) return undefined
  const counts = known.map(({ candidates }, at) =>
    sql`(select count(*) from (select 1 from (${candidates!}) limit ${sql.lit(fewRows + 1)})) as ${sql.id(`count_${at}`)}`)
  const { rows: [row] } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db)
  const sizes = known.map((filter, at) => ({ filter, size: row?.[`count_${at}`] ?? fewRows + 1 }))
  const least = sizes.reduce((a, b) => b.size < a.size ? b : a)
  return least.size <= fewRows ? least.filter : undefined
}

const sqliteFilters = (table: Searched, user: string): FilterDialect<Filter> => ({
  name ({ text, key, isWhole, isExact }): Filter {
    const column = sql.ref(`${table}.${isExact ? nameColumns[table] : 'name_key'}`)
    const wanted = isExact ? text : key
    if (isWhole) {
      return {
        test: sql`+${column} = ${wanted}`,
        candidates: sql`select seq from ${sql.table(table)} indexed by ${sql.id(`${table}_by_name`)} where user_id = ${user} and name_key = ${key}`
      }
    }
    const test: Condition = sql`instr(${column}, ${wanted}) > 0`
    const length = Array.from(key).length
    if (length === 0) return { test }
    const [names, piece] = length < shortestInIndex ? [sql.id(`${table}_short`), trigramOf(key)] : [sql.id(`${table}_names`), key]
    return { test, candidates: sql`select rowid as seq from ${names} where ${names} match ${phrase(piece)}` }
  },

  pair ({ key, value }): Filter {
    const pairs = sql.id(`${table}_meta`)
    return {
      test: sql`exists (select 1 from ${pairs} as pair where pair.user_id = ${user} and pair.key = ${key} and pair.value = ${value} and pair.seq = ${sql.ref(`${table}.seq`)})`,
      candidates: sql`select seq from ${pairs} where user_id = ${user} and key = ${key} and value = ${value}`
    }
  },

  value (column, value): Filter {
    return {
      test: sql`+${sql.ref(`${table}.${column}`)} is ${value}`,
      candidates: sql`select seq from ${sql.table(table)} indexed by ${sql.id(indexes[column])} where user_id = ${user} and ${sql.id(column)} is ${value}`
    }
  }
})

/** Between the characters of a spaced text; names hardly have it: U+0001. */
const space = '\u0001'

/**
 * The SQL function of this name: each character of a text, and each two of them, are a trigram of the result. So texts that are too short
 * for a trigram are found by the same kind of index.
 */
export const spaced = (text: string): string => `${space}${Array.from(text).join(space)}${space}`

/** Of one or two characters. */
const trigramOf = (text: string): string => Array.from(text).length === 1 ? spaced(text) : Array.from(text).join(space)

/** The text as one phrase of FTS5's query language: its trigrams one after the other, and so the text itself. */
const phrase = (text: string): string => `"${text.replaceAll('"', '""')}"`
