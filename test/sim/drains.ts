import { isClusterError } from '../../src/base/errors.ts'
import type { DrainOrder } from '../../src/cluster/cluster-api.ts'
import { defaultPinOptions, isEverywhere } from '../../src/model/pin.ts'
import { aPeerId } from '../support/cluster/values.ts'
import { cidFor } from '../support/pins.ts'
import { Copies } from './copies.ts'
import { Dice } from './dice.ts'
import type { SimSettings } from './settings.ts'
import { settingsOf } from './settings.ts'
import type { Run, SimPeer } from './sim-peer.ts'
import { endTrouble, makeTrouble } from './trouble.ts'
import { World } from './world.ts'

export interface DrainResult { seed: number, faults: string[], hash: string, durationMs: number, moved: number, pins: number }

const minuteMs = 60_000
const longestSettlingMs = 8 * 3_600_000

/**
 * What a drained world is like: everybody trusts everybody, and who is down keeps its allocations, as by default. Users don't touch pins
 * that move: of two changes at once the last wins.
 */
function drainSettings (seed: number): SimSettings {
  const plain = settingsOf(seed)
  const dice = new Dice(seed ^ 0xd2a1)
  const count = dice.whole(3, 6)
  const template = plain.peers[0] as SimSettings['peers'][number]
  const share = (most: number): number => dice.chance(0.6) ? dice.between(0, most) : 0
  return {
    ...plain,
    isOpen: true,
    peers: Array.from({ length: count }, (_, at) => ({
      ...plain.peers[at] ?? template, id: aPeerId(at), name: `peer${at}`, trustedPeers: '*', followerMode: false, joinsAt: 0, skewMs: 0,
      storageBytes: dice.whole(1, 5) * 1e9, group: dice.pick(['a', 'b', 'c'])
    })),
    trouble: {
      ...plain.trouble, earlyCrash: 0, rot: 0, streams: 0, standStill: 0, starve: 0,
      cut: share(0.15), isolate: share(0.05), crash: share(0.15), stop: share(0.04), ipfsDown: share(0.05), diskFull: share(0.04),
      split: share(0.04)
    },
    steps: dice.whole(20, 60),
    stepMs: dice.pick([2000, 10_000, 40_000]),
    removals: 0,
    collections: 0,
    replicationFactorMin: 1,
    replicationFactorMax: 2,
    disableRepinning: true,
    pinOnlyOnTrustedPeers: false
  }
}

/**
 * A drain in trouble, then peace: the minimum has every pin at every instant, and in the end the peer has none. Whole peers with some dozen
 * pins; `simulateLargeDrain` has thousands.
 */
export async function simulateDrain (seed: number, { print }: { print?: (line: string) => void } = {}): Promise<DrainResult> {
  const world = new World(drainSettings(seed), print)
  const copies = new Copies(world.peers.map(({ id, node, settings: { name } }) => ({ id, name, node })), what => { world.fault(what) })
  const startedAt = world.clock.now()
  for (const peer of world.peers) world.start(peer)
  await world.clock.advance(2 * minuteMs)
  const pins = await pinSome(world, copies)
  const drained = await drainInTrouble(world, copies)
  const moved = world.faults.length === 0 ? await settle(world, drained) : 0
  for (const peer of world.peers) world.stop(peer)
  await world.clock.advance(5 * minuteMs)
  return { seed, faults: world.faults, hash: world.trace.hash, durationMs: world.clock.now() - startedAt, moved, pins }
}

/** Items that are where they belong before the drain begins. */
async function pinSome (world: World, copies: Copies): Promise<number> {
  const { dice, clock, peers, network } = world
  const { faults } = network
  const ipfsFaults = { ...peers[0]?.ipfsFaults }
  for (const { ipfsFaults: now } of peers) Object.assign(now, { failures: 0, delayMs: 10 })
  network.faults = { delayMs: 50, loss: 0, duplication: 0 }
  const run = peers[0]?.run as Run
  const pins = dice.whole(10, 40)
  for (let at = 0; at < pins; at++) await inTime(world, async () => pinOne(world, run, `item ${at}`))
  for (let looks = 0; looks < 100 && copies.wanted.size < run.consensus.state.size() * 0.8; looks++) {
    await clock.advance(5000)
    for await (const batch of run.consensus.state.pins()) {
      for (const { cid, name, replicationFactorMin: min } of batch) {
        if (min > 0 && copies.count(cid) >= min) copies.wanted.set(cid.toString(), { name, min })
      }
    }
  }
  network.faults = faults
  for (const { ipfsFaults: now } of peers) Object.assign(now, ipfsFaults)
  return pins
}

async function pinOne ({ dice, peers, trace }: World, run: Run, name: string): Promise<void> {
  const min = dice.whole(1, peers.length - 1)
  const most = dice.chance(0.05) ? -1 : Math.min(peers.length, min + dice.whole(0, 2))
  trace.note(`pin ${name} ${most < 0 ? 'everywhere' : `${min} to ${most}`}`)
  const options = { ...defaultPinOptions(), name, replicationFactorMin: most < 0 ? -1 : min, replicationFactorMax: most }
  await run.cluster.pin(cidFor(name), options).catch(err => { if (!isClusterError(err)) throw err })
}

