import type { PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'

/** What a holder reports of an item: it has it, it is about to have it, or it can't have it now. */
export type ReportedStatus = 'has' | 'coming' | 'failed'

/** All that the next step of a transfer depends on. */
export interface TransferView {
  pin: Pick<Pin, 'allocations' | 'replicationFactorMin' | 'replicationFactorMax'>
  /** The peer that shall lose it. */
  from: PeerId
  /** How many others shall have it: see `goalOf`. */
  goal: number
  /** What the other holders report; who is missing here has failed. */
  reported: ReadonlyMap<PeerId, ReportedStatus>
  /** Holders that this transfer has added. */
  added: ReadonlySet<PeerId>
  /** Peers that could take it, the best first. Asked only when one is needed; holders among them are passed over. */
  candidates: () => readonly PeerId[]
}

/**
 * What to do next. `commit`: the pin gets these allocations; `isLast` when the peer isn't among them any more, `isFewer` when the pin has
 * fewer copies then than it had. `stuck`: nothing can be done now.
 */
export type TransferStep = { do: 'commit', allocations: PeerId[], isLast: boolean, isFewer: boolean } | { do: 'wait' } | { do: 'stuck' }

/** As many holders as the pin has, within its factors: the peer that goes is replaced, nothing else changes. */
export const goalOf = ({ allocations, replicationFactorMin: min, replicationFactorMax: max }: TransferView['pin']): number =>
  Math.max(min, 1, max > 0 ? Math.min(max, allocations.length) : allocations.length)

/**
 * How a pin leaves a peer: see docs/design/rebalance.md. The pin never gets allocations without the peer before `goal` others, or the
 * minimum when there are no more to be had, have it.
 */
export function transferStep ({ pin, from, goal, reported, added, candidates }: TransferView): TransferStep {
  const others = pin.allocations.filter(peer => peer !== from)
  const are = (status: ReportedStatus): PeerId[] => others.filter(peer => (reported.get(peer) ?? 'failed') === status)
  const [has, coming, failed] = [are('has'), are('coming'), are('failed')]
  if (has.length >= goal) return taken({ pin, others, kept: [...has, ...coming, ...failed], isFewer: false })
  if (has.length + coming.length >= goal) return { do: 'wait' }
  const fresh = candidates().filter(peer => !pin.allocations.includes(peer)).slice(0, goal - has.length - coming.length)
  if (fresh.length > 0) {
    const hopeless = new Set(failed.filter(peer => added.has(peer)))
    return { do: 'commit', allocations: [...pin.allocations.filter(peer => !hopeless.has(peer)), ...fresh], isLast: false, isFewer: false }
  }
  if (coming.length > 0) return { do: 'wait' }
  if (has.length >= Math.max(1, pin.replicationFactorMin)) return taken({ pin, others, kept: [...has, ...failed], isFewer: true })
  return { do: 'stuck' }
}

/** Without the peer. Holders beyond the maximum go, those first that haven't got it; the others keep their order. */
function taken (
  { pin, others, kept, isFewer }: { pin: TransferView['pin'], others: readonly PeerId[], kept: readonly PeerId[], isFewer: boolean }
): TransferStep {
  const { replicationFactorMax: max } = pin
  const staying = new Set(max > 0 ? kept.slice(0, max) : kept)
  return { do: 'commit', allocations: others.filter(peer => staying.has(peer)), isLast: true, isFewer }
}
