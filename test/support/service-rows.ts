import type { Insertable } from 'kysely'
import type { Sql, SqlDatabase } from '../../src/service/sql/sql.ts'
import { folded } from '../../src/service/sql/sql.ts'
import type { FilesTable, PinsTable, UsersTable } from '../../src/service/sql/tables.ts'

let rows = 0
const next = (): number => ++rows

/** A user with a workspace, and a quota of 1 GiB. Gives its id. */
export async function addUser (database: SqlDatabase, user: Partial<Insertable<UsersTable>> = {}): Promise<string> {
  const id = user.id ?? `u${next()}`
  const email = user.email ?? `${id}@example.com`
  await database.transaction(async tx => {
    await tx.insertInto('workspaces').values({ id: `w-${id}`, name: id, created_at: 0 }).execute()
    await tx.insertInto('users').values({
      email, email_key: email.toLowerCase(), password_hash: '-', created_at: 0, state: 'active', role: 'user', quota_bytes: 2 ** 30,
      ...user, id, workspace_id: `w-${id}`
    }).execute()
  })
  return id
}

export type FileInput = Partial<Insertable<FilesTable>>

export function fileOf (user: string, file: FileInput = {}): Insertable<FilesTable> {
  const number = next()
  const name = file.original_filename ?? `file-${number}`
  return {
    id: `f${number}`, user_id: user, workspace_id: `w-${user}`, cid: `cid-${number}`, kind: 'file', content_type: 'text/plain',
    size_bytes: 1, state: 'pinned', uploaded_at: number,
    ...file, original_filename: name, name_key: folded(name)
  }
}

/** Gives the file's id. */
export async function addFile (tx: Sql, user: string, file: FileInput = {}): Promise<string> {
  const row = fileOf(user, file)
  await tx.insertInto('files').values(row).execute()
  return row.id
}

export function pinOf (user: string, pin: Partial<Insertable<PinsTable>> = {}): Insertable<PinsTable> {
  const number = next()
  const name = pin.name ?? `pin-${number}`
  return {
    request_id: `p${number}`, user_id: user, workspace_id: `w-${user}`, cid: `cid-${number}`, created: number, status: 'pinned', ...pin,
    name, name_key: folded(name)
  }
}

/** Gives the pin's request id. */
export async function addPin (tx: Sql, user: string, pin: Partial<Insertable<PinsTable>> = {}): Promise<string> {
  const row = pinOf(user, pin)
  await tx.insertInto('pins').values(row).execute()
  return row.request_id
}
