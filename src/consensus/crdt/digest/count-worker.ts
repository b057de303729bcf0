import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/log.ts'
import type { Worker } from '../../../base/worker.ts'
import type { Mutex } from '../../../base/mutex.ts'
import type { HeadIds, RunningDigest } from './running-digest.ts'

export interface CountWorkerDeps {
  digest: RunningDigest
  mutex: Mutex
  heads: () => HeadIds
  clock: Clock
  log: Logger
}

const dayMs = 86_400_000
/** A check of what is known is in no hurry. */
const restMs = 50

/** Counts the digest when there is none, as fast as turns come, and once a day whether it is still that of the rows. */
export function countWorker ({ digest, mutex, heads, clock, log }: CountWorkerDeps): Worker {
  let lastAt: number | undefined
  return {
    name: 'pinset digest',
    intervalMs: () => digest.isCounting ? restMs : dayMs,
    work: async () => {
      lastAt ??= digest.isKnown ? clock.elapsed() : -Infinity
      if (!digest.isCounting && digest.isKnown && clock.elapsed() - lastAt < dayMs) return 'idle'
      const isDone = await mutex.run(async () => {
        if (!digest.isCounting) digest.beginCount()
        if (!await digest.countSlice()) return false
        if (!await digest.endCount(heads())) {
          log.error(
            'rows of the pinset are not what was written: the digest is now that of the disk. Compare with the other peers: `helia-cluster-ctl health diff`'
          )
        }
        return true
      })
      if (isDone) lastAt = clock.elapsed()
      return isDone || digest.isKnown ? 'idle' : 'busy'
    }
  }
}
