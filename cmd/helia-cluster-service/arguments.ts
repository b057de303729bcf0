import type { Command, Option } from 'commander'

/**
 * Brings a command line of Go's flag package into the form that commander reads: `-config x` becomes `--config x`, `--force=true`
 * `--force`, and `--force=false` goes.
 */
export function normalArguments (argv: readonly string[], program: Command): string[] {
  const options = new Map(
    [program, ...program.commands.flatMap(withSubcommands)].flatMap(command => command.options).flatMap(
      option => [option.long, option.short].map(name => [name ?? '', option])
    )
  )
  const end = argv.indexOf('--')
  const [flags, rest] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)]
  return [...flags.flatMap(argument => normalArgument(argument, options)), ...rest]
}

const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)]

function normalArgument (argument: string, options: Map<string, Option>): string[] {
  const [, name = '', , value] = /^--?([a-zA-Z][\w-]+)(=(.*))?$/s.exec(argument) ?? []
  const option = options.get(`--${name}`)
  if (option == null) return [argument]
  if (value == null) return [`--${name}`]
  if (!option.isBoolean() && !option.negate) return [`--${name}=${value}`]
  if (/^(1|t|true)$/i.test(value)) return [`--${name}`]
  return /^(0|f|false)$/i.test(value) ? [] : [argument]
}

/** What Go says of a wrong flag, out of what commander says. */
export function usageMessage (code: string, message: string): string {
  const flag = /'(-[^' ,]*)[^']*'/.exec(message)?.[1]?.replace(/^--?/, '-') ?? ''
  if (code === 'commander.unknownOption') return `flag provided but not defined: ${flag}`
  if (code === 'commander.optionMissingArgument') return `flag needs an argument: ${flag}`
  return message.replace(/^error: /, '')
}
