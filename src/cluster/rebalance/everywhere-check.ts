import { messageOf } from '../../base/errors.ts'
import type { PeerId } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import type { StatusFilter } from '../../model/status.ts'
import { trackerStatuses } from '../../model/status.ts'
import type { Members } from '../peers/members.ts'

export interface EverywhereCheckDeps {
  members: Pick<Members, 'list'>
  /** Status rows of one peer. */
  statusesOf: (peer: PeerId, filter: StatusFilter, signal: AbortSignal) => AsyncIterable<PinInfo[]>
}

const { pin_error: failed, pinning, pin_queued: queued } = trackerStatuses

/** Pins that go everywhere have no allocations to move: before a peer is called drained, somebody else must have all of them. */
export class EverywhereCheck {
  readonly #deps: EverywhereCheckDeps

  constructor (deps: EverywhereCheckDeps) { this.#deps = deps }

  /** '' when another peer has pinned all that goes everywhere; else what is missing, for people. */
  async missing (peer: PeerId, signal: AbortSignal): Promise<string> {
    let best = 'there is no other peer that could have the pins that go everywhere'
    let fewest = Infinity
    for (const other of this.#deps.members.list().filter(one => one !== peer)) {
      try {
        const lacking = await this.#lacking(other, signal)
        if (lacking === 0) return ''
        if (lacking < fewest) best = `no other peer has all pins that go everywhere: peer ${other} lacks ${lacking}`
        fewest = Math.min(fewest, lacking)
      } catch (err) {
        signal.throwIfAborted()
        if (fewest === Infinity) best = `no other peer says that it has all pins that go everywhere: peer ${other}: ${messageOf(err)}`
      }
    }
    return best
  }

  async #lacking (peer: PeerId, signal: AbortSignal): Promise<number> {
    let count = 0
    for await (const rows of this.#deps.statusesOf(peer, failed | pinning | queued, signal)) {
      count += rows.filter(({ allocations }) => (allocations ?? []).length === 0).length
    }
    return count
  }
}
