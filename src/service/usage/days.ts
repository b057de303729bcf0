const dayMs = 86_400_000

/** YYYY-MM-DD of a time, in UTC. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** The last `count` days, oldest first, that of `now` last. */
export const lastDays = (now: number, count: number): string[] =>
  Array.from({ length: count }, (_one, at) => dayOf(now - (count - 1 - at) * dayMs))
