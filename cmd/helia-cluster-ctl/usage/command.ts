import type { Flag, FlagValues } from './flags.ts'
import type { CtlContext } from '../context.ts'

/** A command, or a group of them. */
export interface Command {
  name: string
  /** One line for the list of commands. */
  about: string
  /** What follows the flags in a command line, such as "[CID]". */
  takes?: string
  /** More lines of help. */
  help?: string
  flags?: readonly Flag[]
  commands?: readonly Command[]
  /** Loaded when it runs: a command costs only what it needs. Gives the exit code. */
  run? (line: CommandLine, context: CtlContext): Promise<number>
  /** What completion offers as arguments. */
  completes?: 'files' | readonly string[]
  /** Go's program doesn't have it: `commands`, which scripts read, lists what both have. */
  isOurs?: boolean
  /** What to do when the peer answers with that status: one line on stderr, behind the error. */
  hints?: Readonly<Record<number, string>>
}

/** What a handler is given: its flags, and the words that are none. */
export interface CommandLine { flags: FlagValues, args: string[] }
