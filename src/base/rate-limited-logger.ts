import type { Clock } from './clock.ts'
import type { LogFacts, Logger } from './log.ts'

export interface RateLimitedLoggerDeps { log: Logger, clock: Pick<Clock, 'elapsed'> }

const everyMs = 60_000
/** Sentences about peers that are remembered; warnings about more peers within a minute are counted as if about one. */
const maxRemembered = 256

interface Said { at: number, repeated: number }

/**
 * A logger for components that listen to other peers: what a busy or hostile peer can repeat must not fill the disk. A warning with the
 * same sentence about the same peer (the fact `peer` or `from`) is logged once a minute; the next one says in `repeated` how many were left
 * out since. All other levels pass. Takes no timer and bounded memory.
 */
export function rateLimitedLogger ({ log, clock }: RateLimitedLoggerDeps): Logger {
  const said = new Map<string, Said>()

  /** Facts of the line that is due; undefined when it is left out. */
  const due = (key: string, facts: LogFacts | undefined): LogFacts | undefined => {
    const now = clock.elapsed()
    const last = said.get(key)
    if (last != null && isRecent(last, now)) {
      last.repeated++
      return undefined
    }
    // at the end: the map is in the order of the times
    said.delete(key)
    said.set(key, { at: now, repeated: 0 })
    return last == null || last.repeated === 0 ? facts ?? {} : { ...facts, repeated: last.repeated }
  }

  const keyOf = (message: string, facts: LogFacts | undefined): string => {
    const key = `${message}\n${String(facts?.peer ?? facts?.from ?? '')}`
    if (said.has(key) || said.size < maxRemembered) return key
    forgetOld(said, clock.elapsed())
    return said.size < maxRemembered ? key : message
  }

  return {
    debug: (message, facts) => log.debug(message, facts),
    info: (message, facts) => log.info(message, facts),
    warn: (message, facts) => {
      const dueFacts = due(keyOf(message, facts), facts)
      if (dueFacts != null) log.warn(message, dueFacts)
    },
    error: (message, facts) => log.error(message, facts),
    child: component => rateLimitedLogger({ log: log.child(component), clock })
  }
}

const isRecent = ({ at }: Said, now: number): boolean => now - at < everyMs

function forgetOld (said: Map<string, Said>, now: number): void {
  for (const [key, last] of said) {
    if (isRecent(last, now)) return
    said.delete(key)
  }
}
