/** One thread's part of a figure that several make up together: connections, bytes. Whole numbers below 2^31. */
export interface Share {
  /** What this thread has now. */
  tell (mine: number): void
  /** What all others have together. */
  others (): number
}

/** There are no others. */
export const soleShare: Share = { tell: () => {}, others: () => 0 }

/** Memory, all zeros, for `figures` numbers of each of `threads` threads: four bytes each. For `sharesOf`, in every thread. */
export const sharesMemory = (threads: number, figures: number): SharedArrayBuffer => new SharedArrayBuffer(4 * threads * figures)

export interface SharesInit {
  memory: SharedArrayBuffer
  /** How many figures there are. */
  figures: number
  /** Whose shares these are, from 0 on. */
  thread: number
}

/**
 * The shares of one thread, in the order of the figures. Each thread writes its own places only, so that one which ends leaves nothing
 * behind once they are cleared.
 */
export function sharesOf ({ memory, figures, thread }: SharesInit): Share[] {
  const all = new Int32Array(memory)
  const others = (figure: number): number => {
    let sum = 0
    for (let at = figure; at < all.length; at += figures) if (at !== thread * figures + figure) sum += Atomics.load(all, at)
    return sum
  }
  return Array.from({ length: figures }, (_, figure) => ({
    tell: mine => { Atomics.store(all, thread * figures + figure, mine) },
    others: () => others(figure)
  }))
}
