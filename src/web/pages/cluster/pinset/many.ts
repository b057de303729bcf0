import { sideBySide } from '../../../../base/side-by-side.ts'

/** How far an action on many things is. */
export interface ManyProgress { done: number, failed: number, total: number }

export interface ManyOptions<T> {
  signal: AbortSignal
  atATime?: number
  onProgress?: (progress: ManyProgress) => void
  /** Told of each one that failed. */
  onFailed?: (item: T, err: unknown) => void
}

/** Does something with each of many, several at a time; goes on when some fail. Ends early, without an error, when the signal aborts. */
export async function forMany<T> (
  items: readonly T[], act: (item: T) => Promise<unknown>, { signal, atATime = 8, onProgress, onFailed }: ManyOptions<T>
): Promise<ManyProgress> {
  const progress: ManyProgress = { done: 0, failed: 0, total: items.length }
  await sideBySide(items, atATime, async item => {
    if (signal.aborted) return
    try {
      await act(item)
      progress.done++
    } catch (err) {
      progress.failed++
      onFailed?.(item, err)
    }
    onProgress?.({ ...progress })
  })
  return progress
}
