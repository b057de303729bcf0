import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { CID } from '../../model/cid.ts'
import type { Pin, PinOptions } from '../../model/pin.ts'
import { isEverywhere, modeOfDepth } from '../../model/pin.ts'
import { isZeroTime } from '../../model/time.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import { refuseDeniedCid } from '../../ipfs/denylist.ts'
import { refuseInFollowerMode } from '../follower.ts'
import type { ReplicationDefaults } from './pin-rules.ts'
import { applyPinRules } from './pin-rules.ts'
import type { Placement } from './placement.ts'

export interface PinnerInit extends ReplicationDefaults { followerMode: boolean }

export interface PinnerDeps {
  consensus: Pick<Consensus, 'state' | 'put'>
  placement: Pick<Placement, 'allocate'>
  denylist?: Denylist | undefined
  clock: Clock
}

/** The use case "this shall be pinned" (cluster.go). */
export class Pinner {
  readonly #init: PinnerInit
  readonly #deps: PinnerDeps

  constructor (init: PinnerInit, deps: PinnerDeps) {
    this.#init = init
    this.#deps = deps
  }

  /**
   * Checks, allocates (unless allocations are preset) and commits; always, also when nothing but the time changes. Resolves with the pin as
   * committed, the user's preferred peers still in it. Rejects with FOLLOWER_MODE, DENIED, PIN_REFUSED, NOT_PINNED (pin-update),
   * NOT_ENOUGH_PEERS, and what consensus rejects with.
   */
  async pin (requested: Pin): Promise<Pin> {
    refuseInFollowerMode(this.#init)
    const { cid, pinUpdate } = requested
    refuseDeniedCid(this.#deps.denylist, cid)
    if (pinUpdate != null && !pinUpdate.equals(cid)) return this.#update(pinUpdate, cid, requested)
    const pin = this.#checked(requested)
    await this.#commit(pin)
    return pin
  }

  #checked (requested: Pin): Pin {
    const existing = this.#deps.consensus.state.get(requested.cid)
    const now = this.#deps.clock.now()
    const pin = applyPinRules({ pin: requested, existing, defaults: this.#init, now })
    pin.timestamp = now
    if (pin.type !== 'meta-pin' && pin.allocations.length === 0 && !isEverywhere(pin)) {
      pin.allocations = this.#deps.placement.allocate({ pin, current: existing?.allocations ?? [] })
    }
    return pin
  }

  /**
   * The new CID takes over everything from the old one but name and expiry, when they are given. Nothing else is checked, as in Go. Holders
   * that an item has beyond its maximum are about to lose it (their peer is being removed): they come last and aren't taken over.
   */
  async #update (from: CID, to: CID, options: PinOptions): Promise<Pin> {
    const now = this.#deps.clock.now()
    const source = this.#deps.consensus.state.get(from)
    if (source == null) throw new ClusterError('NOT_PINNED', { cid: from.toString() })
    if (source.type !== 'pin') throw new ClusterError('PIN_REFUSED', { type: source.type }, { message: 'this pin type cannot be updated' })
    const expires = !isZeroTime(options.expireAt) && options.expireAt > now
    const pin: Pin = {
      ...source,
      cid: to,
      allocations: source.replicationFactorMax > 0 ? source.allocations.slice(0, source.replicationFactorMax) : source.allocations,
      mode: modeOfDepth(source.maxDepth),
      pinUpdate: from,
      timestamp: now,
      name: options.name === '' ? source.name : options.name,
      expireAt: expires ? options.expireAt : source.expireAt
    }
    await this.#commit(pin)
    return pin
  }

  #commit (pin: Pin): Promise<void> {
    return this.#deps.consensus.put(pin.userAllocations.length === 0 ? pin : { ...pin, userAllocations: [] })
  }
}

