import { ClusterError } from '../../base/errors.ts'
import type { Pin, PinOptions, PinType } from '../../model/pin.ts'
import { isEverywhere, modeOfDepth } from '../../model/pin.ts'
import type { Time } from '../../model/time.ts'
import { isZeroTime } from '../../model/time.ts'

/** Of pins that don't say: this peer's configuration. */
export interface ReplicationDefaults { replicationFactorMin: number, replicationFactorMax: number }

/** A requested pin and what it is checked against. `existing`: what the pinset has for the CID. */
export interface PinRuleInput { pin: Pin, existing: Pin | undefined, defaults: ReplicationDefaults, now: Time }

/**
 * The checks between a requested pin and the pinset, in Go's order (cluster.go): fills in default factors, empties the allocations of an
 * everywhere pin, and throws PIN_REFUSED with Go's text for bad factors, an expiry in the past, and what may not replace the existing pin.
 */
export function applyPinRules ({ pin, existing, defaults, now }: PinRuleInput): Pin {
  const checked = withFactors(pin, defaults)
  checkFactors(checked)
  checkExpiry(checked, now)
  if (existing != null) {
    checkReplacement(checked, existing)
    checkShape(checked)
  }
  return checked
}

/** Zero factors become the peer's defaults; a pin that goes everywhere has no allocations. */
function withFactors (pin: Pin, defaults: ReplicationDefaults): Pin {
  const filled = { ...pin, ...factorsOf(pin, defaults) }
  if (isEverywhere(filled)) filled.allocations = []
  return filled
}

/** The smallest and largest number of copies; both -1: everywhere. */
export type Factors = Pick<PinOptions, 'replicationFactorMin' | 'replicationFactorMax'>

const factorsOf = (wanted: Factors, defaults: ReplicationDefaults): Factors => ({
  replicationFactorMin: wanted.replicationFactorMin === 0 ? defaults.replicationFactorMin : wanted.replicationFactorMin,
  replicationFactorMax: wanted.replicationFactorMax === 0 ? defaults.replicationFactorMax : wanted.replicationFactorMax
})

/** The same checks for content whose CID isn't known yet. Returns the factors that will hold. */
export function applyOptionRules (options: PinOptions, defaults: ReplicationDefaults, now: Time): Factors {
  const factors = factorsOf(options, defaults)
  checkFactors(factors)
  checkExpiry(options, now)
  return factors
}

/** Throws PIN_REFUSED for factors that make no pair: -1 both, or 1 <= min <= max (api/types.go). */
function checkFactors ({ replicationFactorMin: min, replicationFactorMax: max }: Factors): void {
  const refuse = (what: string): never => { throw refused(`cluster.replication_factor_${what}`, { min, max }) }
  if (min === 0 || max === 0) refuse('min and max must be set')
  if (min > max) refuse('min is larger than max')
  if (min < -1) refuse('min is wrong')
  if (max < -1) refuse('max is wrong')
  if ((min === -1) !== (max === -1)) refuse('min and max must be -1 when one of them is')
}

function checkExpiry (pin: Pick<PinOptions, 'expireAt'>, now: Time): void {
  if (!isZeroTime(pin.expireAt) && pin.expireAt < now) throw refused('pin.ExpireAt set before current time', { expireAt: pin.expireAt })
}

function checkReplacement (pin: Pin, existing: Pin): void {
  if (existing.type !== pin.type) {
    throw refused(
      `cannot repin CID with different tracking method, clear state with pin rm to proceed. New: ${pin.type}. Was: ${existing.type}`
    )
  }
  if (modeOfDepth(existing.maxDepth) === 'recursive' && pin.mode !== 'recursive') {
    throw refused('cannot repin a CID which is already pinned in recursive mode (new pin is pinned as direct). Unpin it first.')
  }
}

const shapes: Record<PinType, (pin: Pin) => string | undefined> = {
  'bad-type': () => 'the pin has no valid type',
  pin: pin => pin.reference == null ? undefined : 'a pin of plain content has no reference',
  'meta-pin': pin =>
    pin.reference == null || pin.allocations.length > 0 ? 'a meta-pin refers to its cluster DAG and has no allocations' : undefined,
  'clusterdag-pin': pin =>
    pin.reference == null || pin.maxDepth !== 0 ? 'a cluster DAG is pinned direct and refers to its meta-pin' : undefined,
  'shard-pin': pin => pin.maxDepth === 1 || pin.maxDepth === 2 ? undefined : 'a shard is pinned one or two levels deep'
}

/** What each type must look like. As in Go, asked only when a pin is replaced. */
function checkShape (pin: Pin): void {
  const fault = shapes[pin.type](pin)
  if (fault != null) throw refused(fault)
}

const refused = (message: string, facts: Record<string, number> = {}): ClusterError => new ClusterError('PIN_REFUSED', facts, { message })

/** True when the item's time is over. Zero and Unix 0 mean "never". */
export const isExpired = (pin: Pin, now: Time): boolean => !isZeroTime(pin.expireAt) && pin.expireAt !== 0 && pin.expireAt < now
