/** The databases that there are implementations for. */
export type DatabaseKind = 'sqlite' | 'postgres'

/**
 * One step from a version of the tables to the next. The statements run in order in one transaction. What has been released is never
 * changed: another step follows.
 */
export interface Migration {
  /** Versions are counted from 1. */
  version: number
  statements (kind: DatabaseKind): string[]
}

/**
 * A table, written with the types `bigint` and `text` only. SQLite checks the types too (STRICT). PostgreSQL compares texts by their bytes,
 * as SQLite does: cursors must not depend on the language that a database was made in.
 */
export function table (kind: DatabaseKind, name: string, columns: string): string {
  return kind === 'sqlite'
    ? `CREATE TABLE ${name} (${columns.replace(/\bbigint\b/g, 'INTEGER')}) STRICT`
    : `CREATE TABLE ${name} (${columns.replace(/\btext\b/g, 'text COLLATE "C"')})`
}
