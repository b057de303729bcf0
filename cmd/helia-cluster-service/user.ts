import { isClusterError } from '../../src/base/errors.ts'
import { bytes, refused } from '../../src/config/kinds.ts'
import { loadFolder } from '../../src/node/folder/folder.ts'
import type { FolderDeps } from '../../src/node/folder/folder.ts'
import type { ServiceConfig } from '../../src/config/service-config.ts'
import { createLogger, parseLogLevels } from '../../src/node/logging.ts'
import { backUpService } from '../../src/node/service/service-database.ts'
import type { ServiceUsers } from '../../src/node/service/service-users.ts'
import { keyPermissions as permissions, openServiceUsers } from '../../src/node/service/service-users.ts'
import { CommandFailed, doing } from './terminal.ts'
import type { Terminal } from './terminal.ts'

export interface UserInit { folder: string, levels: string }
export interface UserDeps { terminal: Terminal, fetch: FolderDeps['fetch'] }

/** The flags of `user add`; those of the other commands follow. */
export interface AddFlags { email: string, admin?: boolean, quota?: string, force: boolean }
/** `quota`: a size such as "10GB". */
export interface QuotaFlags { email: string, quota: string }
/** Of `user suspend` and `user resume`. */
export interface StateFlags { email: string, state: 'active' | 'suspended' }
/** `permissions`: a comma list; absent: all. */
export interface KeyFlags { email: string, name?: string, permissions?: string }
/** `email` absent: whoever has the code may use it. `days`: 1 to 999, 7 unless said otherwise. */
export interface InviteFlags { email?: string, days?: string }
/** `all`: also invitations that were used or revoked, or have expired. */
export interface InvitesFlags { all?: boolean }
/** `id`: as the list shows it. */
export interface InviteIdFlags { id: string }
/** `file`: must not be there yet. */
export interface BackupFlags { file: string }

type Admin = ServiceUsers['admin']
type Run<Flags> = (init: UserInit & Flags, deps: UserDeps) => Promise<void>

const actor = { actor: 'command-line', address: '' }
const dayMs = 86_400_000

/** A command on the accounts, with what goes wrong told as of `error <what>: <why>`. */
const command = <Flags>(what: string, act: (admin: Admin, flags: Flags, terminal: Terminal) => Promise<void>): Run<Flags> =>
  async (init, { terminal, fetch }) => {
  const levels = await doing('parsing options', () => parseLogLevels(init.levels))
  const log = createLogger({ levels, format: 'text', write: line => terminal.err(line) })
  const config = await loadConfig(init, { terminal, fetch })
  const users = await doing(what, async () => openServiceUsers({ folder: init.folder, config }, { log }))
  try {
    await doing(what, async () => act(users.admin, init, terminal))
  } finally {
    await users.close()
  }
}

async function loadConfig (init: UserInit, { terminal, fetch }: UserDeps): Promise<ServiceConfig> {
  const { config } = await doing('loading configurations', async () => loadFolder(init.folder, { variables: terminal.variables, fetch }))
  return config
}

/** The database as it is, and not through an opened one: also of a version that this program doesn't know. */
export const runUserBackup: Run<BackupFlags> = async (init, deps) => {
  const config = await loadConfig(init, deps)
  await doing('backing up the accounts', async () => backUpService({ folder: init.folder, config }, init.file))
}

/** The password is the first line of standard input. */
export const runUserAdd = command<AddFlags>('adding the user', async (admin, { email, admin: isAdmin, quota, force }, terminal) => {
  const quotaBytes = quota == null ? undefined : bytesOf(quota)
  const password = await terminal.askSecretly('Password: ')
  if (password.length < 8 || password.length > 256) throw new CommandFailed('the password must have 8 to 256 characters')
  const added = await admin.add(
    { email, password, role: isAdmin === true ? 'admin' : 'user', quotaBytes }, { ...actor, takeOver: force }
  ).catch((err: unknown) => {
    if (!isClusterError(err, 'CONFLICT')) throw err
    throw new CommandFailed(
      'this address has an account: with --force it is taken over, and whoever had it loses password, keys and log-ins'
    )
  })
  terminal.out(`${added.id}\n${added.apiKey}\n`)
})

