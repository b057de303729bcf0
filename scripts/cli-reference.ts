import type { CompletedCommand, CompletedFlag, CompletedProgram } from '../cmd/completion.ts'
import { commands } from '../cmd/helia-cluster-ctl/commands/commands.ts'
import { completedCtl } from '../cmd/helia-cluster-ctl/usage/completion.ts'
import { completedFollow } from '../cmd/helia-cluster-follow/completion.ts'
import { completedProgram } from '../cmd/helia-cluster-service/completion.ts'
import { describeService } from '../cmd/helia-cluster-service/main.ts'
import type { Terminal } from '../cmd/helia-cluster-service/terminal.ts'

const nowhere: Terminal = { variables: {}, out: () => {}, err: () => {}, ask: async () => '', askSecretly: async () => '' }

/** What the three programs complete, which is what their help tells. */
export const completedPrograms = (): CompletedProgram[] => [
  completedCtl({ program: 'helia-cluster-ctl', commands }),
  completedProgram(describeService(nowhere, () => {})),
  completedFollow(nowhere)
]

/** A command and all below it, with the words that are typed. The topics of `help` are left out. */
export const commandsIn = (list: readonly CompletedCommand[], before: readonly string[] = []): Array<{ words: string[], command: CompletedCommand }> => list.flatMap(command => {
  const words = [...before, command.name]
  return [{ words, command }, ...command.name === 'help' ? [] : commandsIn(command.commands ?? [], words)]
})

/** Every command and flag as Markdown: one table a program. */
export function cliReference (): string {
  return [...head, ...completedPrograms().flatMap(programPart)].join('\n')
}

const head = [
  '# Every command and flag',
  '',
  'Made by `node scripts/write-config-files.ts` out of the tables that the programs read their command lines with; a test compares it with them, with `--help` and with completion.',
  '[cli-ctl.md](cli-ctl.md) and [cli-service.md](cli-service.md) say more. `--help`, `-h` works everywhere.',
  ''
]

function programPart ({ program, flags, commands: list }: CompletedProgram): string[] {
  return [
    `## ${program}`, '', '| command | flag | does |', '|---|---|---|',
    ...flags.map(flagRow),
    ...commandsIn(list).flatMap(({ words, command: { about, flags: own = [] } }) => [row(`\`${words.join(' ')}\``, '', about), ...own.filter(({ names }) => !names.includes('--help')).map(flagRow)]),
    ''
  ]
}

const flagRow = ({ names, takesValue, choices, about }: CompletedFlag): string =>
  row('', `${names.map(name => `\`${name}\``).join(', ')}${takesValue ? ' *value*' : ''}`, `${about}${choices == null ? '' : ` (${choices.join(', ')})`}`)

const row = (...cells: string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`.replaceAll(/`[^`]*`/g, code => code.replaceAll('&lt;', '<'))
