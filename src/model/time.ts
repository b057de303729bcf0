import { ClusterError } from '../base/errors.ts'

/** A point in time: Unix milliseconds, possibly with a fraction. Go's zero time is `zeroTime`. */
export type Time = number

/** Go's zero time, 0001-01-01T00:00:00Z: "not set". */
export const zeroTime: Time = -62_135_596_800_000

/** Whether it is Go's zero time, which stands for "never". */
export const isZeroTime = (time: Time): boolean => time === zeroTime

/** Stored pins keep whole seconds only (api/types.go). */
export const wholeSeconds = (time: Time): Time => Math.floor(time / 1000) * 1000

let lastWhole = NaN
let lastText = ''

/** To the second; what is printed in a row is mostly of the same one. */
function secondText (whole: Time): string {
  if (isZeroTime(whole)) return '0001-01-01T00:00:00'
  if (whole !== lastWhole) {
    lastText = new Date(whole).toISOString().slice(0, 19)
    lastWhole = whole
  }
  return lastText
}

/** Prints as Go's time.Time in JSON: RFC 3339 in UTC, fraction digits without trailing zeros. */
export function formatTime (time: Time): string {
  const whole = Math.floor(time / 1000) * 1000
  const base = secondText(whole)
  const micros = Math.round((time - whole) * 1000)
  if (micros === 0) return `${base}Z`
  return `${base}.${String(micros).padStart(6, '0').replace(/0+$/, '')}Z`
}

/** The same; null stays null. */
export const formatTimeOrNull = (time: Time | null): string | null => time == null ? null : formatTime(time)

/** Parses RFC 3339 as Go does (seconds required, any number of fraction digits, Z or an offset). Throws INVALID_ARGUMENT. */
export function parseTime (text: string): Time {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text)
  const parsed = match == null ? NaN : Date.parse(`${text.slice(0, 19)}${match[8]}`)
  if (match == null || Number.isNaN(parsed)) {
    throw new ClusterError('INVALID_ARGUMENT', { time: text }, {
      message: `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse`
    })
  }
  return parsed + (match[7] == null ? 0 : Number(`0.${match[7].slice(1)}`) * 1000)
}
