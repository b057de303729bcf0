import { commands } from '../commands/commands.ts'
import type { Command } from './command.ts'
import { dashed } from './flags.ts'
import type { Flag } from './flags.ts'
import { globalFlags, helpFlag, helpTopic, versionFlag } from './global-flags.ts'

/** Columns of a line at most; scripts count on it with Go's program. */
const lineLength = 120
const indent = '   '

const column = (rows: ReadonlyArray<readonly [string, string]>): string => {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(
    ([left, right]) => wrapped(right, { first: `${indent}${left.padEnd(width)}  `, others: ' '.repeat(indent.length + width + 2) })
  ).join('\n')
}

/** Breaks a text between words. */
function wrapped (text: string, { first, others }: { first: string, others: string }): string {
  const lines: string[] = []
  let line = first
  for (const word of text.split(' ')) {
    const longer = line === first || line === others ? `${line}${word}` : `${line} ${word}`
    if (longer.length > lineLength && line.trim() !== '' && line !== first) {
      lines.push(line)
      line = `${others}${word}`
    } else line = longer
  }
  return [...lines, line].map(one => one.trimEnd()).join('\n')
}

function flagRow ({ names, type, about, fallback, variable }: Flag): readonly [string, string] {
  const value = type === 'boolean' ? '' : ' value'
  return [
    names.map(name => `${dashed(name)}${value}`).join(', '),
    `${about}${fallback == null ? '' : ` (default: ${fallback})`}${variable == null ? '' : ` [$${variable}]`}`
  ]
}

const section = (title: string, text: string): string => text === '' ? '' : `${title}:\n${text}\n\n`
const commandRows = (list: readonly Command[]): Array<readonly [string, string]> => list.map(one => [one.name, one.about] as const)

/** What `--help` prints without a command, in the form of Go's ctl. */
export function programHelp (program: string, version: string): string {
  return section('NAME', `   ${program} - manage an IPFS cluster through the REST API of one of its peers`) +
    section('USAGE', `   ${program} [global options] command [command options] [arguments...]`) +
    section('VERSION', `   ${version}`) +
    section('COMMANDS', column(commandRows([...commands, helpTopic]))) +
    section('GLOBAL OPTIONS', column([...globalFlags, helpFlag, versionFlag].map(flagRow))).trimEnd() + '\n'
}

/** The help of a command or group; `path` is what is typed before its arguments. */
export function commandHelp (path: string, command: Command): string {
  const options = column([...(command.flags ?? []), helpFlag].map(flagRow))
  if (command.commands != null) {
    return section('NAME', `   ${path} - ${command.about}`) + section('USAGE', `   ${path} command [command options] [arguments...]`) +
      section('COMMANDS', column(commandRows(command.commands))) + section('OPTIONS', options).trimEnd() + '\n'
  }
  return section('NAME', `   ${path} - ${command.about}`) +
    section('USAGE', `   ${`${path} ${command.flags == null ? '' : '[command options] '}${command.takes ?? ''}`.trimEnd()}`) +
    section(
      'DESCRIPTION', (command.help ?? '').split('\n').map(line => wrapped(line, { first: indent, others: indent })).join('\n').trimEnd()
    ) +
    section('OPTIONS', options).trimEnd() + '\n'
}
