const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day
const month = 30 * day
const year = 12 * month

/** Up to which distance (ms, exclusive) which words; `by` divides the distance for "%". */
const magnitudes: ReadonlyArray<{ below: number, words: string, by?: number }> = [
  { below: second, words: 'now' },
  { below: 2 * second, words: '1 second' },
  { below: minute, words: '% seconds', by: second },
  { below: 2 * minute, words: '1 minute' },
  { below: hour, words: '% minutes', by: minute },
  { below: 2 * hour, words: '1 hour' },
  { below: day, words: '% hours', by: hour },
  { below: 2 * day, words: '1 day' },
  { below: week, words: '% days', by: day },
  { below: 2 * week, words: '1 week' },
  { below: month, words: '% weeks', by: week },
  { below: 2 * month, words: '1 month' },
  { below: year, words: '% months', by: month },
  { below: 18 * month, words: '1 year' },
  { below: 2 * year, words: '2 years' },
  { below: 37 * year, words: '% years', by: year },
  { below: Infinity, words: 'a long while' }
]

/** "5 seconds from now", "2 hours ago", "now". Unix milliseconds. */
export function relativeTime (then: number, now: number): string {
  const distance = Math.abs(now - then)
  const found = magnitudes.find(({ below }) => distance < below)
  if (found == null || found.words === 'now') return found?.words ?? ''
  return `${found.words.replace('%', String(Math.floor(distance / (found.by ?? 1))))} ${then > now ? 'from now' : 'ago'}`
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** Decimal units: "474 B", "1.2 kB", "36 kB". */
export function bytesText (bytes: number): string {
  if (bytes < 10) return `${bytes} B`
  const exponent = Math.floor(Math.log(bytes) / Math.log(1000))
  const value = Math.floor(bytes / 1000 ** exponent * 10 + 0.5) / 10
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[exponent] ?? ''}`
}

/** "1 pin", "2 pins". */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
