import type { Clock } from '../../base/clock.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { MergedAgain, PartsOptions, PinsetDigests, PinsetParts } from '../../consensus/pinset-digest.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import type { RemotePinsets } from '../../network/remote-pinsets.ts'
import type { Members } from '../peers/members.ts'
import type { PinDifference, PinsetDiff, PinsetDiffOptions } from '../cluster-api.ts'
import { differenceOf, stillDiffering } from './difference.ts'

export interface PinsetDiffsDeps {
  self: PeerId
  digests?: PinsetDigests | undefined
  remotePinsets?: RemotePinsets | undefined
  members: Pick<Members, 'has'>
  clock: Clock
}

interface Side extends PinsetParts {
  peer: PeerId
  heads (options?: PartsOptions): Promise<CID[]>
  mergeAgain (request: { heads: readonly CID[], keys: readonly string[], from: PeerId }, options?: PartsOptions): Promise<MergedAgain>
}

const mostKeys = 1000
/** What is under way has arrived by then. */
const secondLookMs = 2000

/** The use case "in what do these two peers differ", and how they are made to agree. */
export class PinsetDiffs {
  readonly #deps: PinsetDiffsDeps

  constructor (deps: PinsetDiffsDeps) { this.#deps = deps }

  async diff (peers: { one: PeerId, other: PeerId }, { repair = false, signal }: PinsetDiffOptions = {}): Promise<PinsetDiff> {
    if (peers.one === peers.other) throw new ClusterError('INVALID_ARGUMENT', peers, { message: 'these are one and the same peer' })
    const gone = [peers.one, peers.other].find(peer => !this.#deps.members.has(peer))
    if (gone != null) throw new ClusterError('NOT_FOUND', { peer: gone }, { message: `peer ${gone} is not there` })
    return await this.#compare(peers, repair, signal == null ? {} : { signal }).catch(err => {
      if (!isClusterError(err, 'UNSUPPORTED')) throw err
      throw new ClusterError('UNSUPPORTED', { ...peers }, {
        message: 'only Helia Cluster peers can be compared, and one of these is another one, or of an older version', cause: err
      })
    })
  }

  async #compare (peers: { one: PeerId, other: PeerId }, repair: boolean, options: PartsOptions): Promise<PinsetDiff> {
    const { signal } = options
    const sides = [this.#side(peers.one), this.#side(peers.other)] as const
    const { keys: first, isCut } = await differenceOf(sides, { most: mostKeys, ...options })
    if (first.length > 0) await this.#deps.clock.sleep(secondLookMs, signal)
    const keys = (await stillDiffering(sides, first.map(({ key }) => key), options)).map(({ key }) => key)
    const repaired = repair ? await this.#repair(sides, keys, options) : null
    if (repair) await this.#deps.clock.sleep(secondLookMs, signal)
    return {
      ...peers, pins: this.#pins(await stillDiffering(sides, keys, options)), isCut, isSameHeads: await isSameHeads(sides, options),
      repair: repaired
    }
  }

  #side (peer: PeerId): Side {
    const { self, digests, remotePinsets } = this.#deps
    if (digests == null || remotePinsets == null) throw new ClusterError('UNSUPPORTED', { peer })
    if (peer !== self) {
      return {
        ...remotePinsets.parts(peer), peer, mergeAgain: async (request, options) => remotePinsets.mergeAgain(peer, request, options)
      }
    }
    return {
      peer,
      heads: async () => digests.point()?.heads ?? [],
      cells: async options => digests.cells(options),
      groups: async (questions, options) => digests.groups(questions, options),
      keys: async (prefixes, options) => digests.keys(prefixes, options),
      mergeAgain: async ({ heads, keys, from }, options) => {
        digests.fetch(heads, from)
        return digests.mergeAgain(keys, options)
      }
    }
  }

  /** Each takes the other's heads, and derives what differs anew. */
  async #repair (sides: readonly [Side, Side], keys: readonly string[], options: PartsOptions): Promise<NonNullable<PinsetDiff['repair']>> {
    const [one, other] = sides
    return Promise.all(([[one, other], [other, one]] as const).map(async ([side, from]) => {
      const { lostBlocks, repaired } = await side.mergeAgain({ heads: await from.heads(options), keys, from: from.peer }, options)
      return { peer: side.peer, lostBlocks, repaired: repaired.length }
    }))
  }

  #pins (keys: Awaited<ReturnType<typeof stillDiffering>>): PinDifference[] {
    return keys.flatMap(({ key, one, other }) => {
      const cid = this.#deps.digests?.cidOf(key)
      return cid == null ? [] : [{ cid, one: one ?? null, other: other ?? null }]
    })
  }
}

async function isSameHeads (sides: readonly [Side, Side], options: PartsOptions): Promise<boolean> {
  const [one, other] = await Promise.all(sides.map(async side => (await side.heads(options)).map(String).toSorted().join()))
  return one === other
}
