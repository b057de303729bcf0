/** What is less apart is the way of an answer, whose `Date` has whole seconds. */
const leastMs = 5000

/** How far the peer's clock is ahead of this machine's, as its answers tell. */
let aheadMs = 0

/** The time by the peer's clock: what it says of times is told by this, on a machine whose own clock is wrong, too. Unix milliseconds. */
export const peerNow = (): number => Date.now() + aheadMs

/** Of an answer that has just come; one that a cache may have kept says nothing of now. */
export function notePeerTime (headers: Headers): void {
  if (/max-age=[1-9]/.test(headers.get('cache-control') ?? '') || headers.has('last-modified')) return
  const apartMs = Date.parse(headers.get('date') ?? '') - Date.now()
  if (Number.isFinite(apartMs) && Math.abs(apartMs - aheadMs) >= leastMs) aheadMs = Math.abs(apartMs) < leastMs ? 0 : apartMs
}
