import { parseDuration } from '../../../src/base/text/duration.ts'

/** A flag of a command. All its names may be given with one or two dashes, as Go's flag package has it. */
export interface Flag {
  /** The long name first. */
  names: readonly [string, ...string[]]
  type: 'boolean' | 'text' | 'integer' | 'duration' | 'texts'
  about: string
  /** Shown in help, and what the command sees when the flag isn't given. */
  fallback?: string | number
  /** Names the variable of the environment that is read when the flag isn't given. */
  variable?: string
  /** What completion offers. */
  choices?: readonly string[]
}

/** A flag as it is typed: one dash before a letter, two before a word. */
export const dashed = (name: string): string => name.length === 1 ? `-${name}` : `--${name}`

/** Durations are milliseconds. */
export type FlagValue = boolean | string | number | readonly string[]

/** The flags of a command line, by their first name. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, FlagValue>

  constructor (values: ReadonlyMap<string, FlagValue>) { this.#values = values }

  isSet (name: string): boolean { return this.#values.has(name) }
  yes (name: string): boolean { return this.#values.get(name) === true }
  text (name: string, fallback = ''): string { return String(this.#values.get(name) ?? fallback) }
  number (name: string, fallback = 0): number { return Number(this.#values.get(name) ?? fallback) }
  texts (name: string): readonly string[] { return (this.#values.get(name) as readonly string[] | undefined) ?? [] }
}

/** A command line that isn't right; the message is Go's. */
export class WrongUsage extends Error {}

/** Thrown in place of a parsed line when it asks for help (`-h`, `--help`). */
export class HelpWanted extends Error {}

/** Flags up to the first word that is none, and the words from there on. */
export interface ParsedLine { flags: FlagValues, rest: string[] }

/** Reads flags up to the first argument that isn't one, or to `--`. Throws WrongUsage or HelpWanted. */
export function parseFlags (
  argv: readonly string[], known: readonly Flag[], variables: Readonly<Record<string, string | undefined>> = {}
): ParsedLine {
  const values = new Map<string, FlagValue>()
  let at = 0
  for (; at < argv.length; at++) {
    const argument = argv[at] ?? ''
    if (argument === '--') { at++; break }
    const [, name = '', , given] = /^--?([^-=][^=]*)(=(.*))?$/s.exec(argument) ?? []
    if (name === '') {
      if (/^--?[-=]/.test(argument)) throw new WrongUsage(`bad flag syntax: ${argument}`)
      break
    }
    const flag = known.find(one => one.names.includes(name))
    if (flag == null) {
      if (name === 'help' || name === 'h') throw new HelpWanted()
      throw new WrongUsage(`flag provided but not defined: -${name}`)
    }
    const value = given ?? (flag.type === 'boolean' ? 'true' : argv[++at])
    if (value == null) throw new WrongUsage(`flag needs an argument: -${name}`)
    set(values, flag, { name, value })
  }
  fillFromVariables(values, known, variables)
  return { flags: new FlagValues(values), rest: argv.slice(at) }
}

function fillFromVariables (
  values: Map<string, FlagValue>, known: readonly Flag[], variables: Readonly<Record<string, string | undefined>>
): void {
  for (const flag of known) {
    const value = flag.variable == null ? undefined : variables[flag.variable]
    if (value != null && value !== '' && !values.has(flag.names[0])) set(values, flag, { name: flag.names[0], value })
  }
}

function set (values: Map<string, FlagValue>, flag: Flag, { name, value }: { name: string, value: string }): void {
  const [key] = flag.names
  if (flag.type === 'texts') values.set(key, [...values.get(key) as string[] | undefined ?? [], value])
  else values.set(key, parseValue(flag, { name, value }))
}

function parseValue ({ type }: Flag, { name, value }: { name: string, value: string }): FlagValue {
  if (type === 'text') return value
  const parsed = type === 'boolean' ? booleanOf(value) : type === 'integer' ? integerOf(value) : durationOf(value)
  if (parsed != null) return parsed
  if (type === 'boolean') throw new WrongUsage(`invalid boolean value ${JSON.stringify(value)} for -${name}: parse error`)
  throw new WrongUsage(`invalid value ${JSON.stringify(value)} for flag -${name}: parse error`)
}

function booleanOf (value: string): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true
  return /^(0|f|F|false|FALSE|False)$/.test(value) ? false : undefined
}

const integer = /^([-+]?)(0x[\da-f_]+|0b[01_]+|0o?[0-7_]+|[1-9][\d_]*|0)$/i

/** As Go reads numbers: `0x10`, `0b10`, `0o10` or `010`, `1_000`. */
function integerOf (value: string): number | undefined {
  const [, sign = '', body] = integer.exec(value) ?? []
  if (body == null || /__|_$/.test(body)) return undefined
  const digits = body.replaceAll('_', '').toLowerCase()
  const number = Number(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return Number.isSafeInteger(number) ? (sign === '-' ? -number || 0 : number) : undefined
}

function durationOf (value: string): number | undefined {
  try {
    return parseDuration(value)
  } catch {
    return undefined
  }
}

/**
 * Brings a command's flags before its other arguments, as Go's cli package does: whatever looks like one of its flags, each with the
 * argument after it unless that looks like one, too. So a value may begin with a dash: `-1`, `-5m`, `--`.
 */
export function flagsFirst (argv: readonly string[], known: readonly Flag[]): string[] {
  const flags: string[] = []
  const rest: string[] = []
  let maybeValue = false
  for (const [index, argument] of argv.entries()) {
    const looksLikeFlag = isFlag(argument, known)
    if (maybeValue && !looksLikeFlag) {
      flags.push(argument)
      maybeValue = false
    } else if (argument === '--') {
      return [...flags, argument, ...rest, ...argv.slice(index + 1)]
    } else if (looksLikeFlag) {
      flags.push(argument)
      maybeValue = !argument.includes('=')
    } else rest.push(argument)
  }
  return [...flags, ...rest]
}

/** Three dashes are too many, which `parseFlags` says. */
function isFlag (argument: string, known: readonly Flag[]): boolean {
  const name = /^-{1,3}([^-=][^=]*)/.exec(argument)?.[1]
  return name != null && (name === 'help' || name === 'h' || known.some(flag => flag.names.includes(name)))
}
