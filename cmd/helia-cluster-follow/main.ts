import { Command, CommanderError } from 'commander'
import { messageOf } from '../../src/base/errors.ts'
import { normalArguments } from '../helia-cluster-service/arguments.ts'
import { tellUsage, unknownTopic, usageExitCode } from '../helia-cluster-service/main.ts'
import { endProcess } from '../helia-cluster-service/end-process.ts'
import { CommandFailed, systemTerminal } from '../helia-cluster-service/terminal.ts'
import type { Terminal } from '../helia-cluster-service/terminal.ts'
import { version } from '../helia-cluster-service/version.ts'
import type { FollowDeps } from './deps.ts'
import { followedIn, followedNames, followersFolder, isInitialized } from './followed.ts'
import type { Followed } from './followed.ts'

interface RunFlags { init?: string, gateway?: string }

/** Runs one command line (without node and script) and gives the exit code. */
export async function runFollow (argv: readonly string[], deps: FollowDeps): Promise<number> {
  const { terminal } = deps
  let exitCode = 0
  const program = describeProgram(terminal).action(async (name: string | undefined, rest: string[]) => {
    const parent = followersFolder(program.opts<{ config?: string }>().config, terminal.variables)
    if (name == null) return terminal.out(overview(await followedNames(parent)))
    if (name === 'help' || name === 'h') return terminal.out(program.helpInformation())
    exitCode = await runFollowed(followedIn(parent, name), rest, deps)
  })
  try {
    await program.parseAsync(normalArguments(argv, program), { from: 'user' })
    return exitCode
  } catch (err) {
    if (err instanceof CommanderError) return usageExitCode(err)
    terminal.err(`${messageOf(err)}\n`)
    return 1
  }
}

/** A command of one cluster; without one, what is known of it and how to go on. */
async function runFollowed (followed: Followed, argv: readonly string[], deps: FollowDeps): Promise<number> {
  let exitCode = 0
  const program = describeFollowed(followed.name, deps.terminal, {
    info: async () => {
      await checkInitialized(followed)
      await (await import('./follow-info.ts')).printInfo(followed, deps)
    },
    init: async (source, flags) => (await import('./follow-init.ts')).initFollower(followed, { ...flags, source }, deps.terminal),
    run: async ({ init: source, ...flags }) => {
      if (source != null && !await isInitialized(followed)) await (await import('./follow-init.ts')).initFollower(followed, { ...flags, source }, deps.terminal)
      await checkInitialized(followed)
      const { runFollower } = await import('./follow-run.ts')
      exitCode = await runFollower(followed, await deps.daemon())
    },
    list: async () => {
      await checkInitialized(followed)
      await (await import('./follow-list.ts')).printList(followed, deps)
    }
  })
  await program.parseAsync(normalArguments(argv, program), { from: 'user' })
  return exitCode
}

async function checkInitialized (followed: Followed): Promise<void> {
  if (await isInitialized(followed)) return
  throw new CommandFailed(`This cluster peer has not been initialized.\n\nTry running "helia-cluster-follow ${followed.name} init <config-url>" first.`)
}

function describeProgram (terminal: Terminal): Command {
  return configured(new Command('helia-cluster-follow'), terminal)
    .description('Follow IPFS clusters: help to keep what their trusted peers pin, without a say in it')
    .usage('[global options] <clusterName> [subcommand]...')
    .option('-c, --config <folder>', 'folder of the followers (IPFS_CLUSTER_PATH; default ~/.helia-cluster-follow)')
    .version(`helia-cluster-follow version ${version}`, '-v, --version', 'print the version')
    .argument('[clusterName]', 'a name of your choice for the cluster')
    .argument('[subcommand...]', 'info, init, run or list: see helia-cluster-follow <clusterName> --help')
    .passThroughOptions()
}

interface Actions {
  info (): Promise<void>
  init (source: string, flags: { gateway?: string }): Promise<void>
  run (flags: RunFlags): Promise<void>
  list (): Promise<void>
}

function describeFollowed (name: string, terminal: Terminal, actions: Actions): Command {
  const program = configured(new Command(`helia-cluster-follow ${name}`), terminal).description(`Follow the cluster "${name}"`)
  const subcommand = (text: string, description: string): Command => tellUsage(program.command(text).description(description).allowExcessArguments(), terminal)
  subcommand('info', 'print what is known of the follower').action(actions.info)
  subcommand('init', 'make a follower').argument('[config-url]', 'where the configuration is fetched from at every start: a URL or a DNSLink name')
    .option('--gateway <host:port>', 'IPFS gateway for a DNSLink name (IPFS_GATEWAY; default 127.0.0.1:8080)')
    .action(async (source: string | undefined, flags: { gateway?: string }) => {
      if (source == null) throw new CommandFailed('configuration URL not provided')
      await actions.init(source, flags)
    })
  subcommand('run', 'run the follower')
    .option('--init <config-url>', 'make the follower first, unless it is there')
    .option('--gateway <host:port>', 'as for init')
    .action(actions.run)
  subcommand('list', 'print the pinset and how far it is here').action(actions.list)
  return program.usage('[options] [command]').argument('[command]').action(async (unknown: string | undefined) => {
    if (unknown != null) unknownTopic(unknown, { terminal, known: program.commands.map(one => one.name()) })
    await actions.info()
    terminal.out(`\n${program.helpInformation()}`)
  })
}

const configured = (command: Command, terminal: Terminal): Command => tellUsage(command, terminal)
  .enablePositionalOptions()
  .configureOutput({ writeOut: terminal.out, writeErr: terminal.out, outputError: () => {} })
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')

function overview (names: readonly string[]): string {
  if (names.length === 0) {
    return 'No clusters configured yet!\n\nTo follow one: helia-cluster-follow <clusterName> init <config-url>\nFor help: helia-cluster-follow --help\n'
  }
  return `Configurations found for ${names.length} follower peers. For info and help, try running:\n\n` +
    `${names.map(name => `helia-cluster-follow "${name}"\n`).join('')}\nTip: "helia-cluster-follow --help" for help and examples.\n`
}

/** Called by the launcher. */
export async function main (): Promise<void> {
  const { systemFollowDeps } = await import('./system.ts')
  endProcess(await runFollow(process.argv.slice(2), systemFollowDeps(systemTerminal())))
}

if (import.meta.main) await main()
