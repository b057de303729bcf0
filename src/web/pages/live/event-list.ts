import type { ClusterEvent } from '../../../client/event-stream.ts'

/** As many as a page keeps. */
const keptEvents = 2000

/** What has come since a page was opened, oldest first. `pausedAt`: so many of them are shown; null: all. */
export interface Coming { events: readonly ClusterEvent[], pausedAt: number | null }

/** One more. A page may be open for days: of what isn't shown, or not any more, the oldest goes. */
export function withComing ({ events, pausedAt }: Coming, event: ClusterEvent): Coming {
  const shown = pausedAt == null ? [] : events.slice(0, pausedAt)
  return { events: [...shown, ...[...events.slice(shown.length), event].slice(-keptEvents)], pausedAt }
}

/** Newest first, each once: what was read and what has come since may overlap. */
export function withEvents (known: readonly ClusterEvent[], more: readonly ClusterEvent[]): ClusterEvent[] {
  const ids = new Set(known.map(({ id }) => id))
  const fresh = more.filter(({ id }) => !ids.has(id))
  return fresh.length === 0 ? [...known] : [...fresh.toReversed(), ...known].slice(0, keptEvents)
}

/** By day, in the reader's zone. */
export function byDay (events: readonly ClusterEvent[], dayOf: (at: number) => string): Array<{ day: string, events: ClusterEvent[] }> {
  const days: Array<{ day: string, events: ClusterEvent[] }> = []
  for (const event of events) {
    const day = dayOf(Date.parse(event.at))
    const last = days.at(-1)
    if (last?.day === day) last.events.push(event)
    else days.push({ day, events: [event] })
  }
  return days
}
