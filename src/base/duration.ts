import { ClusterError } from './errors.ts'

const unitMs: Record<string, number> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * Parses a Go duration ("1h30m", "500ms", "-1.5s", "0") into milliseconds. Throws INVALID_ARGUMENT with Go's text
 * (time.ParseDuration of Go 1.26) when it isn't one.
 */
export function parseDuration (text: string): number {
  const fail = (why: string): never => { throw new ClusterError('INVALID_ARGUMENT', { duration: text }, { message: `time: ${why} ${JSON.stringify(text)}` }) }
  const match = /^([+-]?)(.*)$/s.exec(text)
  const body = match?.[2] ?? ''
  if (body === '0') return 0
  if (body === '') fail('invalid duration')
  let total = 0
  let rest = body
  while (rest !== '') {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number == null) return fail('invalid duration')
    rest = rest.slice(number.length)
    const unit = /^[^\d.]+/.exec(rest)?.[0]
    if (unit == null) return fail('missing unit in duration')
    const ms = unitMs[unit]
    if (ms == null) throw new ClusterError('INVALID_ARGUMENT', { duration: text }, { message: `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}` })
    total += Number(number) * ms
    rest = rest.slice(unit.length)
  }
  return match?.[1] === '-' ? -total : total
}

/** Prints milliseconds as Go's time.Duration.String does ("1h30m0s", "1.5s", "500ms", "0s"). */
export function formatDuration (ms: number): string {
  if (ms === 0) return '0s'
  const sign = ms < 0 ? '-' : ''
  const abs = Math.abs(ms)
  if (abs < 1e-3) return `${sign}${Math.round(abs * 1e6)}ns`
  if (abs < 1) return `${sign}${trim(abs * 1e3)}µs`
  if (abs < 1000) return `${sign}${trim(abs)}ms`
  const hours = Math.floor(abs / 3_600_000)
  const minutes = Math.floor(abs / 60_000) % 60
  const seconds = trim((abs % 60_000) / 1000)
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`
}

const trim = (value: number): string => String(Number(value.toFixed(9)))
