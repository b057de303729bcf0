/** What belongs to a log line besides its sentence; errors are printed as their messages. */
export type LogFacts = Readonly<Record<string, unknown>>

/**
 * Where components say what they do and why. The sentence is constant; what varies (ids, counts, errors under `err`) goes into the facts.
 * Secrets are never logged.
 */
export interface Logger {
  debug (message: string, facts?: LogFacts): void
  info (message: string, facts?: LogFacts): void
  warn (message: string, facts?: LogFacts): void
  error (message: string, facts?: LogFacts): void
  /** A logger of another component (Go's facility names: cluster, restapi, pintracker, crdt, ...) with a level of its own. */
  child (component: string): Logger
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger
}
