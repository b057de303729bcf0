import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import type { BlockHold } from '../ipfs.ts'
import type { Guard, Protection } from './local/local.ts'

/** An add whose root isn't pinned after this long is given up: its blocks may be collected. */
const longestHoldMs = 3_600_000

export interface HoldsDeps {
  protection: Protection
  /** Makes everything that was put survive a power loss. */
  sync: () => Promise<void>
  clock: Pick<Clock, 'after'>
}

/** A hold and the guard behind it. */
export interface GuardedHold extends BlockHold { readonly guard: Guard }

const keyOf = (cid: CID): string => Buffer.from(cid.multihash.bytes).toString('latin1')

/** The holds of adds whose roots wait to be pinned. */
export class Holds {
  readonly #deps: HoldsDeps
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor (deps: HoldsDeps) { this.#deps = deps }

  hold (): GuardedHold {
    const guard = this.#deps.protection.guard()
    return {
      guard,
      release: () => guard.release(),
      keepUntilPinned: async root => {
        this.#wait(keyOf(root), guard)
        await this.#deps.sync()
      }
    }
  }

  /** A root was pinned: whoever waited for it lets go. */
  pinned (root: CID): void {
    for (const release of this.#waiting.get(keyOf(root)) ?? []) release()
  }

  #wait (key: string, guard: Guard): void {
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    const release = (): void => {
      cancel()
      guard.release()
      waiting.delete(release)
      if (waiting.size === 0) this.#waiting.delete(key)
    }
    const cancel = this.#deps.clock.after(longestHoldMs, release)
    waiting.add(release)
  }
}
