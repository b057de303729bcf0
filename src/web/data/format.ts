import { codePointText, unseenCharacters } from '../../base/text/unseen-characters.ts'

/** Numbers, sizes and times for people. Pure: what the time is now is an argument, the zone is the reader's. */

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
const counts = new Intl.NumberFormat('en')

/** "1.4 GiB" */
export function bytesText (bytes: number): string {
  if (!Number.isFinite(bytes)) return 'unknown'
  let value = Math.abs(bytes)
  let at = 0
  // what would be shown as 1024 is 1 of the next
  while (at < units.length - 1 && (at === 0 ? value >= 1024 : Number(value.toFixed(value < 10 ? 1 : 0)) >= 1024)) {
    value /= 1024
    at++
  }
  const sign = bytes < 0 ? '-' : ''
  if (at === 0) return `${sign}${counts.format(value)} ${value === 1 ? 'byte' : 'bytes'}`
  const digits = value < 10 ? 1 : 0
  return `${sign}${value.toFixed(digits).replace(/\.0$/, '')} ${units[at]}`
}

/** "1,503,238,553 bytes" */
export const exactBytes = (bytes: number): string =>
  Number.isFinite(bytes) ? `${counts.format(bytes)} ${Math.abs(bytes) === 1 ? 'byte' : 'bytes'}` : 'unknown'

/** A count with the reader's separators. */
export const countText = (value: number): string => counts.format(value)

/** "42%", "<1%", "0%" */
export function percentText (share: number): string {
  const percent = share * 100
  if (!Number.isFinite(percent)) return '0%'
  if (percent > 0 && percent < 1) return '<1%'
  // not full before it is
  return `${percent < 100 ? Math.min(99, Math.round(percent)) : Math.round(percent)}%`
}

/** Bytes per second, in the units of `bytesText`. */
export const rateText = (bytesPerSecond: number): string =>
  `${bytesText(bytesPerSecond < 10 ? bytesPerSecond : Math.round(bytesPerSecond))}/s`

const steps: ReadonlyArray<[ms: number, unit: string]> = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']]

/** "2 min 5 s", the two largest parts. */
export function durationText (ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1000)) * 1000
  const at = steps.findIndex(([length]) => whole >= length)
  if (at < 0) return ms > 0 ? '<1 s' : '0 s'
  const [length, unit] = steps[at] ?? [1000, 's']
  const next = steps[at + 1]
  const first = Math.floor(whole / length)
  const rest = next == null ? 0 : Math.floor((whole % length) / next[0])
  return rest === 0 || next == null ? `${first} ${unit}` : `${first} ${unit} ${rest} ${next[1]}`
}

/** "3 min ago", "in 2 h", "just now" */
export function relativeText (ms: number, { now }: { now: number }): string {
  const apart = Math.abs(now - ms)
  if (apart < 10_000) return ms > now ? 'in a moment' : 'just now'
  const [length, unit] = steps.find(([one]) => apart >= one) ?? [1000, 's']
  const text = `${Math.floor(apart / length)} ${unit}`
  return ms > now ? `in ${text}` : `${text} ago`
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const fullDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const longDay = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const second = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' })

/** "today, 14:05", "yesterday, 14:05", "12 Mar, 14:05", "12 Mar 2025, 14:05" */
export function timeText (ms: number, { now }: { now: number }): string {
  return `${dayText(ms, { now })}, ${clock.format(ms)}`
}

/** "today", "yesterday", "12 Mar", "12 Mar 2025" */
export function dayText (ms: number, { now }: { now: number }): string {
  const days = dayNumber(now) - dayNumber(ms)
  if (days === 0) return 'today'
  if (days === 1) return 'yesterday'
  return new Date(ms).getFullYear() === new Date(now).getFullYear() ? dayAndMonth.format(ms) : fullDay.format(ms)
}

/** "Thursday, 12 March 2026" */
export const longDayText = (ms: number): string => longDay.format(ms)

/** "14:05:07" */
export const secondText = (ms: number): string => second.format(ms)

const dayNumber = (ms: number): number => {
  const date = new Date(ms)
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000)
}

/** "Thursday, 12 March 2026 at 14:05:07 CET" */
export const exactTime = (ms: number): string => exact.format(ms)

/** "bafybei…wx7kq" */
export const shortCid = (cid: string): string => cid.length <= 20 ? cid : `${cid.slice(0, 9)}…${cid.slice(-6)}`

/** A name of somebody else's with what can't be seen spelled out. */
export const shownName = (text: string): string =>
  text.replace(unseenCharacters, found => `[${codePointText(found.codePointAt(0) ?? 0)}]`)

/** What the wire says of a time, in milliseconds; null for what never was. */
export function msOfTime (time: string | number | null | undefined): number | null {
  if (time == null || time === '') return null
  const ms = typeof time === 'number' ? time : Date.parse(time)
  // Go's zero time is year 1
  return Number.isFinite(ms) && ms > -60_000_000_000_000 ? ms : null
}
