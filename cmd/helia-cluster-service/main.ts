import { Command, CommanderError, Option } from 'commander'
import { messageOf } from '../../src/base/errors.ts'
import { folderPath } from '../../src/node/folder/folder.ts'
import { normalArguments, usageMessage } from './arguments.ts'
import type { DaemonFlags } from './daemon.ts'
import { endProcess } from './end-process.ts'
import type { InitFlags } from './init.ts'
import { addState } from './state-commands.ts'
import { didYouMean } from './nearest.ts'
import { systemTerminal } from './terminal.ts'
import type { Terminal } from './terminal.ts'
import { addUser } from './user-commands.ts'
import { version } from './version.ts'

interface GlobalFlags { config?: string, force?: boolean, debug?: boolean, loglevel?: string }

/** Told when a peer has started: all that a start needs is loaded, and V8 is as the process began. */
export type Started = () => void

/** Runs one command line (without node and script) and gives the exit code. */
export async function runProgram (argv: readonly string[], terminal: Terminal, started?: Started): Promise<number> {
  let exitCode = 0
  const program = describeService(terminal, code => { exitCode = code }, started)
  return await failureOf(program, argv, terminal) ?? exitCode
}

/** Runs the program's command. The exit code of a failure, which it tells on the terminal; null: there was none. */
export async function failureOf (program: Command, argv: readonly string[], terminal: Terminal): Promise<number | null> {
  try {
    await program.parseAsync(normalArguments(argv, program), { from: 'user' })
    return null
  } catch (err) {
    if (err instanceof CommanderError) return usageExitCode(err)
    terminal.err(`${messageOf(err)}\n`)
    return 1
  }
}

/** As Go's: help and a wrong flag are no failures, a command that is not there is one. */
const usageExitCode = ({ code }: CommanderError): number => code === 'commander.unknownCommand' ? noSuchCommand : 0

/** What Go's programs end with when they have no command, or no help, of that name. */
const noSuchCommand = 3

/** Lets a command throw instead of ending the process, after it has told what is wrong with its flags. */
export function tellUsage (command: Command, terminal: Terminal): Command {
  return command.exitOverride(err => {
    if (err.code === 'commander.unknownCommand') unknownTopic(command.args[0] ?? '', { terminal, known: namesIn(command) })
    if (!isHelp(err)) terminal.out(`Incorrect Usage: ${usageMessage(err.code, err.message)}\n\n${command.helpInformation()}`)
    throw err
  })
}

const isHelp = ({ code }: CommanderError): boolean => ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code)

/** Of at most 80 columns, which commander would break. */
const about = [
  'An IPFS Cluster peer with its own IPFS node inside',
  '',
  'Examples:',
  '  helia-cluster-service init                   make a peer in ~/.helia-cluster',
  "  CLUSTER_SECRET=… helia-cluster-service init  one with another peer's secret",
  '  helia-cluster-service daemon                 run it',
  '  helia-cluster-service daemon --bootstrap /ip4/192.0.2.1/tcp/9096/p2p/12D3Koo…'
].join('\n')

