import { RateLimiterRes } from 'rate-limiter-flexible'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import type { Clock } from '../../../base/clock.ts'
import { tooMany } from '../limits.ts'
import type { RateLimit } from '../limits.ts'

export interface SharedLimitDeps { limiter: Pick<RateLimiterAbstract, 'consume'>, clock: Clock }

/** What this peer has drawn of a key's limit and not used yet, and what was left for all then. Unix milliseconds. */
interface Share { left: number, remaining: number, until: number }

/** A peer draws this share of a limit at once. */
const drawn = 1 / 50
const keptShares = 10_000

/**
 * A limit that peers share, without asking for each request: a peer draws some of it, and counts these itself. The first draw of a time is
 * one, which tells how much is left; limits below a hundred are drawn one by one.
 */
export class SharedLimit implements RateLimit {
  readonly #atOnce: number
  readonly #deps: SharedLimitDeps
  readonly #shares = new Map<string, Share>()
  readonly #drawing = new Map<string, Promise<void>>()

  constructor ({ count }: { count: number }, deps: SharedLimitDeps) {
    this.#atOnce = Math.max(1, Math.floor(count * drawn))
    this.#deps = deps
  }

  async take (key: string): Promise<void> {
    for (;;) {
      const share = this.#shareOf(key)
      if (share != null && share.left > 0) {
        share.left--
        return
      }
      // many at once draw once
      await (this.#drawing.get(key) ?? this.#draw(key, share))
    }
  }

  /** Of the time that is not over yet. */
  #shareOf (key: string): Share | undefined {
    const share = this.#shares.get(key)
    return share != null && share.until > this.#deps.clock.elapsed() ? share : undefined
  }

  async #draw (key: string, share: Share | undefined): Promise<void> {
    const points = share == null ? 1 : Math.min(this.#atOnce, Math.max(1, share.remaining))
    const drawing = this.#consume(key, points).finally(() => this.#drawing.delete(key))
    this.#drawing.set(key, drawing)
    await drawing
  }

  async #consume (key: string, points: number): Promise<void> {
    const { limiter, clock } = this.#deps
    try {
      const { remainingPoints, msBeforeNext } = await limiter.consume(key, points)
      this.#keep(key, { left: points, remaining: remainingPoints, until: clock.elapsed() + Math.max(1, msBeforeNext) })
    } catch (err) {
      throw err instanceof RateLimiterRes ? tooMany(err.msBeforeNext) : err
    }
  }

  /** The one that was drawn for longest ago makes room: what is left of it counts as used. */
  #keep (key: string, share: Share): void {
    this.#shares.delete(key)
    this.#shares.set(key, share)
    if (this.#shares.size <= keptShares) return
    for (const oldest of this.#shares.keys()) {
      this.#shares.delete(oldest)
      return
    }
  }
}
