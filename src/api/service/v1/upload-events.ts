import type { Clock } from '../../../base/clock.ts'
import type { UploadProgress, Uploads } from '../../../service/uploads/uploads.ts'

export interface UploadEventsDeps { uploads: Pick<Uploads, 'onProgress'>, clock: Clock }

/** An idle connection would be cut. */
const heartbeatMs = 15_000
/** Of a client that doesn't read, the newest are kept. */
const mostWaiting = 100

/**
 * A user's uploads as server-sent events, as this peer sees them, until the signal aborts: `data:
 * {"id":…,"state":…,"bytes":…,"total":…,"cid":…}`.
 */
export async function * uploadEvents (
  user: string, { uploads, clock }: UploadEventsDeps, signal: AbortSignal
): AsyncGenerator<string, void, undefined> {
  const waiting: UploadProgress[] = []
  let wake = (): void => {}
  const stop = uploads.onProgress(progress => {
    if (progress.user !== user) return
    waiting.push(progress)
    if (waiting.length > mostWaiting) waiting.shift()
    wake()
  })
  const ended = (): void => wake()
  signal.addEventListener('abort', ended, { once: true })
  try {
    yield ': progress of your uploads\n\n'
    while (!signal.aborted) {
      const next = waiting.shift()
      if (next != null) {
        yield eventOf(next)
        continue
      }
      const { promise, resolve } = Promise.withResolvers<boolean>()
      wake = () => resolve(false)
      const cancel = clock.after(heartbeatMs, () => resolve(true))
      const isQuiet = await promise
      cancel()
      if (isQuiet) yield ': still here\n\n'
    }
  } finally {
    stop()
    signal.removeEventListener('abort', ended)
  }
}

function eventOf ({ upload: id, state, bytes, total, cid }: UploadProgress): string {
  return `event: progress\ndata: ${JSON.stringify({ id, state, bytes, total, cid })}\n\n`
}
