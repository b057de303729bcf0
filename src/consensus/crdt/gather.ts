export interface GatherInit<T> {
  /** What may wait for the reader. A batch that comes when there is more waits itself. */
  maxWeight: number
  weight: (item: T) => number
}

/**
 * Batches of a source, read ahead while the last one is worked on and joined to one: what comes in small pieces is worked on in large ones.
 * Errors come after what was read before them.
 */
export async function * gathered<T> (source: AsyncIterable<readonly T[]>, { maxWeight, weight }: GatherInit<T>): AsyncGenerator<T[]> {
  const iterator = source[Symbol.asyncIterator]()
  let waiting: T[] = []
  let waitingWeight = 0
  let isDone = false
  let fault: { err: unknown } | undefined
  let wakeReader = (): void => {}
  let wakeTaker = (): void => {}
  const fill = async (): Promise<void> => {
    try {
      for (let next = await iterator.next(); !isDone && next.done !== true; next = await iterator.next()) {
        waiting.push(...next.value)
        for (const item of next.value) waitingWeight += weight(item)
        wakeTaker()
        while (waitingWeight >= maxWeight && !isDone) await new Promise<void>(resolve => { wakeReader = resolve })
        if (isDone) return
      }
    } catch (err) {
      fault = { err }
    } finally {
      isDone = true
      wakeTaker()
    }
  }
  const filling = fill()
  try {
    for (;;) {
      while (waiting.length === 0 && !isDone) await new Promise<void>(resolve => { wakeTaker = resolve })
      if (waiting.length === 0) break
      const batch = waiting
      waiting = []
      waitingWeight = 0
      wakeReader()
      yield batch
    }
    await filling
    if (fault != null) throw fault.err
  } finally {
    isDone = true
    wakeReader()
  }
}
