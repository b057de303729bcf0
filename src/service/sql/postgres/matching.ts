import { sql } from 'kysely'
import type { Filter, MatchingDialect } from '../matching.ts'

const nameColumns = { files: 'original_filename', pins: 'name' } as const
/** Shorter texts have no trigram. */
const shortestTrigram = 3

const keys = { files: 'id', pins: 'request_id' } as const

/** Tests are written so that the planner sees no index for them; which way to go has been decided by counting. */
export const postgresMatching: MatchingDialect = {
  name (table, user, { text, key, isWhole, isExact }): Filter {
    const column = sql.ref(`${table}.${isExact ? nameColumns[table] : 'name_key'}`)
    const wanted = isExact ? text : key
    const isShort = !isWhole && key !== '' && Array.from(key).length < shortestTrigram
    return {
      test: isWhole ? sql`(${column} || '') = ${wanted}` : sql`strpos(${column}, ${wanted}) > 0`,
      candidates: rows(table, user, isWhole ? sql`name_key = ${key}` : isShort ? sql`service_short_pieces(name_key) @> array[${key}]` : sql`name_key like ${`%${escaped(key)}%`}`)
    }
  },

  pair (table, user, { key, value }): Filter {
    const contains = sql`${sql.ref(`${table}.meta`)}::jsonb @> ${JSON.stringify({ [key]: value })}::jsonb`
    // the index has only rows with metadata, and is for queries that say so
    return { test: sql`${contains}`, candidates: rows(table, user, sql`${sql.ref(`${table}.meta`)} <> '{}' and ${contains}`) }
  },

  value (table, user, column, value): Filter {
    const reference = sql.ref(`${table}.${column}`)
    return {
      test: value == null ? sql`(${reference} || '') is null` : sql`(${reference} || '') = ${value}`,
      candidates: rows(table, user, value == null ? sql`${reference} is null` : sql`${reference} = ${value}`)
    }
  },

  driven: (table, user, candidates) =>
    sql`${sql.ref(`${table}.${keys[table]}`)} = any (array(${candidates})) and ${sql.ref(`${table}.user_id`)} = ${user}`
}

const rows = (table: 'files' | 'pins', user: string, condition: Filter['test'] | ReturnType<typeof sql>): ReturnType<typeof sql> =>
  sql`select ${sql.id(keys[table])} from ${sql.table(table)} where ${sql.ref(`${table}.user_id`)} = ${user} and ${condition}`

const escaped = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&')
