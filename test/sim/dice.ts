import { SeededRandom } from '../support/sim-clock.ts'

/** Decisions that depend only on the seed. */
export class Dice extends SeededRandom {
  chance (share: number): boolean { return this.float() < share }

  /** A number from `least` up to, not including, `most`. */
  between (least: number, most: number): number { return least + this.float() * (most - least) }

  /** A whole number from `least` to `most`, both included. */
  whole (least: number, most: number): number { return least + Math.floor(this.float() * (most - least + 1)) }

  /** One of several; throws RangeError when there is none. */
  pick<T> (list: readonly T[]): T {
    const found = list[Math.floor(this.float() * list.length)]
    if (found === undefined) throw new RangeError('nothing to pick from')
    return found
  }
}
