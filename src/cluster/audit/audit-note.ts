import type { Datastore } from '../../datastore/datastore.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { formatTime } from '../../model/time.ts'
import { AuditRows } from './audit-rows.ts'

/** What the latest audit of this peer says of a pin, in one sentence for its status; '' when all was there, or nobody has looked. */
export function auditNote (cid: CID, { self, datastore }: { self: PeerId, datastore: Datastore }): string {
  const result = new AuditRows(datastore).get(self, cid)
  if (result == null || result.state === 'good' || result.state === 'repaired') return ''
  const at = formatTime(Math.floor(result.at / 1000) * 1000)
  return result.state === 'failed'
    ? `the audit of ${at} could not read it: ${result.error}`
    : `the audit of ${at} found ${result.badCount - result.repaired} of its blocks missing or damaged`
}
