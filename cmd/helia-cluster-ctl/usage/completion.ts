import type { CompletedCommand, CompletedFlag, CompletedProgram } from '../../completion.ts'
import type { Command } from './command.ts'
import type { Flag } from './flags.ts'
import { dashed } from './flags.ts'
import { globalFlags, helpFlag, helpTopic, versionFlag } from './global-flags.ts'

/** What shells complete of ctl: its flags and commands with theirs, as the help lists them. */
export function completedCtl ({ program, commands }: { program: string, commands: readonly Command[] }): CompletedProgram {
  return {
    program, flags: [...globalFlags, helpFlag, versionFlag].map(completedFlag),
    commands: [...commands.map(completedCommand), { ...helpTopic, commands: commands.map(topic) }]
  }
}

/** Help is asked for by the words of a command. */
const topic = ({ name, about, commands = [] }: Command): CompletedCommand => ({ name, about, commands: commands.map(topic) })

const completedCommand = ({ name, about, flags = [], commands = [], completes }: Command): CompletedCommand => ({
  name,
  about,
  flags: [...flags, helpFlag].map(completedFlag),
  commands: commands.map(completedCommand),
  ...(completes == null ? {} : completes === 'files' ? { takesFiles: true } : { words: completes })
})

const completedFlag = ({ names, about, type, choices }: Flag): CompletedFlag => ({
  names: names.map(dashed), about, takesValue: type !== 'boolean', ...(choices == null ? {} : { choices })
})
