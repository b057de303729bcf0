import { isClusterError } from '../../base/errors.ts'
import type { LogFacts, Logger } from '../../base/log.ts'
import type { LogNote } from './thread-init.ts'

/** Lines for the logger of another thread. Errors go as their text: a copy of one has lost its code. */
export function threadLogger (component: string, send: (note: LogNote) => void): Logger {
  const at = (level: LogNote['level']) => (message: string, facts: LogFacts = {}): void => send({
    level,
    component,
    message,
    facts: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, copied(value)]))
  })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: name => threadLogger(name, send) }
}

function copied (value: unknown): unknown {
  if (isClusterError(value)) return `${value.code}: ${value.message}`
  if (value instanceof Error) return value.stack ?? value.message
  return typeof value === 'object' || typeof value === 'function' ? String(value) : value
}