interface Drained { peer: SimPeer, by: SimPeer }

async function drainInTrouble (world: World, copies: Copies): Promise<Drained> {
  const { clock, dice, peers, settings, trace } = world
  const drained: Drained = { peer: dice.pick(peers), by: dice.pick(peers) }
  const limits: DrainOrder = dice.chance(0.3) ? { maxPinsPerSecond: dice.between(0.05, 2), atOnce: dice.whole(1, 4) } : {}
  await begin(world, drained, limits)
  for (let step = 0; step < settings.steps && world.faults.length === 0; step++) {
    makeTrouble(world)
    const run = drained.by.run
    if (run?.isReady === true && run.cluster.drains().length === 0) world.fault('a drain that was begun is gone')
    await act(world, copies, step)
    if (dice.chance(0.03) && drained.by.run?.isReady === true) {
      trace.note('the drain is cancelled, and begins again')
      await inTime(world, async () => { await drained.by.run?.cluster.cancelDrain(drained.peer.id) })
      await begin(world, drained, limits)
    }
    await clock.advance(dice.between(0, settings.stepMs))
  }
  return drained
}

/** A disk may be full, the power may go in the middle, the others may be out of sight: asks until the drain is there. */
async function begin (world: World, { peer, by }: Drained, limits: DrainOrder): Promise<void> {
  world.trace.note(`${by.settings.name} drains ${peer.settings.name}`)
  for (let tries = 0; tries < 500; tries++) {
    const { run } = by
    if (run?.isReady === true && await inTime(world, async () => { await run.cluster.drainPeer(peer.id, limits) })) return
    if (by.run?.isReady === true && by.run.cluster.drains().length > 0) return
    await world.clock.advance(10_000)
    if (tries === 30) world.network.cut.clear() // who sees too few others is refused
  }
  world.fault(`the drain could not be begun: ${lastRefusal}`)
}

/** For a look at what went wrong. */
let lastRefusal = ''

/** Lets time pass until it has ended; false when it failed, or did not end (the power went). */
async function inTime ({ clock }: World, act: () => Promise<void>): Promise<boolean> {
  let ended: boolean | undefined
  act().then(() => { ended = true }, err => {
    ended = false
    lastRefusal = String(err)
  })
  for (let at = 0; at < 100 && ended == null; at++) await clock.advance(500)
  return ended === true
}

/** Others go on: new pins by peers that may not have heard of the drain, and unpins. */
async function act (world: World, copies: Copies, step: number): Promise<void> {
  const { dice } = world
  const ready = world.ready()
  if (ready.length === 0) return
  const run = dice.pick(ready).run as Run
  if (dice.chance(0.3)) {
    await inTime(world, async () => pinOne(world, run, `new ${step}`))
  } else if (dice.chance(0.1) && copies.wanted.size > 0) {
    const [cid, { name }] = dice.pick([...copies.wanted])
    copies.wanted.delete(cid)
    await inTime(world, async () => { await run.cluster.unpin(cidFor(name)) })
  }
}

async function settle (world: World, drained: Drained): Promise<number> {
  const { clock, peers, trace } = world
  trace.note('peace')
  endTrouble(world)
  await clock.advance(11 * minuteMs)
  for (const peer of peers) if (peer.run == null) world.start(peer)
  const until = clock.now() + longestSettlingMs
  let left = ['no look yet']
  for (let quiet = 0; quiet < 3 && clock.now() < until && world.faults.length === 0;) {
    await clock.advance(minuteMs)
    left = await unsettled(world, drained)
    quiet = left.length === 0 ? quiet + 1 : 0
  }
  for (const what of left) world.fault(what)
  return left.length > 0 ? 0 : drained.by.run?.cluster.drainOf(drained.peer.id).moved ?? 0
}

/** What isn't yet as it shall be in the end. */
async function unsettled ({ peers }: World, { peer: gone, by }: Drained): Promise<string[]> {
  if (peers.some(({ run }) => run?.isReady !== true)) return ['a peer does not run']
  const drain = by.run?.cluster.drains()[0]
  if (drain?.state !== 'drained') return [`the drain is ${JSON.stringify(drain)}`]
  const left: string[] = []
  for (const { run, settings, node } of peers) {
    for await (const batch of run?.consensus.state.pins() ?? []) {
      for (const pin of batch) {
        if (isEverywhere(pin)) continue
        const { name, allocations, replicationFactorMin: min, replicationFactorMax: max } = pin
        if (allocations.includes(gone.id)) left.push(`${name} is allocated to the drained peer, says ${settings.name}`)
        if (allocations.length < min || allocations.length > max) {
          left.push(`${name} has ${allocations.length} allocations, allowed are ${min} to ${max}`)
        }
        if (allocations.includes(settings.id) && await node.pinStatus(pin) === 'unpinned') {
          left.push(`${name} is not on its holder ${settings.name}`)
        }
      }
    }
  }
  return left
}
