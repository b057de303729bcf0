import { normalArguments } from '../helia-cluster-service/arguments.ts'
import { failureOf } from '../helia-cluster-service/main.ts'
import type { Started } from '../helia-cluster-service/main.ts'
import { endProcess } from '../helia-cluster-service/end-process.ts'
import { CommandFailed, systemTerminal } from '../helia-cluster-service/terminal.ts'
import type { FollowDeps } from './deps.ts'
import { describeFollowed, describeProgram } from './describe.ts'
import { followedIn, followedNames, followersFolder, isInitialized } from './followed-cluster.ts'
import type { FollowedCluster } from './followed-cluster.ts'

/** Runs one command line (without node and script) and gives the exit code. */
export async function runFollow (argv: readonly string[], deps: FollowDeps): Promise<number> {
  const { terminal } = deps
  let exitCode = 0
  const program = describeProgram(terminal).action(async (name: string | undefined, rest: string[]) => {
    const parent = followersFolder(program.opts<{ config?: string }>().config, terminal.variables)
    if (name == null) return terminal.out(overview(await followedNames(parent)))
    if (name === 'help' || name === 'h') return terminal.out(program.helpInformation())
    if (name === 'completion' && isShell(rest)) {
      const [{ completedFollow }, { scriptFor }] = await Promise.all(
        [import('./completion.ts'), import('../helia-cluster-service/completion.ts')]
      )
      return terminal.out(scriptFor(rest[0] ?? '', completedFollow(terminal)))
    }
    exitCode = await runFollowed(followedIn(parent, name), rest, deps)
  })
  return await failureOf(program, argv, terminal) ?? exitCode
}

/** A cluster may be called "completion". */
const isShell = ([word, ...more]: readonly string[]): boolean => more.length === 0 && ['bash', 'zsh', 'fish'].includes(word ?? '')

/** A command of one cluster; without one, what is known of it and how to go on. */
async function runFollowed (followed: FollowedCluster, argv: readonly string[], deps: FollowDeps): Promise<number> {
  let exitCode = 0
  const program = describeFollowed(followed.name, deps.terminal, {
    info: async () => {
      await checkInitialized(followed)
      await (await import('./follow-info.ts')).printInfo(followed, deps)
    },
    init: async (source, flags) => (await import('./follow-init.ts')).initFollower(followed, { ...flags, source }, deps.terminal),
    run: async ({ init: source, ...flags }) => {
      if (source != null && !await isInitialized(followed)) {
        await (await import('./follow-init.ts')).initFollower(followed, { ...flags, source }, deps.terminal)
      }
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

async function checkInitialized (followed: FollowedCluster): Promise<void> {
  if (await isInitialized(followed)) return
  throw new CommandFailed(
    `This cluster peer has not been initialized.\n\nTry running "helia-cluster-follow ${followed.name} init <config-url>" first.`
  )
}

function overview (names: readonly string[]): string {
  if (names.length === 0) {
    return 'No clusters configured yet!\n\nTo follow one: helia-cluster-follow <clusterName> init <config-url>\nFor help: helia-cluster-follow --help\n'
  }
  return `Configurations found for ${names.length} follower peers. For info and help, try running:\n\n` +
    `${names.map(name => `helia-cluster-follow "${name}"\n`).join('')}\nTip: "helia-cluster-follow --help" for help and examples.\n`
}

/** The program: runs the command line of this process and ends it with the command's status. Called by the launcher. */
export async function main (started?: Started): Promise<void> {
  const { systemFollowDeps } = await import('./deps.ts')
  endProcess(await runFollow(process.argv.slice(2), systemFollowDeps(systemTerminal(), started)))
}

if (import.meta.main) void main()
