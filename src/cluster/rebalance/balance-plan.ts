import type { PeerId } from '../../model/cid.ts'
import type { Pin } from '../../model/pin.ts'
import { isEverywhere } from '../../model/pin.ts'

/** A peer of the plan: one that is there. */
export interface BalancePeer {
  peer: PeerId
  /** What its share of all copies goes by: bytes, or the same number for all. */
  capacity: number
  /** The values of the tags that pins are to be spread by, in the order of the tags. */
  groups: readonly string[]
  /** Whether it may get pins; all may lose some. */
  takes: boolean
}

/** `load`: the peer has more than its share. `group`: its other holders stand in fewer groups than they could. */
export interface BalanceMove<Cid> { cid: Cid, from: PeerId, to: PeerId, why: 'load' | 'group' }

/** A peer in the plan: its capacity, and pins as they are, as they should be, and as they come out. */
export interface BalanceFigures { peer: PeerId, capacity: number, pins: number, goal: number, after: number }

/** What the plan needs of a pin. It keeps none, so millions can be counted. */
export type BalancePin = Pick<Pin, 'allocations' | 'replicationFactorMin' | 'replicationFactorMax'>

/** Peers that are so near to their goal give nothing. */
const tolerance = 0.02

interface Place extends BalanceFigures { groups: readonly string[], takes: boolean, gives: boolean }

/**
 * Plans which pins go where so that peers are filled alike: see docs/design/rebalance.md. It is shown all pins with `count`, and then
 * again, in any order, with `moveOf`; memory goes with the peers. Pure: the same peers and pins in the same order give the same moves.
 *
 * A move takes a pin from a peer above its goal to one below, so no plan with fewer moves brings all to their goals; moves that bring a pin
 * into more groups come on top. No move makes a pin stand in fewer groups, gives it to a holder, or touches a pin with a holder that isn't
 * in the plan.
 */
export class BalancePlan {
  readonly #places: Map<PeerId, Place>
  #pins = 0
  #isReady = false

  constructor (peers: readonly BalancePeer[]) {
    this.#places = new Map(peers.map(one => [one.peer, { ...one, pins: 0, goal: 0, after: 0, gives: false }]))
  }

