import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values']

/**
 * The options of a test program. `--help` prints `usage` and ends with 0; an option that isn't there is told in one line, and ends with 2.
 */
export function programOptions<T extends Options> (usage: string, options: T): Values<T> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    console.log(usage)
    process.exit(0)
  }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

/** Ends the program with 2 and the words, unless they hold. */
export function demand (holds: boolean, what: string): void {
  if (holds) return
  console.error(what)
  process.exit(2)
}
