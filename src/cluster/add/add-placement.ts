import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../../model/cid.ts'
import type { AddParams } from '../../model/add.ts'
import type { PinOptions } from '../../model/pin.ts'
import type { Members } from '../peers/members.ts'
import { applyOptionRules } from '../pinning/pin-rules.ts'
import type { ReplicationDefaults } from '../pinning/pin-rules.ts'
import type { Placement } from '../pinning/placement.ts'

export interface AddPlacementDeps { members: Members, placement: Pick<Placement, 'allocate'>, clock: Clock }

/** Who will hold what is added, and who gets the blocks now. */
export interface AddTargets { allocations: PeerId[], destinations: PeerId[] }

/** Picks peers for content before its CID is known. */
export class AddPlacement {
  readonly #init: ReplicationDefaults
  readonly #deps: AddPlacementDeps

  constructor (init: ReplicationDefaults, deps: AddPlacementDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** The members for an everywhere pin, else what the allocator picks. Throws PIN_REFUSED and NOT_ENOUGH_PEERS with Go's texts. */
  allocate (options: PinOptions): PeerId[] {
    const { members, placement, clock } = this.#deps
    const factors = applyOptionRules(options, this.#init, clock.now())
    if (factors.replicationFactorMin < 0) return members.list()
    return placement.allocate({ pin: { ...factors, userAllocations: options.userAllocations }, current: [] })
  }

  /** With `local`, blocks go to this peer only, which takes the last holder's place unless the user named holders. */
  targets ({ pin, local }: Pick<AddParams, 'pin' | 'local'>): AddTargets {
    const { self } = this.#deps.members
    const allocations = this.allocate(pin)
    if (!local) return { allocations, destinations: allocations }
    if (!allocations.includes(self) && pin.userAllocations.length === 0) allocations[Math.max(0, allocations.length - 1)] = self
    return { allocations, destinations: [self] }
  }
}
