import type { CID } from 'multiformats/cid'
import { hashKey } from '../../../blockstore/map-key.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Block } from '../../../blockstore/blockstore.ts'
import type { BlockHold, HoldOptions, HoldPutOptions } from '../../ipfs.ts'
import type { Guard, Protection } from '../repository/repository.ts'

/** An add whose roots aren't pinned after this long is given up: its blocks may be collected. */
const longestHoldMs = 3_600_000

/** How blocks are stored: `guard` keeps them, and `isUnpinned` ones for an hour after it. */
export interface StoreOptions extends HoldPutOptions { guard: Guard, isUnpinned: boolean }

export interface HoldsDeps {
  protection: Protection
  store: (blocks: readonly Block[], options: StoreOptions) => Promise<void>
  /** Makes everything that was put survive a power loss. */
  sync: () => Promise<void>
  clock: Pick<Clock, 'after'>
}

/** The holds of adds that run or whose roots wait to be pinned. */
export class Holds {
  readonly #deps: HoldsDeps
  readonly #held = new Set<AddHold>()
  readonly #waiting = new Map<string, Set<AddHold>>()

  constructor (deps: HoldsDeps) { this.#deps = deps }

  get size (): number { return this.#held.size }

  hold ({ isUnpinned = false }: HoldOptions = {}): BlockHold {
    const hold: AddHold = new AddHold({ isUnpinned }, this.#deps, {
      waits: key => {
        const waiting = this.#waiting.get(key) ?? new Set()
        this.#waiting.set(key, waiting.add(hold))
      },
      left: keys => { for (const key of keys) this.#forget(key, hold) },
      released: () => { this.#held.delete(hold) }
    })
    this.#held.add(hold)
    return hold
  }

  /** Whether blocks are kept until this root was pinned, or is not to be any more. */
  isWaitedFor (root: CID): boolean { return this.#waiting.size > 0 && this.#waiting.has(hashKey(root)) }

  /** A root was pinned, or is not to be any more: who waited for it waits no longer. */
  settled (root: CID): void {
    const key = hashKey(root)
    for (const hold of this.#waiting.get(key) ?? []) {
      this.#forget(key, hold)
      hold.settled(key)
    }
  }

  #forget (key: string, hold: AddHold): void {
    const waiting = this.#waiting.get(key)
    waiting?.delete(hold)
    if (waiting?.size === 0) this.#waiting.delete(key)
  }
}

interface HoldOwner {
  waits: (key: string) => void
  /** It waits for these no longer. */
  left: (keys: Iterable<string>) => void
  released: () => void
}

class AddHold implements BlockHold {
  readonly #guard: Guard
  readonly #isUnpinned: boolean
  /** Blocks were put that a power loss may take. */
  #isUnsynced = false
  readonly #deps: HoldsDeps
  readonly #owner: HoldOwner
  readonly #roots = new Set<string>()
  #cancelTimer: (() => void) | undefined
  #isHandedOver = false

  constructor ({ isUnpinned }: Required<HoldOptions>, deps: HoldsDeps, owner: HoldOwner) {
    this.#guard = deps.protection.guard()
    this.#isUnpinned = isUnpinned
    this.#deps = deps
    this.#owner = owner
  }

  async put (blocks: readonly Block[], { sync = false, ...options }: HoldPutOptions = {}): Promise<void> {
    if (!sync) this.#isUnsynced = true
    await this.#deps.store(blocks, { ...options, sync, guard: this.#guard, isUnpinned: this.#isUnpinned })
  }

  async keepUntilPinned (root: CID): Promise<void> {
    const key = hashKey(root)
    this.#roots.add(key)
    this.#owner.waits(key)
    if (!this.#isUnsynced) return
    await this.#deps.sync()
    this.#isUnsynced = false
  }

  handOver (roots: readonly CID[]): void {
    const keys = new Set(roots.map(hashKey))
    const others = [...this.#roots].filter(key => !keys.has(key))
    for (const key of others) this.#roots.delete(key)
    this.#owner.left(others)
    this.#isHandedOver = true
    this.#cancelTimer ??= this.#deps.clock.after(longestHoldMs, () => this.release())
    this.#releaseIfSettled()
  }

  release (): void {
    this.#cancelTimer?.()
    this.#guard.release()
    this.#owner.left(this.#roots)
    this.#owner.released()
    this.#roots.clear()
  }

  settled (key: string): void {
    this.#roots.delete(key)
    this.#releaseIfSettled()
  }

  [Symbol.dispose] (): void { if (!this.#isHandedOver) this.release() }

  /** Before it is handed over other roots may come. */
  #releaseIfSettled (): void { if (this.#isHandedOver && this.#roots.size === 0) this.release() }
}
