import { Command } from 'commander'
import { tellUsage, unknownTopic } from '../helia-cluster-service/main.ts'
import { CommandFailed } from '../helia-cluster-service/terminal.ts'
import type { Terminal } from '../helia-cluster-service/terminal.ts'
import { version } from '../helia-cluster-service/version.ts'

interface RunFlags { init?: string, gateway?: string }

/** Of at most 80 columns, which commander would break. */
const about = [
  'Follow IPFS clusters: help to keep what their trusted peers pin, without a say',
  'in it',
  '',
  'Examples:',
  '  helia-cluster-follow photos init https://example.com/service.json',
  '  helia-cluster-follow photos run         until Ctrl-C',
  '  helia-cluster-follow photos list        what is pinned, and how far it is here'
].join('\n')

/** Name, usage and global options of `helia-cluster-follow`, as commander prints and parses them, without its actions. */
export function describeProgram (terminal: Terminal): Command {
  return configured(new Command('helia-cluster-follow'), terminal)
    .description(about)
    .usage('[global options] <clusterName> [subcommand]...\n       helia-cluster-follow completion bash|zsh|fish')
    .option('-c, --config <folder>', 'folder of the followers (IPFS_CLUSTER_PATH; default ~/.helia-cluster-follow)')
    .version(`helia-cluster-follow version ${version}`, '-v, --version', 'print the version')
    .argument('[clusterName]', 'a name of your choice for the cluster')
    .argument('[subcommand...]', 'info, init, run or list: see helia-cluster-follow <clusterName> --help')
    .passThroughOptions()
}

/** What the commands do with one followed cluster. */
export interface FollowedActions {
  info (): Promise<void>
  init (source: string, flags: { gateway?: string }): Promise<void>
  run (flags: RunFlags): Promise<void>
  list (): Promise<void>
}

/** The commands for one followed cluster, with what they do. Usage errors go to the terminal. */
export function describeFollowed (name: string, terminal: Terminal, actions: FollowedActions): Command {
  const program = configured(new Command(`helia-cluster-follow ${name}`), terminal).description(`Follow the cluster "${name}"`)
  const subcommand = (text: string, description: string): Command =>
    tellUsage(program.command(text).description(description).allowExcessArguments(), terminal)
  subcommand('info', 'print what is known of the follower').action(actions.info)
  subcommand('init', 'make a follower').argument(
    '[config-url]', 'where the configuration is fetched from at every start: a URL or a DNSLink name'
  )
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
