import { sessionState } from '../../app/session.ts'
import { service } from '../clients.ts'
import { onReturn } from '../connection.ts'
import { newUploadId, pageClock } from './page-clock.ts'
import { UploadQueue } from './upload-queue.ts'
import { indexedRecords } from './upload-records.ts'

let queue: UploadQueue | undefined

/** The uploads of who is logged in: they go on while other pages are shown. */
export function ownUploads (): UploadQueue {
  if (queue != null) return queue
  const own = queue = new UploadQueue({}, { uploads: service.uploads, records: indexedRecords('helia-cluster-uploads'), clock: pageClock, newId: newUploadId, locks: navigator.locks })
  const follow = (): void => {
    const { session, ended } = sessionState.get()
    if (session.kind !== 'loading') void own.setOwner(session.kind === 'user' && ended == null ? session.email : null)
  }
  sessionState.subscribe(follow)
  onReturn(() => own.wake())
  follow()
  return own
}
