import type { IconName } from '../icon-paths.ts'
import type { Tone } from '../tone.ts'

/** How a state is shown. */
export interface StatusWord { label: string, tone: Tone, icon: IconName, /** What it means, for the title. */ about?: string }

/** Words for states that the APIs name. */
const statusWords: Readonly<Record<string, StatusWord>> = {
  // files
  staged: { label: 'Stored', tone: 'neutral', icon: 'archive', about: 'Uploaded; pinned when somebody first opens it' },
  importing: { label: 'Importing', tone: 'info', icon: 'activity', about: 'Being turned into IPFS blocks' },
  pinning: { label: 'Pinning', tone: 'info', icon: 'activity', about: 'On its way to all replicas' },
  pinned: { label: 'Pinned', tone: 'good', icon: 'checkCircle', about: 'On all replicas' },
  unpinned: { label: 'Not pinned', tone: 'neutral', icon: 'unpin', about: 'Nobody keeps it' },
  failed: { label: 'Failed', tone: 'bad', icon: 'warning' },
  queued: { label: 'Queued', tone: 'info', icon: 'clock', about: 'Waits for its turn' },
  // the cluster's trackers
  pin_queued: { label: 'Pin queued', tone: 'info', icon: 'clock', about: 'Waits for its turn' },
  unpin_queued: { label: 'Unpin queued', tone: 'neutral', icon: 'clock', about: 'Waits for its turn' },
  unpinning: { label: 'Unpinning', tone: 'neutral', icon: 'activity' },
  pin_error: { label: 'Pin failed', tone: 'bad', icon: 'warning' },
  unpin_error: { label: 'Unpin failed', tone: 'bad', icon: 'warning' },
  cluster_error: { label: 'No answer', tone: 'bad', icon: 'warning', about: 'The peer did not answer, or is missing' },
  unexpectedly_unpinned: {
    label: 'Lost', tone: 'bad', icon: 'warning', about: 'Should be pinned here, but its IPFS node does not have it'
  },
  remote: { label: 'Elsewhere', tone: 'neutral', icon: 'server', about: 'Allocated to other peers' },
  sharded: { label: 'Sharded', tone: 'neutral', icon: 'cube' },
  undefined: { label: 'Unknown', tone: 'neutral', icon: 'help' },
  // tasks
  PENDING: { label: 'Waiting', tone: 'neutral', icon: 'clock' },
  STARTED: { label: 'Running', tone: 'info', icon: 'activity' },
  SUCCESS: { label: 'Done', tone: 'good', icon: 'checkCircle' },
  FAILURE: { label: 'Failed', tone: 'bad', icon: 'warning' },
  REVOKED: { label: 'Stopped', tone: 'neutral', icon: 'stop' },
  // accounts and keys
  active: { label: 'Active', tone: 'good', icon: 'checkCircle' },
  suspended: { label: 'Suspended', tone: 'bad', icon: 'lock' },
  deleting: { label: 'Being deleted', tone: 'warn', icon: 'trash' },
  revoked: { label: 'Revoked', tone: 'neutral', icon: 'stop' },
  expired: { label: 'Expired', tone: 'warn', icon: 'clock' },
  // peers
  up: { label: 'Up', tone: 'good', icon: 'checkCircle' },
  down: { label: 'Down', tone: 'bad', icon: 'unplugged' },
  missing: { label: 'Missing', tone: 'bad', icon: 'unplugged', about: 'It was not heard for two ping intervals' },
  silent: { label: 'Silent', tone: 'warn', icon: 'warning', about: 'It is a member and does not answer' },
  // webhooks
  paused: { label: 'Paused', tone: 'neutral', icon: 'pause', about: 'Nothing is sent until it is switched on again' },
  failing: { label: 'Failing', tone: 'warn', icon: 'warning', about: 'The receiver does not answer; it is tried again' },
  given_up: { label: 'Given up', tone: 'bad', icon: 'stop', about: 'The receiver was away for half a day' },
  // resumable uploads
  open: { label: 'Under way', tone: 'info', icon: 'upload' },
  finishing: { label: 'Finishing', tone: 'info', icon: 'activity' },
  done: { label: 'Done', tone: 'good', icon: 'checkCircle' }
}

/** What isn't known is shown as it is. */
export const statusWord = (value: string): StatusWord => statusWords[value] ?? { label: value, tone: 'neutral', icon: 'help' }