/** The program; `end` gets the exit code of a command that doesn't throw. */
export function describeService (terminal: Terminal, end: (exitCode: number) => void, started?: Started): Command {
  const program = tellUsage(new Command('helia-cluster-service'), terminal)
    .description(about)
    .usage('[global options] command [command options]')
    .option('-c, --config <folder>', 'folder of configuration and data (IPFS_CLUSTER_PATH; default ~/.helia-cluster)')
    .option('-f, --force', 'go on without asking')
    .option('-d, --debug', 'log everything')
    .option('-l, --loglevel <levels>', 'such as "error" or "info,cluster:debug" (IPFS_CLUSTER_LOG_LEVEL; default info)')
    .version(`helia-cluster-service version ${version}`, '-v, --version', 'print the version')
    .enablePositionalOptions()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.out, outputError: () => {} })
    .configureHelp({ styleTitle: title => title === 'Options:' ? 'Global options:' : title })
    .argument('[command...]').helpOption('-h, --help', 'print this help').helpCommand(false)
    .action(([name]: string[]) => {
      if (name != null) terminal.err(`'${name}' is no command of helia-cluster-service\n${didYouMean(name, namesIn(program))}`)
      terminal.out(program.helpInformation())
      end(1)
    })
  const globals = (): GlobalFlags => program.opts<GlobalFlags>()
  const folder = (): string => folderPath(globals().config, terminal.variables)
  const subcommand = (name: string): Command => tellUsage(program.command(name).configureHelp({}).allowExcessArguments(), terminal)
  addInit(subcommand('init'), async flags => {
    const { initFolder } = await import('./init.ts')
    await initFolder({ ...flags, folder: folder(), force: flags.force === true || globals().force === true }, terminal)
  })
  addDaemon(subcommand('daemon'), async flags => {
    const { runDaemon, systemDaemonDeps } = await import('./daemon.ts')
    end(await runDaemon({ ...flags, folder: folder(), levels: levelsText(globals(), terminal) }, systemDaemonDeps(terminal, started)))
  })
  addState(subcommand('state'), {
    tellUsage: command => tellUsage(command, terminal), terminal,
    init: () => ({ folder: folder(), levels: levelsText(globals(), terminal) }), force: () => globals().force === true
  })
  addUser(subcommand('user'), {
    tellUsage: command => tellUsage(command, terminal), terminal,
    init: () => ({ folder: folder(), levels: levelsText(globals(), terminal) }), force: () => globals().force === true
  })
  subcommand('version').description('print the version').action(() => { terminal.out(`${version}\n`) })
  subcommand('completion').description('print a completion script for bash, zsh or fish').argument('[shell]').action(async (shell = '') => {
    const { completedProgram, scriptFor } = await import('./completion.ts')
    terminal.out(scriptFor(shell, completedProgram(program)))
  })
  addHelp(subcommand('help'), program, terminal)
  return program
}

/** Commander's own has no alias and takes a name that it doesn't know for none. */
function addHelp (command: Command, program: Command, terminal: Terminal): void {
  command.alias('h').description('print the help of a command').argument('[command...]').action((names: string[]) => {
    const found = names.reduce<Command>(
      (parent, name) => parent.commands.find(one => one.name() === name) ?? unknownTopic(name, { terminal, known: namesIn(parent) }),
      program
    )
    terminal.out(found.helpInformation())
  })
}

/** Tells that there is nothing of this name, and what is there of nearly the same, and ends the program. */
export function unknownTopic (name: string, { terminal, known }: { terminal: Terminal, known: readonly string[] }): never {
  terminal.err(`No help topic for '${name}'\n${didYouMean(name, known)}`)
  throw new CommanderError(noSuchCommand, 'commander.unknownCommand', name)
}

const namesIn = (command: Command): string[] => command.commands.map(one => one.name())

const levelsText = ({ debug, loglevel }: GlobalFlags, { variables }: Terminal): string =>
  debug === true ? 'debug' : loglevel ?? variables.IPFS_CLUSTER_LOG_LEVEL ?? 'info'

function addInit (command: Command, run: (flags: InitFlags) => Promise<void>): void {
  command
    .description('make a configuration and an identity')
    .argument('[source-url]', 'fetch the configuration from here at every start')
    .option('--consensus <name>', 'crdt', 'crdt')
    .option('--datastore <name>', "level; Go's names are taken as level", 'level')
    .addOption(new Option('--profile <name>', 'public: listen and find peers as usual; test: stay on 127.0.0.1').default('public'))
    .option('-s, --custom-secret', 'ask for the cluster secret')
    .option('--peers <addresses>', 'comma-separated multiaddresses of peers to know, and to trust them only')
    .option('-f, --force', 'overwrite without asking')
    .option('--randomports', 'listen on ports that are free now')
    .action(async (source: string | undefined, flags: InitFlags) => run({ ...flags, ...(source == null ? {} : { source }) }))
}

function addDaemon (command: Command, run: (flags: DaemonFlags) => Promise<void>): void {
  command
    .description('run the peer')
    .option('-j, --bootstrap <addresses>', 'comma-separated multiaddresses of peers to join, which are then trusted')
    .option('--no-trust', 'do not trust the peers of --bootstrap')
    .option('--stats', 'serve metrics for Prometheus')
    .option('--tracing', 'send traces')
    .option('--fresh', "start empty in a folder with a Go peer's data")
    .option('-x, --leave', 'leave the cluster when stopping')
    .addOption(new Option('-u, --upgrade', 'has no effect').hideHelp())
    .action(run)
}

/** The program: runs the command line of this process and ends it with the command's status. Called by the launcher. */
export async function main (started?: Started): Promise<void> {
  endProcess(await runProgram(process.argv.slice(2), systemTerminal(), started))
}

if (import.meta.main) void main()
