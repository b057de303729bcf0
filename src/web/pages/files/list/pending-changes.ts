import type { BulkFilter, FollowedFile } from '../../../../client/service/types.ts'
import { createStore } from '../../../data/store.ts'

/** What shall be done with files. */
export type ChangeKind = 'pin' | 'unpin' | 'delete'

/** Which files: those that were marked, or all that fit. */
export type Chosen = { cids: ReadonlySet<string> } | { filter: BulkFilter, total: number }

/** A change of many files that can still be undone. */
export interface PendingChange { id: number, kind: ChangeKind, chosen: Chosen }

/** Those whose time to think again isn't over. */
export const pendingChanges = createStore<readonly PendingChange[]>([])

/** How many files it is about. */
export const countOf = (chosen: Chosen): number =>
  'cids' in chosen ? chosen.cids.size : Math.max(0, chosen.total - (chosen.filter.except?.length ?? 0))

/** The request's body: the CIDs, or the filter that finds them. */
export const bodyOf = (chosen: Chosen): { cids: string[] } | { filter: BulkFilter } =>
  'cids' in chosen ? { cids: [...chosen.cids] } : { filter: chosen.filter }

/** Which change waits for this file, if there is one. */
export function pendingKind (changes: readonly PendingChange[], file: FollowedFile): ChangeKind | undefined {
  return changes.find(({ chosen }) => 'cids' in chosen ? chosen.cids.has(file.cid) : fits(chosen.filter, file))?.kind
}

/** As the service has it, as far as a row tells. */
function fits ({ q = '', group, state, except = [] }: BulkFilter, file: FollowedFile): boolean {
  return file.original_filename.toLowerCase().includes(q.toLowerCase()) &&
    (group == null || (group === 'none' ? file.group == null : file.group === group)) &&
    (state == null || file.state === state) && !except.includes(file.cid)
}
