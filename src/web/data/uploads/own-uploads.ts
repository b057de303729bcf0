import { sessionState } from '../../app/session.ts'
import { ServiceError } from '../../../client/service/service-client.ts'
import type { StoredFile } from '../../../client/service/types.ts'
import { service, webFetch } from '../clients.ts'
import { onReturn } from '../connection.ts'
import { pageClock } from '../page-clock.ts'
import { noteOpenUploads } from './open-uploads.ts'
import { isOver } from './upload-item.ts'
import { UploadQueue } from './upload-queue.ts'
import type { UploadChoice } from './upload-queue.ts'
import { indexedRecords, newUploadId } from './upload-records.ts'

const wholeBytes = 1024 * 1024

/** As a form: browsers send no streams over HTTP/1.1. */
async function sendWhole (
  { name, content, pin, group }: { name: string, content: Blob } & UploadChoice, signal: AbortSignal
): Promise<StoredFile> {
  const form = new FormData()
  form.append('file', content, name)
  const query = new URLSearchParams({ pin, ...(group == null ? {} : { group }) })
  let answer: Response
  try {
    answer = await webFetch(`/api/v1/files/upload?${query}`, { method: 'POST', body: form, signal })
  } catch (err) {
    throw signal.aborted ? err : new ServiceError(0, 'no answer', { cause: err })
  }
  const { data, message } = await answer.json().catch(() => ({})) as { data?: StoredFile, message?: string }
  if (answer.ok && data != null) return data
  const after = Number(answer.headers.get('retry-after') ?? NaN)
  throw new ServiceError(answer.status, message ?? answer.statusText, { retryAfterSeconds: Number.isFinite(after) ? after : null })
}

let queue: UploadQueue | undefined

/** The uploads of who is logged in: they go on while other pages are shown. */
export function ownUploads (): UploadQueue {
  if (queue != null) return queue
  const own = queue = new UploadQueue({}, {
    uploads: service.uploads, whole: { bytes: wholeBytes, send: sendWhole }, records: indexedRecords('helia-cluster-uploads'),
    clock: pageClock, newId: newUploadId, locks: navigator.locks
  })
  const follow = (): void => {
    const { session, ended } = sessionState.get()
    if (session.kind !== 'loading') void own.setOwner(session.kind === 'user' && ended == null ? session.email : null)
  }
  sessionState.subscribe(follow)
  onReturn(() => own.wake())
  own.items.subscribe(() => noteOpenUploads(own.items.get().some(item => !isOver(item))))
  follow()
  return own
}
