import { keepNewest } from '../base/keep-newest.ts'
import type { Clock } from '../base/clock.ts'
import type { LogFacts, Logger } from '../base/log.ts'
import { Listeners } from '../base/listeners.ts'

/** A warning or an error of this peer's log. */
export interface Warning {
  level: 'warn' | 'error'
  /** Who says it: `crdt`, `pintracker`, `service`, … */
  component: string
  message: string
  /** As the log prints them, secrets hidden. */
  facts: Readonly<Record<string, unknown>>
  /** First and last time, Unix milliseconds, and how often the same was said. */
  firstAt: number
  lastAt: number
  count: number
}

export interface RecentWarningsInit {
  /** What the log makes of the facts of a line. */
  printed: (facts: LogFacts) => Readonly<Record<string, unknown>>
}

const maxWarnings = 500
const maxFactsText = 4096
const keptMs = 3_600_000

/** The warnings and errors of the last hour, the newest five hundred; what is said again with the same facts is counted. */
export class RecentWarnings {
  readonly #init: RecentWarningsInit
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  /** In the order in which they were said last; `at`: when that was, in the time of the process. */
  readonly #warnings = new Map<string, { warning: Warning, at: number }>()
  readonly #listeners = new Listeners<Warning>()

  constructor (init: RecentWarningsInit, { clock }: { clock: Pick<Clock, 'now' | 'elapsed'> }) {
    this.#init = init
    this.#clock = clock
  }

  /** Newest first. */
  list (): Warning[] {
    this.#forgetOld()
    return Array.from(this.#warnings.values(), ({ warning }) => warning).toReversed()
  }

  onWarning (listener: (warning: Warning) => void): () => void { return this.#listeners.add(listener) }

  /** The same logger, whose warnings and errors are remembered whatever its level is. */
  heardFrom (log: Logger, component: string): Logger {
    return {
      debug: (message, facts) => log.debug(message, facts),
      info: (message, facts) => log.info(message, facts),
      warn: (message, facts) => {
        log.warn(message, facts)
        this.#note({ level: 'warn', component, message, facts })
      },
      error: (message, facts) => {
        log.error(message, facts)
        this.#note({ level: 'error', component, message, facts })
      },
      child: name => this.heardFrom(log.child(name), name)
    }
  }

  #note (
    { level, component, message, facts = {} }: Pick<Warning, 'level' | 'component' | 'message'> & { facts?: LogFacts | undefined }
  ): void {
    const now = this.#clock.now()
    const shown = this.#shown(facts)
    const key = JSON.stringify([level, component, message, shown])
    const before = this.#warnings.get(key)?.warning
    this.#warnings.delete(key)
    const warning = {
      level, component, message, facts: shown, firstAt: before?.firstAt ?? now, lastAt: now, count: (before?.count ?? 0) + 1
    }
    this.#warnings.set(key, { warning, at: this.#clock.elapsed() })
    keepNewest(this.#warnings, maxWarnings)
    this.#forgetOld()
    this.#listeners.emit(warning)
  }

  #shown (facts: LogFacts): Warning['facts'] {
    const printed = this.#init.printed(facts)
    const text = JSON.stringify(printed)
    return text.length <= maxFactsText ? printed : { facts: `${text.slice(0, maxFactsText)}…` }
  }

  #forgetOld (): void {
    const oldest = this.#clock.elapsed() - keptMs
    for (const [key, { at }] of this.#warnings) {
      if (at >= oldest) return
      this.#warnings.delete(key)
    }
  }
}
