import type { UsageDay } from '../../../client/service/types.ts'

/** A day of the chart. `at`: its beginning in UTC, Unix milliseconds; sizes in bytes. */
export interface Day { at: number, views: number, bytesServed: number, bytesStored: number, requests: number }

const dayMs = 86_400_000

/**
 * One entry for each of the last days, today last: what isn't known is nothing, but for what is stored, which stays as it was. Days are
 * UTC's, as the service counts.
 */
export function daysOf (known: readonly UsageDay[], { count, now }: { count: number, now: number }): Day[] {
  const byDay = new Map(known.map(day => [day.day.slice(0, 10), day]))
  const today = Math.floor(now / dayMs)
  const first = known.toSorted((a, b) => a.day < b.day ? -1 : 1)[0]
  let stored = first != null && first.day.slice(0, 10) < textOf(today - count + 1) ? first.bytes_stored : 0
  return Array.from({ length: count }, (_, index) => {
    const day = today - count + 1 + index
    const found = byDay.get(textOf(day))
    stored = found?.bytes_stored ?? stored
    return {
      at: day * dayMs, views: found?.views ?? 0, bytesServed: found?.bytes_served ?? 0, bytesStored: stored, requests: found?.requests ?? 0
    }
  })
}

const textOf = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10)
