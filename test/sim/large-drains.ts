import type { DrainOrder } from '../../src/cluster/cluster-api.ts'
import type { PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import { defaultPinOptions } from '../../src/model/pin.ts'
import { aPeerId } from '../support/cluster/values.ts'
import { cidFor, pinFor } from '../support/pins.ts'
import { Dice } from './dice.ts'
import type { LightPeer } from './light-peer.ts'
import { LightWorld } from './light-world.ts'

/** `losses`: copies that were given up, at each of which the minimum was looked for. */
export interface LargeDrainResult { seed: number, faults: string[], hash: string, durationMs: number, losses: number }

const minuteMs = 60_000
const longestStepMs = 5000
const mostSteps = 1000
const longestSettlingMs = 24 * 60 * minuteMs

/** A drain as it was ordered. */
interface Drain { drained: LightPeer, by: LightPeer, limits: DrainOrder }

/** A pin that the first peer and perhaps others hold. */
function pinOn (ids: readonly PeerId[], name: string, dice: Dice): Pin {
  const min = dice.pick([1, 1, 2, ids.length - 1])
  const max = Math.min(ids.length, min + dice.pick([0, 0, 1]))
  const [first, ...others] = ids as [PeerId, ...PeerId[]]
  const holders = others.toSorted(() => dice.float() - 0.5).slice(0, dice.whole(min, max) - 1)
  return { ...pinFor(name, { replicationFactorMin: min, replicationFactorMax: max }), allocations: [first, ...holders] }
}

/**
 * A drain of a peer that holds `pins` pins, in trouble and then in peace, in a world of light peers: the minimum has every pin at every
 * instant, and in the end the peer has none and every holder has what it shall have.
 */
export async function simulateLargeDrain (
  seed: number, { pins = 10_000, print }: { pins?: number, print?: (line: string) => void } = {}
): Promise<LargeDrainResult> {
  const dice = new Dice(seed ^ 0x1a46e)
  const ids = Array.from({ length: dice.pick([3, 3, 4, 5]) }, (_, at) => aPeerId(at))
  const world = new LightWorld({ ids, pinset: Array.from({ length: pins }, (_, at) => pinOn(ids, `item ${at}`, dice)), print }, dice)
  const { clock, trace, copies, faults, peers } = world
  const drain: Drain = {
    drained: peers[0] as LightPeer, by: dice.pick(peers), limits: dice.chance(0.5) ? {} : { atOnce: dice.pick([8, 16, 100]) }
  }
  const users = dice.chance(0.6) ? dice.between(0, 0.5) : 0
  const startedAt = clock.now()
  await world.start()
  await begin(world, drain)
  for (let step = 0; step < mostSteps && faults.length === 0 && !isOver(drain); step++) {
    world.makeTrouble()
    if (dice.chance(users)) await act(world, step)
    await clock.advance(dice.between(0, longestStepMs))
  }
  if (faults.length === 0) await settle(world, drain)
  await world.end()
  trace.note(`${copies.losses} copies were given up`)
  return { seed, faults, hash: trace.hash, durationMs: clock.now() - startedAt, losses: copies.losses }
}

/** Who sees too few others for now, or has no room, is asked again. */
async function begin (world: LightWorld, { by, drained, limits }: Drain): Promise<void> {
  world.trace.note(`${by.name} drains ${drained.name}`)
  for (let tries = 0; tries < 100; tries++) {
    if (await world.inTime(async () => { await by.run?.cluster.drainPeer(drained.id, limits) })) return
    await world.clock.advance(10_000)
  }
  world.fault('the drain could not be begun')
}

/** The trouble shall last while there is something to move. */
function isOver ({ by, drained }: Drain): boolean {
  if (by.run?.isReady !== true) return false
  const drain = by.run.cluster.drains().find(({ peer }) => peer === drained.id)
  return drain == null || drain.state === 'drained'
}

/** Others go on: new pins by peers that may not have heard of the drain, and unpins. Users don't touch pins that move. */
async function act (world: LightWorld, step: number): Promise<void> {
  const { dice, copies } = world
  const { run } = dice.pick(world.peers)
  if (run?.isReady !== true) return
  if (dice.chance(0.7)) {
    const options = { ...defaultPinOptions(), name: `new ${step}`, replicationFactorMin: 1, replicationFactorMax: dice.whole(1, 2) }
    await world.inTime(async () => { await run.cluster.pin(cidFor(options.name), options) })
    return
  }
  const name = `item ${dice.whole(0, copies.wanted.size - 1)}`
  if (!copies.wanted.delete(cidFor(name).toString())) return
  await world.inTime(async () => { await run.cluster.unpin(cidFor(name)) })
}

async function settle (world: LightWorld, drain: Drain): Promise<void> {
  const { clock, faults } = world
  await world.makePeace()
  const until = clock.now() + longestSettlingMs
  let left = ['no look yet']
  while (left.length > 0 && clock.now() < until && faults.length === 0) {
    await clock.advance(2 * minuteMs)
    left = unsettled(world, drain)
  }
  for (const what of left.slice(0, 10)) world.fault(what)
}

/** What isn't yet as it shall be in the end. */
function unsettled ({ peers }: LightWorld, { drained, by }: Drain): string[] {
  if (peers.some(({ run }) => run?.isReady !== true)) return ['a peer does not run']
  const drain = by.run?.cluster.drains()[0]
  if (drain?.state !== 'drained') return [`the drain is ${JSON.stringify(drain)}`]
  const left: string[] = []
  for (const { replica, node, id, name: peerName } of peers) {
    for (const { cid, name, allocations, replicationFactorMin: min, replicationFactorMax: max } of [...replica.pins()].flat()) {
      if (allocations.includes(drained.id)) left.push(`${name} is allocated to the drained peer, says ${peerName}`)
      if (allocations.length < min || allocations.length > max) {
        left.push(`${name} has ${allocations.length} allocations, allowed are ${min} to ${max}`)
      }
      if (allocations.includes(id) && !node.roots.has(cid.toString())) left.push(`${name} is not on its holder ${peerName}`)
    }
  }
  return left
}
