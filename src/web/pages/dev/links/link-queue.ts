import { service } from '../../../data/clients.ts'
import { pageClock } from '../../../data/page-clock.ts'
import { UploadQueue } from '../../../data/uploads/upload-queue.ts'
import { indexedRecords, newUploadId } from '../../../data/uploads/upload-records.ts'

const queues = new Map<string, UploadQueue>()

/** What is sent with a link. It goes on while other pages are shown, and after a reload: also when the upload has used the link up. */
export function linkQueue (secret: string): UploadQueue {
  const known = queues.get(secret)
  if (known != null) return known
  const queue = new UploadQueue({ parallel: 1 }, {
    uploads: service.links.resumable(secret),
    records: indexedRecords('helia-cluster-link-uploads'),
    clock: pageClock,
    newId: newUploadId,
    locks: navigator.locks
  })
  queues.set(secret, queue)
  // only who has the link can do anything with it; its end is enough to tell links apart
  void queue.setOwner(`link …${secret.slice(-8)}`)
  return queue
}
