import { pino } from 'pino'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { ClusterError, isClusterError } from '../base/errors.ts'
import type { LogFacts, Logger } from '../base/log.ts'
import { hiddenText } from '../config/secret.ts'

const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const
/** Go's names of levels. */
export type LogLevel = typeof logLevels[number]

/** Levels: one for all components, and others for some. */
export interface LogLevels { all: LogLevel, byComponent: Record<string, LogLevel> }

export interface LoggingInit {
  levels: LogLevels
  /** `text`: lines as Go prints them; `json`: one object a line. */
  format: 'text' | 'json'
  /** Where lines go, each with its line break. */
  write (line: string): void
}

/** Names that Go and its users write for the same levels. */
const levelNames: Record<string, LogLevel> = {
  debug: 'debug', info: 'info', warn: 'warn', warning: 'warn', error: 'error', dpanic: 'fatal', panic: 'fatal', fatal: 'fatal',
  critical: 'fatal'
}

/** Parses "info", "debug" or "info,pintracker:debug,crdt:error". Throws INVALID_ARGUMENT. */
export function parseLogLevels (text: string): LogLevels {
  const levels: LogLevels = { all: 'info', byComponent: {} }
  for (const part of text.split(',').map(one => one.trim()).filter(one => one !== '')) {
    const [first = '', second, ...rest] = part.split(':')
    const level = levelNames[(second ?? first).toLowerCase()]
    if (level == null || rest.length > 0 || first === '') {
      throw new ClusterError(
        'INVALID_ARGUMENT', { level: part },
        { message: `log level ${JSON.stringify(part)}: must be LEVEL or COMPONENT:LEVEL, LEVEL one of ${logLevels.join(', ')}` }
      )
    }
    if (second == null || first === '*') levels.all = level
    else levels.byComponent[first] = level
  }
  return levels
}

/**
 * The logger of a process, under Go's facility name `component`. Time comes from the machine. Facts named like secrets are printed as
 * `XXX_hidden_XXX`.
 */
export function createLogger (init: LoggingInit, component = 'service'): Logger {
  return init.format === 'json' ? jsonLogger(init, component) : textLogger(init, component)
}

/** One line per request makes this count: no detour over JSON. */
function textLogger (init: LoggingInit, component: string): Logger {
  const least = logLevels.indexOf(levelOf(init, component))
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => logLevels.indexOf(level) < least
    ? () => {}
    : (msg: string, facts?: LogFacts): void => {
        init.write(textLine({
          ts: timeText(Date.now()), level, logger: component, msg, ...(facts == null ? {} : { facts: printable(facts) })
        }))
      }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: name => textLogger(init, name) }
}

let lastTime = NaN
let lastText = ''

/** Made once a millisecond: a busy peer writes several lines in one. */
function timeText (time: number): string {
  if (time !== lastTime) {
    lastTime = time
    lastText = new Date(time).toISOString()
  }
  return lastText
}

const levelOf = ({ levels }: LoggingInit, component: string): LogLevel => levels.byComponent[component] ?? levels.all

function jsonLogger (init: LoggingInit, component: string): Logger {
  const destination: DestinationStream = { write: line => init.write(line) }
  const root = pino({
    level: 'debug',
    base: null,
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    messageKey: 'msg',
    formatters: { level: label => ({ level: label }) }
  }, destination)
  const named = (name: string): Logger => adapter(root.child({ logger: name }, { level: levelOf(init, name) }), named)
  return named(component)
}

function adapter (log: PinoLogger, child: (component: string) => Logger): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, facts?: LogFacts): void => {
    if (log.isLevelEnabled(level)) log[level](facts == null ? {} : { facts: printable(facts) }, message)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child }
}

interface Entry { ts: string, level: string, logger: string, msg: string, facts?: LogFacts }

/** `2026-11-21T00:06:36.612Z<TAB>INFO<TAB>cluster<TAB>message<TAB>{"facts":…}`, with Go's tabs. */
function textLine ({ ts, level, logger, msg, facts }: Entry): string {
  const shown = facts == null || Object.keys(facts).length === 0 ? '' : `\t${JSON.stringify(facts)}`
  return `${ts}\t${level.toUpperCase()}\t${logger}\t${msg}${shown}\n`
}

const secretName = /secret|password|private_?key|credential|authorization|(^|_)token$/i

/** Facts as lines show them. */
export function printable (facts: LogFacts): LogFacts {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, secretName.test(name) ? hiddenText : printableValue(value)])
  )
}

/** What one text may take in a line: other peers decide about many of them. */
const longestText = 4096
/** Lines of a stack, and characters of each. */
const stackLines = 20
const stackLineLength = 300

const shortened = (text: string): string => text.length <= longestText ? text : `${text.slice(0, longestText)}… (${text.length} characters)`

/** Errors by their text (with code, or with stack when the error is a surprise), bytes by their number. */
function printableValue (value: unknown): unknown {
  if (typeof value === 'string') return shortened(value)
  if (isClusterError(value)) return shortened(`${value.code}: ${withCause(value)}`)
  if (value instanceof AggregateError) return value.errors.slice(0, stackLines).map(printableValue)
  if (value instanceof Error) return stackOf(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [String(key), printableValue(one)]))
  if (value instanceof Set) return [...value].map(printableValue)
  if (Array.isArray(value)) return value.map(printableValue)
  return isPlain(value) ? printable(value) : value
}

/** What an error was made from may be for the log only: the answer to whoever asked has no addresses or tables of ours. */
function withCause ({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message
}

/** Text and places. What else Node puts into a stack (lines of the source, which may be a whole bundle) is left out. */
function stackOf ({ name, message, stack = '' }: Error): string {
  const places = stack.split('\n').filter(line => /^ {4}at /.test(line)).slice(0, stackLines)
  return [shortened(`${name}: ${message}`), ...places.map(line => line.slice(0, stackLineLength))].join('\n')
}

const isPlain = (value: unknown): value is LogFacts =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