  /** How many pins it can move; others go everywhere, are about to move already, or have a holder that isn't there. */
  get pins (): number { return this.#pins }

  count (pin: BalancePin): void {
    const holders = this.#allocatedPeersOf(pin)
    if (holders == null) return
    this.#pins++
    for (const place of holders) place.pins++
  }

  figures (): BalanceFigures[] {
    this.#prepare()
    return Array.from(this.#places.values(), ({ peer, capacity, pins, goal, after }) => ({ peer, capacity, pins, goal, after }))
  }

  moveOf<Cid> (pin: BalancePin & { cid: Cid }): BalanceMove<Cid> | undefined {
    this.#prepare()
    const holders = this.#allocatedPeersOf(pin)
    if (holders == null) return undefined
    const takers = [...this.#places.values()].filter(place => place.takes && !holders.includes(place)).toSorted(emptierFirst)
    const givers = holders.toSorted((one, other) => emptierFirst(other, one))
    const found = this.#forGroups(holders, givers, takers) ?? this.#forLoad(holders, givers, takers)
    if (found == null) return undefined
    const { from, to, why } = found
    from.after--
    to.after++
    return { cid: pin.cid, from: from.peer, to: to.peer, why }
  }

  /** The pair that brings the pin into the most groups; among equals from the fullest to the emptiest. */
  #forGroups (
    holders: readonly Place[], givers: readonly Place[], takers: readonly Place[]
  ): { from: Place, to: Place, why: 'group' } | undefined {
    let best = groupsOf(holders)
    let found: { from: Place, to: Place, why: 'group' } | undefined
    for (const from of givers) {
      for (const to of takers) {
        const groups = groupsOf(exchanged(holders, from, to))
        if (groups <= best) continue
        best = groups
        found = { from, to, why: 'group' }
      }
    }
    return found
  }

  #forLoad (
    holders: readonly Place[], givers: readonly Place[], takers: readonly Place[]
  ): { from: Place, to: Place, why: 'load' } | undefined {
    const groups = groupsOf(holders)
    for (const from of givers) {
      if (!from.gives || from.after <= from.goal) continue
      const to = takers.find(one => one.after < one.goal && groupsOf(exchanged(holders, from, one)) >= groups)
      if (to != null) return { from, to, why: 'load' }
    }
    return undefined
  }

  /** Undefined for pins that stay. */
  #allocatedPeersOf (pin: BalancePin): Place[] | undefined {
    const { allocations, replicationFactorMax: max } = pin
    if (allocations.length === 0 || isEverywhere(pin) || (max > 0 && allocations.length > max)) return undefined
    const holders = allocations.map(peer => this.#places.get(peer)).filter(place => place != null)
    return holders.length === allocations.length ? holders : undefined
  }

  #prepare (): void {
    if (this.#isReady) return
    this.#isReady = true
    const places = [...this.#places.values()]
    const goals = sharesOf(places, this.#pins)
    for (const [at, place] of places.entries()) {
      const goal = goals[at] ?? 0
      Object.assign(place, { goal, after: place.pins, gives: place.pins > goal * (1 + tolerance) })
    }
  }
}

/**
 * Whole numbers that add up to all copies, by capacity. Nobody has more than there are pins; what is beyond goes to the others. Who takes
 * none keeps at most what it has.
 */
function sharesOf (places: readonly Place[], pins: number): number[] {
  const shares = places.map(() => 0)
  let open = places.map((_, at) => at)
  let left = places.reduce((sum, place) => sum + place.pins, 0)
  for (;;) {
    const capacity = open.reduce((sum, at) => sum + (places[at]?.capacity ?? 0), 0)
    const shareOf = (at: number): number => capacity > 0 ? left * (places[at]?.capacity ?? 0) / capacity : left / open.length
    const full = open.filter(at => shareOf(at) > mostOf(places[at], pins))
    if (full.length === 0) {
      for (const at of open) shares[at] = shareOf(at)
      return rounded(shares)
    }
    for (const at of full) {
      shares[at] = mostOf(places[at], pins)
      left -= shares[at]
    }
    open = open.filter(at => !full.includes(at))
    if (open.length === 0) return rounded(shares)
  }
}

const mostOf = (place: Place | undefined, pins: number): number => place == null ? 0 : place.takes ? pins : place.pins

/** The largest remainders are rounded up, so that the sum stays. */
function rounded (shares: readonly number[]): number[] {
  const whole = shares.map(share => Math.floor(share + 1e-9))
  const missing = Math.round(shares.reduce((sum, share) => sum + share, 0)) - whole.reduce((sum, share) => sum + share, 0)
  const order = shares.map((share, at) => ({ at, rest: share - (whole[at] ?? 0) })).toSorted((a, b) => b.rest - a.rest || a.at - b.at)
  for (const { at } of order.slice(0, missing)) whole[at] = (whole[at] ?? 0) + 1
  return whole
}

/** By how full they are, measured by their goals. */
function emptierFirst (one: Place, other: Place): number {
  return fullness(one) - fullness(other) || (one.peer < other.peer ? -1 : 1)
}

const fullness = ({ after, goal }: Place): number => after / Math.max(goal, 0.5)

const exchanged = (holders: readonly Place[], from: Place, to: Place): Place[] => holders.map(place => place === from ? to : place)

/** In how many groups the holders stand, all tags together. */
function groupsOf (holders: readonly Place[]): number {
  const tags = holders[0]?.groups.length ?? 0
  let sum = 0
  for (let tag = 0; tag < tags; tag++) sum += new Set(holders.map(({ groups }) => groups[tag])).size
  return sum
}
