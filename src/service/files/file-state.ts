import type { FileRow, FileState } from '../sql/tables.ts'

/**
 * What can happen to a file.
 *
 * - `want`: it shall be pinned: its owner says so, or somebody reads it through the gateway for the first time.
 * - `unpin`: its owner no longer wants it pinned. Bytes that are only in staging are not lost by that.
 * - `uploaded`: its bytes were uploaded again, and are in staging.
 * - `imported`, `import-failed`: the importer has made blocks of the staged bytes, or never will.
 * - `cluster-pinning`, `cluster-pinned`, `cluster-failed`: what the cluster says of the CID. Only for files that own a pin of the cluster.
 * - `over-quota`: its size became known, or it came back, and there is no room for it.
 *
 * `…-staged`: the same for a file with bytes in staging.
 */
export type FileEvent =
  | 'want' | 'want-staged' | 'unpin' | 'unpin-staged' | 'uploaded' | 'imported' | 'import-failed'
  | 'cluster-pinning' | 'cluster-pinned' | 'cluster-failed' | 'cluster-failed-staged' | 'over-quota'

/** Complete: what means nothing in a state leaves it as it is. */
const table: Record<FileState, Record<FileEvent, FileState>> = {
  staged: {
    want: 'pinning', 'want-staged': 'importing', unpin: 'unpinned', 'unpin-staged': 'staged',
    uploaded: 'staged', imported: 'staged', 'import-failed': 'staged',
    'cluster-pinning': 'staged', 'cluster-pinned': 'staged', 'cluster-failed': 'staged',
    'cluster-failed-staged': 'staged', 'over-quota': 'staged'
  },
  importing: {
    want: 'importing', 'want-staged': 'importing', unpin: 'unpinned', 'unpin-staged': 'staged',
    uploaded: 'importing', imported: 'pinning', 'import-failed': 'failed',
    'cluster-pinning': 'importing', 'cluster-pinned': 'importing', 'cluster-failed': 'importing',
    'cluster-failed-staged': 'importing', 'over-quota': 'importing'
  },
  pinning: {
    want: 'pinning', 'want-staged': 'pinning', unpin: 'unpinned', 'unpin-staged': 'staged',
    uploaded: 'pinning', imported: 'pinning', 'import-failed': 'pinning',
    'cluster-pinning': 'pinning', 'cluster-pinned': 'pinned', 'cluster-failed': 'failed',
    'cluster-failed-staged': 'pinning', 'over-quota': 'failed'
  },
  pinned: {
    want: 'pinned', 'want-staged': 'pinned', unpin: 'unpinned', 'unpin-staged': 'unpinned',
    uploaded: 'pinned', imported: 'pinned', 'import-failed': 'pinned',
    'cluster-pinning': 'pinning', 'cluster-pinned': 'pinned', 'cluster-failed': 'failed',
    'cluster-failed-staged': 'pinning', 'over-quota': 'failed'
  },
  unpinned: {
    want: 'pinning', 'want-staged': 'importing', unpin: 'unpinned', 'unpin-staged': 'staged',
    uploaded: 'staged', imported: 'unpinned', 'import-failed': 'unpinned',
    'cluster-pinning': 'unpinned', 'cluster-pinned': 'unpinned', 'cluster-failed': 'unpinned',
    'cluster-failed-staged': 'unpinned', 'over-quota': 'unpinned'
  },
  failed: {
    want: 'pinning', 'want-staged': 'importing', unpin: 'unpinned', 'unpin-staged': 'staged',
    uploaded: 'staged', imported: 'failed', 'import-failed': 'failed',
    'cluster-pinning': 'pinning', 'cluster-pinned': 'pinned', 'cluster-failed': 'failed',
    'cluster-failed-staged': 'failed', 'over-quota': 'failed'
  }
}

/** The state that follows. Total: what makes no sense in a state leaves it as it is. */
export const nextFileState = (state: FileState, event: FileEvent): FileState => table[state][event]

/** What tells how a file stands. */
export type FileStanding = Pick<FileRow, 'state' | 'origin' | 'staging_key' | 'owns_pin'>

/**
 * Whether the file owns the CID's pin in the cluster once it is in this state. A failed one keeps the pin that it had, because the cluster
 * goes on trying: letting it go would unpin what a peer has lost for a moment only.
 */
export function ownsPin (state: FileState, { owned, event }: { owned: boolean, event: FileEvent }): boolean {
  return state === 'pinning' || state === 'pinned' || (state === 'failed' && owned && event !== 'over-quota')
}

/**
 * What is staged, on its way, or pinned counts against the quota; what was unpinned, or failed, doesn't. Entries for tenant pins count as
 * these do, by themselves.
 */
export const countsForQuota = ({ state, origin, staging_key: key }: FileStanding): boolean =>
  origin !== 'pins' && (key != null || (state !== 'unpinned' && state !== 'failed'))
