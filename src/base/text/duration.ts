import { ClusterError, invalidArgument } from '../errors.ts'

const nanosecondsIn: Record<string, number> = { ns: 1, us: 1e3, 'µs': 1e3, 'μs': 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** Go's durations are 64-bit nanoseconds: about 292 years. */
const largestNanoseconds = 2 ** 63

/**
 * Parses a Go duration ("1h30m", "500ms", "-1.5s", "0") into milliseconds. Throws INVALID_ARGUMENT with Go's text
 * (time.ParseDuration of Go 1.26) when it isn't one.
 */
export function parseDuration (text: string): number {
  const body = text.replace(/^[+-]/, '')
  if (body === '0') return 0
  if (body === '') throw invalid(text, 'invalid duration')
  let total = 0
  for (let rest = body; rest !== '';) {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number == null) throw invalid(text, 'invalid duration')
    const unit = /^[^\d.]+/.exec(rest.slice(number.length))?.[0]
    if (unit == null) throw invalid(text, 'missing unit in duration')
    const scale = Object.hasOwn(nanosecondsIn, unit) ? nanosecondsIn[unit] : undefined
    if (scale == null) throw invalid(text, `unknown unit ${JSON.stringify(unit)} in duration`)
    total += Number((Number(number) * scale).toPrecision(15)) // 1.000001ms is 1000001 ns, not a hair less
    rest = rest.slice(number.length + unit.length)
  }
  if (total > largestNanoseconds) throw invalid(text, 'invalid duration')
  const milliseconds = Math.trunc(total) / 1e6
  return text.startsWith('-') ? -milliseconds : milliseconds
}

const invalid = (text: string, why: string): ClusterError =>
  invalidArgument(`time: ${why} ${JSON.stringify(text)}`, { duration: text.slice(0, 200) })

/** Prints milliseconds as Go's time.Duration.String does ("1h30m0s", "1.5s", "500ms", "0s"). */
export function formatDuration (ms: number): string {
  const nanoseconds = Math.round(Math.abs(ms) * 1e6)
  if (nanoseconds === 0) return '0s'
  const sign = ms < 0 ? '-' : ''
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`
  if (nanoseconds < 1e6) return `${sign}${decimal(nanoseconds, 1e3)}µs`
  if (nanoseconds < 1e9) return `${sign}${decimal(nanoseconds, 1e6)}ms`
  const hours = Math.floor(nanoseconds / 3600e9)
  const minutes = Math.floor(nanoseconds / 60e9) % 60
  const seconds = `${decimal(nanoseconds % 60e9, 1e9)}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

/** value / unit with as many digits as it has; never in exponent form. */
function decimal (value: number, unit: number): string {
  const digits = String(value % unit).padStart(String(unit).length - 1, '0').replace(/0+$/, '')
  const whole = String(Math.floor(value / unit))
  return digits === '' ? whole : `${whole}.${digits}`
}
