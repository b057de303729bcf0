import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { textOfBytes } from '../../src/base/text/byte-text.ts'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/system.ts'
import { ApiError } from '../../src/client/errors.ts'
import { endBySignal, endProcess } from '../helia-cluster-service/end-process.ts'
import { onStopSignals } from '../helia-cluster-service/signals.ts'
import { version } from '../helia-cluster-service/version.ts'
import { painter } from './print/colours.ts'
import type { Command } from './usage/command.ts'
import { commands } from './commands/commands.ts'
import { connect } from './connect.ts'
import type { CtlContext } from './context.ts'
import { CommandFailed, exitCodes } from './failure.ts'
import { HelpWanted, WrongUsage, flagsFirst, parseFlags } from './usage/flags.ts'
import type { FlagValues } from './usage/flags.ts'
import { globalFlags, versionFlag } from './usage/global-flags.ts'
import { Printer } from './print/printer.ts'
import type { Encoding } from './print/printer.ts'
import { systemTerminal } from './terminal.ts'
import type { CtlTerminal } from './terminal.ts'

export interface CtlInit {
  /** Without node and script. */
  argv: readonly string[]
  /** How the program was called. */
  program: string
}

export interface CtlDeps {
  terminal: CtlTerminal
  clock: Clock
  /** Aborted when the user interrupts. */
  signal: AbortSignal
}

/** Runs one command line and gives the exit code. */
async function runCtl ({ argv, program }: CtlInit, deps: CtlDeps): Promise<number> {
  const { terminal } = deps
  try {
    const { flags, rest } = parseFlags(argv, [...globalFlags, versionFlag], terminal.variables)
    if (flags.yes('version')) {
      terminal.out(`${program} version ${version}\n`)
      return exitCodes.done
    }
    return await runCommand({ flags, words: rest, program }, deps)
  } catch (err) {
    if (!(err instanceof WrongUsage) && !(err instanceof HelpWanted)) throw err
    const { programHelp } = await import('./usage/help.ts')
    if (err instanceof WrongUsage) terminal.out(`Incorrect Usage. ${err.message}\n\n`)
    terminal.out(programHelp(program, version))
    return err instanceof WrongUsage ? exitCodes.failed : exitCodes.done
  }
}

interface Called { flags: FlagValues, words: readonly string[], program: string }

async function runCommand ({ flags, words, program }: Called, deps: CtlDeps): Promise<number> {
  const { terminal } = deps
  const wantsHelp = words[0] === 'help' || words[0] === 'h' || words.length === 0
  const found = findCommand(wantsHelp ? words.slice(1) : words)
  if (found.unknown != null) {
    const { didYouMean } = await import('../helia-cluster-service/nearest.ts')
    terminal.err(`No help topic for '${found.unknown}'\n${didYouMean(found.unknown, found.known)}`)
    return exitCodes.noSuchCommand
  }
  const { command, path, rest } = found
  const help = async (): Promise<void> => {
    const { commandHelp, programHelp } = await import('./usage/help.ts')
    terminal.out(command == null ? programHelp(program, version) : commandHelp(`${program} ${path}`, command))
  }
  if (wantsHelp || command?.run == null) {
    await help()
    return exitCodes.done
  }
  try {
    const line = parseFlags(flagsFirst(rest, command.flags ?? []), command.flags ?? [])
    refuseMore(line.rest, command)
    return await runWith(command, { flags: line.flags, args: line.rest }, await contextOf({ flags, program }, deps))
  } catch (err) {
    if (!(err instanceof WrongUsage) && !(err instanceof HelpWanted)) throw err
    if (err instanceof WrongUsage) terminal.out(`Incorrect Usage: ${err.message}\n\n`)
    await help()
    return err instanceof WrongUsage ? exitCodes.failed : exitCodes.done
  }
}

/** Go's commands leave out what is too much. Ours do something to a cluster: a word that is meant as a flag must not begin it. */
function refuseMore (args: readonly string[], { isOurs, takes = '' }: Command): void {
  if (isOurs !== true || takes.endsWith('...')) return
  const most = takes.match(/[<[][^>\]]*[>\]]/g)?.length ?? 0
  if (args.length > most) throw new CommandFailed(`error : too many arguments: ${args[most]}`)
}

