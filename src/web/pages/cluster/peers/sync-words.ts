import type { PeerSync } from '../../../../client/types.ts'
import type { StatusWord } from '../../../ui/display/status-words.ts'

const words: Readonly<Record<PeerSync['state'], StatusWord>> = {
  in_sync: { label: 'In sync', tone: 'good', icon: 'checkCircle', about: 'It has the same pinset as this peer, but for changes that are on their way' },
  ahead: { label: 'Ahead', tone: 'info', icon: 'activity', about: 'It has changes that are not here yet' },
  behind: { label: 'Behind', tone: 'warn', icon: 'clock', about: 'It has not got all changes of this peer yet' },
  differs: {
    label: 'Being compared', tone: 'info', icon: 'activity',
    about: 'No change is missing on either side, and yet the pinsets are not the same: it is looked at again'
  },
  out_of_sync: {
    label: 'Out of sync', tone: 'bad', icon: 'warning',
    about: 'No change is missing on either side, and the pinsets have not been the same for a while'
  },
  unknown: { label: 'Unknown', tone: 'neutral', icon: 'help', about: 'It has not told enough of its pinset yet' }
}

/** How a peer's pinset is to that of this peer. A Go peer tells its heads alone. */
export function syncWord ({ state, by }: Pick<PeerSync, 'state' | 'by'>): StatusWord {
  const word = words[state]
  return by === 'heads' ? { ...word, about: `${word.about}, as far as its heads tell: a Go peer gives no digest` } : word
}

/** What two peers have under a CID, in words. */
export function differenceText (
  { one, other }: { one: string | null, other: string | null }, names: { one: string, other: string }
): string {
  if (one == null) return `only ${names.other} has it`
  return other == null ? `only ${names.one} has it` : 'with other options'
}
