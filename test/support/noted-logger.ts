import type { LogFacts, Logger } from '../../src/base/log.ts'

/** A logger that remembers what was said; its children say it here too. */
export class NotedLogger implements Logger {
  readonly lines: Array<{ level: 'debug' | 'info' | 'warn' | 'error', message: string, facts: LogFacts }> = []

  debug (message: string, facts: LogFacts = {}): void { this.lines.push({ level: 'debug', message, facts }) }
  info (message: string, facts: LogFacts = {}): void { this.lines.push({ level: 'info', message, facts }) }
  warn (message: string, facts: LogFacts = {}): void { this.lines.push({ level: 'warn', message, facts }) }
  error (message: string, facts: LogFacts = {}): void { this.lines.push({ level: 'error', message, facts }) }
  child (): Logger { return this }

  warnings (): Array<[message: string, facts: LogFacts]> {
    return this.lines.filter(({ level }) => level === 'warn').map(({ message, facts }) => [message, facts])
  }
}
