/** What one of the queues of pins may have of a peer. */
export interface QueueShare {
  /** Of the turns, beside those of the other queues that wait. Above 0. */
  weight: number
  /** 0: no limit. */
  maxPinsPerSecond: number
  /** Of what is fetched; 0: no limit. */
  maxBytesPerSecond: number
  /** Pins that run; 0: as many as there are turns. */
  maxAtOnce: number
}

/** How pins are put into queues, and what each queue may have. */
export interface QueueRules {
  /** Keys of a pin's metadata: the value of the first that it has names its queue. */
  by: readonly string[]
  /** By name. `otherQueues` is for those that aren't named here. */
  shares: ReadonlyMap<string, QueueShare>
}

/** Of a queue for which nothing is configured. 0: no limit. */
export const usualShare: QueueShare = { weight: 1, maxPinsPerSecond: 0, maxBytesPerSecond: 0, maxAtOnce: 0 }

/** The queue of pins that name none. */
export const defaultQueue = 'default'
/** Names the share of every queue that has none of its own. */
export const otherQueues = '*'

/** Characters. */
export const longestQueueName = 128

/** The name of the queue that a pin waits in. Names are cut at 128 characters. */
export function queueOf (metadata: Readonly<Record<string, string>>, by: readonly string[]): string {
  for (const key of by) {
    const name = Object.hasOwn(metadata, key) ? metadata[key] : undefined
    if (name != null && name !== '') return name.slice(0, longestQueueName)
  }
  return defaultQueue
}
