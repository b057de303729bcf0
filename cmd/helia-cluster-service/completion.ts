import type { Command, Option } from 'commander'
import type { CompletedCommand, CompletedFlag, CompletedProgram } from '../completion.ts'
import { completionScript, shells } from '../completion.ts'
import { CommandFailed } from './terminal.ts'

/** What a program that commander describes has in its help: what is hidden there is not completed. */
export function completedProgram (program: Command): CompletedProgram {
  const { flags = [], commands = [] } = completedCommand(program)
  return { program: program.name(), flags, commands }
}

/** A command of commander's, with all below it, for completions. */
export function completedCommand (command: Command): CompletedCommand {
  const help = command.createHelp()
  return {
    name: command.name(),
    about: command.description(),
    flags: help.visibleOptions(command).map(completedFlag),
    commands: help.visibleCommands(command).map(
      one => one.name() === 'help' ? { name: 'help', about: one.description(), commands: topicsOf(command) } : completedCommand(one)
    ),
    ...(command.registeredArguments.some(one => one.name() === 'file') ? { takesFiles: true } : {}),
    ...(command.name() === 'completion' ? { words: shells } : {})
  }
}

/** Help is asked for by the words of a command. */
const topicsOf = (command: Command): CompletedCommand[] => command.commands.filter(one => one.name() !== 'help').map(one => ({
  name: one.name(), about: one.description(), commands: topicsOf(one)
}))

const completedFlag = ({ long, short, description, required, optional, argChoices }: Option): CompletedFlag => ({
  names: [long, short].filter(name => name != null),
  about: description,
  takesValue: required || optional,
  ...(argChoices == null ? {} : { choices: argChoices })
})

/** Throws CommandFailed for a shell that isn't known. */
export function scriptFor (shell: string, completed: CompletedProgram): string {
  const script = completionScript(shell, completed)
  if (script == null) throw new CommandFailed(`error : no completion for ${JSON.stringify(shell)}; there is one for ${shells.join(', ')}`)
  return script
}
