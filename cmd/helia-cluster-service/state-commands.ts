import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import type { ForceFlags, ImportFlags, OutputFlags, StateDeps, StateInit } from './state.ts'
import type { Terminal } from './terminal.ts'

export interface StateCommandsDeps {
  terminal: Terminal
  /** Makes a wrong flag of a command tell Go's words. */
  tellUsage (command: Command): Command
  /** What the global options say. */
  init (): StateInit
  force (): boolean
}

const withHelp = (command: Command): Command => command.helpCommand('help [command]', 'print the help of a command')

interface RawForce { force?: boolean }

/** `state` and everything below it. The code that does it is loaded when one of them runs. */
export function addState (state: Command, deps: StateCommandsDeps): void {
  const below = (parent: Command, name: string, description: string): Command =>
    deps.tellUsage(parent.command(name).description(description).allowExcessArguments())
  const run = async <Flags>(
    flags: Flags, pick: (commands: typeof import('./state.ts')) => (init: StateInit & Flags, deps: StateDeps) => Promise<void>
  ): Promise<void> => {
    // what lives shortly fills whatever room it has: 150 MiB more for an import that gets no faster. Has no effect once the room has grown
    for (const flag of ['--max-semi-space-size=4', '--semi-space-growth-factor=1']) setFlagsFromString(flag)
    const [commands, { fetchText }] = await Promise.all([import('./state.ts'), import('./fetch-text.ts')])
    await pick(commands)({ ...deps.init(), ...flags }, commands.systemStateDeps(deps.terminal, fetchText))
  }
  const forced = ({ force }: RawForce): ForceFlags => ({ force: force === true || deps.force() })
  withHelp(state).description("inspect and maintain the peer's pinset while it does not run")
  below(state, 'export', 'write the pinset as lines of JSON')
    .option('-f, --file <path>', 'write to this file instead of standard output')
    .action(async (flags: OutputFlags) => run(flags, commands => commands.runExport))
  below(state, 'import', 'replace the pinset by one that was exported')
    .argument('[file]', 'the exported pinset; without it standard input is read, with --force')
    .option('-f, --force', 'go on without asking')
    .option('--replication-min, --rmin <number>', 'set this factor on all pins; -1 for everywhere')
    .option('--replication-max, --rmax <number>', 'set this factor on all pins; -1 for everywhere')
    .option('--allocations, --allocs <peers>', 'set these allocations on all pins: comma-separated peer IDs')
    .action(async (
      file: string | undefined, { rmin, rmax, allocs, ...force }: RawForce & { rmin?: string, rmax?: string, allocs?: string }
    ) => {
      const flags: ImportFlags = {
        ...forced(force),
        ...(file == null ? {} : { file }),
        ...(rmin == null ? {} : { replicationMin: rmin }),
        ...(rmax == null ? {} : { replicationMax: rmax }),
        ...(allocs == null ? {} : { allocations: allocs })
      }
      await run(flags, commands => commands.runImport)
    })
  below(state, 'cleanup', 'remove the pinset and its history')
    .option('-f, --force', 'go on without asking')
    .action(async (flags: RawForce) => run(forced(flags), commands => commands.runCleanup))
  const crdt = withHelp(below(state, 'crdt', 'inspect the CRDT of the pinset'))
  below(crdt, 'info', 'print heads, height and whether a check is due').action(async () => run({}, commands => commands.runCrdtInfo))
  below(crdt, 'dot', 'write the DAG for Graphviz')
    .option('-f, --file <path>', 'write to this file instead of standard output')
    .action(async (flags: OutputFlags) => run(flags, commands => commands.runCrdtDot))
  below(crdt, 'mark-dirty', 'ask for a full check at the next start').action(
    async () => run({ dirty: true }, commands => commands.runCrdtMark)
  )
  below(crdt, 'mark-clean', 'take that request back').action(async () => run({ dirty: false }, commands => commands.runCrdtMark))
}
