import type { GlobalPinInfo, PinProgress } from '../../../src/client/types.ts'
import type { CtlContext } from '../context.ts'
import { nameAndTail, peerLabels } from './peer-labels.ts'

/** What people are told of statuses beyond the rows: why pins wait, and how many lack copies. */

const satisfied: ReadonlySet<string> = new Set(['pinned', 'remote', 'sharded', 'unpinned', 'unpinning', 'unpin_queued'])
const waits: ReadonlySet<string> = new Set(['pinning', 'pin_queued', 'pin_error'])
/** More CIDs than these would be as many requests. */
const askedAtOnce = 16

/** Rows with the reason in the place of the error, as far as the peer can tell: Go's can't. Only for a few pins. */
export async function * withReasons (
  statuses: AsyncIterable<GlobalPinInfo>, { client, signal }: CtlContext
): AsyncGenerator<GlobalPinInfo, void, undefined> {
  let asked = 0
  for await (const info of statuses) {
    const isWaiting = Object.values(info.peer_map).some(({ status }) => waits.has(status))
    if (!isWaiting || asked++ >= askedAtOnce) yield info
    else yield withReason(info, await client.progress(info.cid, { signal }).catch((): PinProgress[] => []))
  }
}

function withReason (info: GlobalPinInfo, progress: readonly PinProgress[]): GlobalPinInfo {
  const reasons = new Map(progress.map(({ peer, reason = '' }) => [peer, reason]))
  const peers = Object.entries(info.peer_map).map(([peer, one]) => {
    const reason = waits.has(one.status) ? reasons.get(peer) ?? '' : ''
    return [peer, reason === '' ? one : { ...one, error: reason }] as const
  })
  return { ...info, peer_map: Object.fromEntries(peers) }
}

/** Counts while rows pass. */
export class StatusSum {
  #pins = 0
  #lacking = 0
  /** Pinned, and there is something to say of it all the same: an audit found it damaged, or a denylist names it. */
  #noted = 0
  readonly #missing = new Set<string>()

  async * count (statuses: AsyncIterable<GlobalPinInfo>): AsyncGenerator<GlobalPinInfo, void, undefined> {
    for await (const info of statuses) {
      this.#pins++
      const peers = Object.entries(info.peer_map)
      const allocations = info.allocations ?? []
      const shallHave = (peer: string): boolean => allocations.length === 0 || allocations.includes(peer)
      // of who doesn't answer it isn't known what it has: only what it shall have
      if (peers.some(([peer, { status }]) => !satisfied.has(status) && (status !== 'cluster_error' || shallHave(peer)))) this.#lacking++
      else if (peers.some(([, { status, error }]) => status === 'pinned' && error !== '')) this.#noted++
      const named = peers.map(([peer, { status, peername }]) => ({ peer, status, peername }))
      const label = peerLabels(named, nameAndTail)
      for (const one of named) if (one.status === 'cluster_error') this.#missing.add(label(one))
      yield info
    }
  }

  /** One line; '' when there is nothing to say. `none`: what to say of no pins. */
  text (none: string): string {
    if (this.#pins === 0) return none
    if (this.#pins < 2 && this.#lacking === 0) return ''
    const pins = this.#pins === 1 ? '1 pin' : `${this.#pins} pins`
    const lacking = this.#lacking === 0
      ? `, all where they shall be${this.#noted === 0 ? '' : `, but ${this.#noted} with an error`}`
      : `, ${this.#lacking} on fewer peers than ${this.#lacking === 1 ? 'it' : 'they'} shall be`
    const missing = this.#missing.size === 0 ? '' : `; without an answer: ${[...this.#missing].toSorted().join(', ')}`
    return `${pins}${lacking}${missing}`
  }
}
