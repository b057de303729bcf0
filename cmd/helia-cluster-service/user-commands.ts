import type { Command } from 'commander'
import type { UserDeps, UserInit } from './user.ts'
import type { Terminal } from './terminal.ts'

export interface UserCommandsDeps {
  terminal: Terminal
  /** Makes a wrong flag of a command tell what is wrong. */
  tellUsage (command: Command): Command
  /** What the global options say. */
  init (): UserInit
  force (): boolean
}

/**
 * `user` and everything below it: the accounts of the service, also while the peer runs. The code that does it is loaded when one of them
 * runs.
 */
export function addUser (user: Command, deps: UserCommandsDeps): void {
  const below = (name: string, description: string): Command =>
    deps.tellUsage(user.command(name).description(description).allowExcessArguments())
  const run = async <Flags>(
    flags: Flags, pick: (commands: typeof import('./user.ts')) => (init: UserInit & Flags, deps: UserDeps) => Promise<void>
  ): Promise<void> => {
    const [commands, { fetchText }] = await Promise.all([import('./user.ts'), import('./fetch-text.ts')])
    await pick(commands)({ ...deps.init(), ...flags }, { terminal: deps.terminal, fetch: fetchText })
  }
  const state = (name: string, description: string, wanted: 'active' | 'suspended'): void => {
    below(name, description).argument('<email>').action(
      async (email: string) => run({ email, state: wanted }, commands => commands.runUserState)
    )
  }
  user.description(
    'manage the accounts of the service (section api.service), also while the peer runs'
  ).helpCommand('help [command]', 'print the help of a command')
  below('add', 'make an account; its password is the first line of standard input. Prints its ID and its API key')
    .argument('<email>')
    .option('--admin', 'the account is an admin')
    .option('--quota <size>', 'what it may store, such as 10GB (default: api.service.quota_bytes)')
    .option('-f, --force', 'take over an account that has this address: its password, keys and log-ins end')
    .action(
      async (email: string, flags: { admin?: boolean, quota?: string, force?: boolean }) =>
        run({ email, ...flags, force: flags.force === true || deps.force() }, commands => commands.runUserAdd)
    )
  below('list', 'print all accounts').action(async () => run({}, commands => commands.runUserList))
  state('suspend', 'end the log-ins of an account, and refuse its keys', 'suspended')
  state('resume', 'end the suspension of an account', 'active')
  below('quota', 'set what an account may store, such as 10GB').argument('<email>').argument('<size>')
    .action(async (email: string, quota: string) => run({ email, quota }, commands => commands.runUserQuota))
  below('key', 'make an API key for an account, and print it').argument('<email>')
    .option('--name <name>', 'what the key is called')
    .option(
      '--permissions <list>', 'comma-separated: pins:read, pins:write, files:read, files:write, account:read, gateway:read (default: all)'
    )
    .action(
      async (email: string, flags: { name?: string, permissions?: string }) => run({ email, ...flags }, commands => commands.runUserKey)
    )
  const invite = below('invite', 'make an invitation, and print its code').argument('[email]', 'only for this address')
    .option('--days <number>', 'how long it is valid', '7')
    .action(
      async (email: string | undefined, flags: { days?: string }) =>
        run({ ...(email == null ? {} : { email }), ...flags }, commands => commands.runUserInvite)
    )
  deps.tellUsage(invite.command('list').description('print the invitations, newest first').allowExcessArguments())
    .option('-a, --all', 'also those that were used or revoked, or have expired')
    .action(async (flags: { all?: boolean }) => run(flags, commands => commands.runInviteList))
  deps.tellUsage(invite.command('revoke').description('end an invitation that nobody has used').allowExcessArguments()).argument('<id>')
    .action(async (id: string) => run({ id }, commands => commands.runInviteRevoke))
  below('backup', 'write a copy of the accounts, and all that belongs to them, into a new file').argument('<file>')
    .action(async (file: string) => run({ file }, commands => commands.runUserBackup))
}
