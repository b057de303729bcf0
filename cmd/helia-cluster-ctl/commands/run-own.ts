import type { Command, CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, exitCodes } from '../failure.ts'

/** What needs no peer. */

/** `commands`: every command with its parents, a line each, as Go's. */
export async function listCommands (_line: CommandLine, { terminal, program, commands }: CtlContext): Promise<number> {
  terminal.out([...commands.flatMap(command => paths(program, command)), `${program} help`].map(line => `${line}\n`).join(''))
  return exitCodes.done
}

const paths = (before: string, command: Command): string[] => {
  if (command.isOurs === true) return []
  const path = `${before} ${command.name}`
  return [path, ...(command.commands ?? []).flatMap(one => paths(path, one))]
}

/** `completion SHELL`. */
export async function printCompletion ({ args: [shell = ''] }: CommandLine, { terminal, program, commands }: CtlContext): Promise<number> {
  const [{ completionScript, shells }, { completedCtl }] = await Promise.all([import('../../completion.ts'), import('../usage/completion.ts')])
  const script = completionScript(shell, completedCtl({ program, commands }))
  if (script == null) throw new CommandFailed(`error : no completion for ${JSON.stringify(shell)}; there is one for ${shells.join(', ')}`)
  terminal.out(script)
  return exitCodes.done
}
