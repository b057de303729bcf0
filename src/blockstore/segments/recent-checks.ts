import type { Place } from './place.ts'

export interface RecentChecksInit {
  /** How long the content of a record needs no other look. Milliseconds. */
  keepMs: number
  /** Records that are remembered. */
  most: number
}

/** The usual: a hot file is read many times in this time, and whatever the disk's cache has let go meanwhile is looked at again. */
export const usualChecks: RecentChecksInit = { keepMs: 5000, most: 16_384 }

/**
 * Records whose content was found right a moment ago. Segments are never written again, so what is read at the same place meanwhile comes
 * from the disk's cache, and is the same; the checksum of hot files would take a third of their processor time.
 */
export class RecentChecks {
  readonly #init: RecentChecksInit
  readonly #time: () => number
  #young = new Set<number>()
  #youngFrom: number
  #old = new Set<number>()
  #oldFrom = -Infinity

  /** `time`: milliseconds, from anywhere on, evenly. */
  constructor (init: RecentChecksInit, { time }: { time: () => number }) {
    this.#init = init
    this.#time = time
    this.#youngFrom = time()
  }

  has (place: Place): boolean {
    const now = this.#age()
    const key = keyOf(place)
    return this.#young.has(key) || (now < this.#oldFrom + this.#init.keepMs && this.#old.has(key))
  }

  add (place: Place): void {
    this.#age()
    this.#young.add(keyOf(place))
  }

  clear (): void {
    this.#young.clear()
    this.#old.clear()
  }

  /** What came in one half of the time is forgotten together. Gives the time. */
  #age (): number {
    const now = this.#time()
    const passed = now - this.#youngFrom
    if (passed < this.#init.keepMs / 2 && this.#young.size < this.#init.most / 2) return now
    this.#old = this.#young
    this.#oldFrom = this.#youngFrom
    this.#young = new Set()
    this.#youngFrom = now
    return now
  }
}

/** Offsets have 32 bits. */
const keyOf = ({ segment, offset }: Place): number => segment * 2 ** 32 + offset
