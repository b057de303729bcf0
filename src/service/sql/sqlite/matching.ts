import { sql } from 'kysely'
import type { Filter, MatchingDialect } from '../matching.ts'

/** Shorter texts have no trigram. */
const shortestInIndex = 3

const nameColumns = { files: 'original_filename', pins: 'name' } as const
const indexes = { state: 'files_by_state', group_id: 'files_by_group', status: 'pins_by_status' } as const

/** A unary plus keeps SQLite, which has no figures about the values, from taking an index for this condition. */
export const sqliteMatching: MatchingDialect = {
  name (table, user, { text, key, isWhole, isExact }): Filter {
    const column = sql.ref(`${table}.${isExact ? nameColumns[table] : 'name_key'}`)
    const wanted = isExact ? text : key
    if (isWhole) {
      return {
        test: sql`+${column} = ${wanted}`,
        candidates: sql`select seq from ${sql.table(table)} indexed by ${sql.id(`${table}_by_name`)} where user_id = ${user} and name_key = ${key}`
      }
    }
    const test: Filter['test'] = sql`instr(${column}, ${wanted}) > 0`
    const length = Array.from(key).length
    if (length === 0) return { test }
    const [names, piece] = length < shortestInIndex ? [sql.id(`${table}_short`), trigramOf(key)] : [sql.id(`${table}_names`), key]
    return { test, candidates: sql`select rowid as seq from ${names} where ${names} match ${phrase(piece)}` }
  },

  pair (table, user, { key, value }): Filter {
    const pairs = sql.id(`${table}_meta`)
    return {
      test: sql`exists (select 1 from ${pairs} as pair where pair.user_id = ${user} and pair.key = ${key} and pair.value = ${value} and pair.seq = ${sql.ref(`${table}.seq`)})`,
      candidates: sql`select seq from ${pairs} where user_id = ${user} and key = ${key} and value = ${value}`
    }
  },

  value (table, user, column, value): Filter {
    return {
      test: sql`+${sql.ref(`${table}.${column}`)} is ${value}`,
      candidates: sql`select seq from ${sql.table(table)} indexed by ${sql.id(indexes[column])} where user_id = ${user} and ${sql.id(column)} is ${value}`
    }
  },

  driven: (table, user, candidates) => sql`${sql.ref(`${table}.seq`)} in (${candidates}) and +${sql.ref(`${table}.user_id`)} = ${user}`
}

/** Between the characters of a spaced text; not used otherwise: U+0001. */
const space = '\u0001'

/**
 * The SQL function of this name: each character of a text, and each two of them, are a trigram of the result. So texts that are too short for a trigram are found by
 * the same kind of index.
 */
export const spaced = (text: string): string => `${space}${Array.from(text).join(space)}${space}`

/** Of one or two characters. */
const trigramOf = (text: string): string => Array.from(text).length === 1 ? spaced(text) : Array.from(text).join(space)

/** The text as one phrase of FTS5's query language: its trigrams one after the other, and so the text itself. */
const phrase = (text: string): string => `"${text.replaceAll('"', '""')}"`