/** `known`: the names beside the last word. */
interface Found { command?: Command, path: string, rest: readonly string[], unknown?: string, known: readonly string[] }

/** Follows the words down the groups. A word that is no command there is `unknown`. */
function findCommand (words: readonly string[]): Found {
  let found: Found = { path: '', rest: words, known: [] }
  for (let list: readonly Command[] | undefined = commands; list != null; list = found.command?.commands) {
    const [word] = found.rest
    if (word == null || /^--?h(elp)?$/.test(word)) return { ...found, rest: [] }
    const command = list.find(({ name }) => name === word)
    const known = list.map(({ name }) => name)
    if (command == null) return { ...found, unknown: word, known }
    found = { command, path: `${found.path} ${word}`.trim(), rest: found.rest.slice(1), known }
  }
  return found
}

async function contextOf (
  { flags, program }: Pick<Called, 'flags' | 'program'>, { terminal, clock, signal }: CtlDeps
): Promise<CtlContext> {
  const encoding = flags.text('encoding', terminal.outIsTerminal ? 'table' : 'text')
  if (encoding !== 'text' && encoding !== 'json' && encoding !== 'table') throw new CommandFailed('error : unsupported encoding')
  const printer = new Printer(encoding satisfies Encoding, { terminal, paint: painter(terminal, terminal.outIsTerminal) })
  return { program, commands, printer, terminal, clock, signal, client: await connect(flags, { terminal, clock }) }
}

async function runWith (command: Command, line: Parameters<NonNullable<Command['run']>>[0], context: CtlContext): Promise<number> {
  try {
    return await command.run?.(line, context) ?? exitCodes.done
  } catch (err) {
    if (!(err instanceof ApiError) || context.signal.aborted) throw err
    context.printer.error(err)
    if (command.isOurs === true && err.status === 404 && err.message === 'not found') {
      context.terminal.err('The asked peer does not know this: only Helia Cluster peers of this version do. Ask one of those (--host).\n')
    }
    const hint = command.hints?.[err.status]
    if (hint != null) context.terminal.err(`${hint}\n`)
    return err.status === 0 ? exitCodes.failed : exitCodes.refused
  }
}

/** Everything that ends a command with a line on stderr. */
export async function runAndTell (init: CtlInit, deps: CtlDeps): Promise<number> {
  try {
    return await runCtl(init, deps)
  } catch (err) {
    if (deps.signal.aborted) return exitCodes.interrupted
    deps.terminal.err(`${(err as Error).message}\n`)
    return err instanceof CommandFailed ? err.exitCode : exitCodes.failed
  }
}

/** Node reads arguments as UTF-8. Names of files that aren't are taken from where Linux has them. */
function commandLine (): string[] {
  const argv = process.argv.slice(2)
  if (process.platform !== 'linux' || !argv.some(argument => argument.includes('\ufffd'))) return argv
  const all = textOfBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1)
  return argv.map((argument, at) => {
    const asGiven = all.at(at - argv.length) ?? ''
    return asGiven.toWellFormed() === argument ? asGiven : argument
  })
}

/** The program: runs the command line of this process and ends it with the command's status. Called by the launcher. */
export async function main (): Promise<void> {
  const terminal = systemTerminal()
  const interrupted = new AbortController()
  let by: NodeJS.Signals | undefined
  onStopSignals(name => {
    // whoever signals again doesn't want to wait for what is left of the command
    if (by != null) endBySignal(name)
    by = name
    interrupted.abort(new Error('interrupted'))
  }, { events: process, now: () => performance.now() })
  const called = basename(process.argv[1] ?? '').replace(/\.[jt]s$/, '')
  const program = called === 'bin' || called === 'main' || called === '' ? 'helia-cluster-ctl' : called
  const code = await runAndTell({ argv: commandLine(), program }, { terminal, clock: systemClock, signal: interrupted.signal })
  await terminal.flush()
  endProcess(code === exitCodes.interrupted ? by ?? code : code)
}

if (import.meta.main) await main()
