/** What is less apart is the way of an answer, whose `Date` has whole seconds. */
const leastMs = 5000

/** How far the peer's clock is ahead of this machine's, as its answers tell. */
let aheadMs = 0

/** The time by the peer's clock: what it says of times is told by this, on a machine whose own clock is wrong, too. Unix milliseconds. */
export const peerNow = (): number => Date.now() + aheadMs

/** `date`: the header of an answer that has just come. */
export function notePeerTime (date: string | null): void {
  const apartMs = Date.parse(date ?? '') - Date.now()
  if (Number.isFinite(apartMs) && Math.abs(apartMs - aheadMs) >= leastMs) aheadMs = Math.abs(apartMs) < leastMs ? 0 : apartMs
}