/** `user list`: a table, all pages of it. */
export const runUserList = command<object>('listing the users', async (admin, _flags, terminal) => {
  const rows: string[][] = [['EMAIL', 'ROLE', 'STATE', 'USED', 'QUOTA', 'FILES', 'CREATED', 'SEEN', 'ID']]
  for (let cursor: string | undefined; ;) {
    const { users, next } = await admin.list({ cursor, limit: 1000 })
    for (const user of users) {
      rows.push(
        [
          user.email, user.role, user.state, String(user.used_bytes), String(user.quota_bytes), String(user.file_count),
          dayOf(user.created_at), user.last_seen_at === 0 ? 'never' : dayOf(user.last_seen_at), user.id
        ]
      )
    }
    if (next == null) break
    cursor = next
  }
  printTable(rows, terminal)
})

function printTable (rows: readonly string[][], terminal: Terminal): void {
  const widths = rows[0]!.map((_cell, at) => Math.max(...rows.map(row => row[at]?.length ?? 0)))
  for (const row of rows) terminal.out(`${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ').trimEnd()}\n`)
}

/** `user suspend` and `user resume`. */
export const runUserState = command<StateFlags>('changing the user', async (admin, { email, state }) => {
  await admin.setState((await admin.byEmail(email)).id, state, actor)
})

/** `user quota EMAIL SIZE`. */
export const runUserQuota = command<QuotaFlags>('changing the user', async (admin, { email, quota }) => {
  await admin.setQuota((await admin.byEmail(email)).id, bytesOf(quota), actor)
})

/** `user key`: prints the secret, which is shown once. */
export const runUserKey = command<KeyFlags>('making the key', async (
  admin, { email, name = 'command line', permissions: list }, terminal
) => {
  const wanted = list == null ? [...permissions] : list.split(',').map(one => one.trim())
  const unknown = wanted.filter(one => !permissions.some(known => known === one))
  if (unknown.length > 0) throw new CommandFailed(`there is no permission ${unknown.join(', ')}: ${permissions.join(', ')}`)
  const granted = permissions.filter(one => wanted.includes(one))
  const made = await admin.createKey((await admin.byEmail(email)).id, { name, permissions: granted, expiresAt: null, maxUses: null }, actor)
  terminal.out(`${made.apiKey}\n`)
})

/** `user invite`: prints the code. */
export const runUserInvite = command<InviteFlags>('making the invitation', async (admin, { email, days = '7' }, terminal) => {
  if (!/^[1-9]\d{0,2}$/.test(days)) throw new CommandFailed(`--days is ${days}: must be a whole number from 1 to 999`)
  const { code } = await admin.invite({ email: email ?? null, lifetimeMs: Number(days) * dayMs }, actor)
  terminal.out(`${code}\n`)
})

/** `user invite list`. */
export const runInviteList = command<InvitesFlags>('listing the invitations', async (admin, { all }, terminal) => {
  const rows: string[][] = [['ID', 'STATE', 'FOR', 'CREATED', 'EXPIRES', 'USED BY']]
  for (let cursor: string | undefined; ;) {
    const { invites, next } = await admin.invites({ ...(all === true ? {} : { state: 'open' }), cursor, limit: 1000 })
    for (const { id, state, email, createdAt, expiresAt, usedBy } of invites) {
      rows.push([id, state, email ?? 'anybody', dayOf(createdAt), dayOf(expiresAt), usedBy ?? ''])
    }
    if (next == null) break
    cursor = next
  }
  printTable(rows, terminal)
})

/** `user invite revoke`. */
export const runInviteRevoke = command<InviteIdFlags>('revoking the invitation', async (admin, { id }) => admin.revokeInvite(id, actor))

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

function bytesOf (text: string): number {
  const value = bytes.parse(text)
  if (value === refused) throw new CommandFailed(`the quota is ${text}: must be ${bytes.allowed}`)
  return value
}
