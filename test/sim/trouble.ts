import { ClusterError } from '../../src/base/errors.ts'
import { endSetClocks, setClocks } from './clocks.ts'
import type { SimPeer } from './sim-peer.ts'
import { endStalls, makeStalls } from './stalls.ts'
import type { World } from './world.ts'

/** How long something that was taken away stays away. Milliseconds. */
const longestAwayMs = 600_000

/** How long a partition of sides lasts at most: pings expire after a minute. Milliseconds. */
const longestSplitMs = 1_800_000
/** How soon after a start an early power cut comes. Milliseconds. */
const earlyMs = 180_000

/** What goes wrong between two actions. Everything comes back by itself, some of it late. */
export function makeTrouble (world: World): void {
  const { dice, network, peers, settings: { trouble } } = world
  if (dice.chance(trouble.cut)) cut(world, dice.pick(peers), dice.pick(peers))
  if (dice.chance(trouble.isolate)) isolate(world, dice.pick(peers))
  if (dice.chance(trouble.heal)) network.cut.clear()
  if (dice.chance(trouble.crash)) powerCut(world, victim(world))
  if (dice.chance(trouble.stop)) restart(world, dice.pick(peers))
  if (dice.chance(trouble.ipfsDown)) takeNodeDown(world, dice.pick(peers))
  if (dice.chance(trouble.diskFull)) fillDisk(world, dice.pick(peers))
  if (trouble.split > 0 && dice.chance(trouble.split)) split(world)
  makeStalls(world)
  setClocks(world)
}

/** A start in a time of trouble: the power may go while the peer still gets what the others have. */
export function startInTrouble (world: World, peer: SimPeer): void {
  const { clock, dice, settings: { trouble } } = world
  world.start(peer)
  if (world.isPeace || trouble.earlyCrash === 0 || !dice.chance(trouble.earlyCrash)) return
  clock.after(dice.between(0, dice.pick([2000, 20_000, earlyMs])), () => { if (!world.isPeace) powerCutNow(world, peer) })
}

/** From now on nothing is wrong: all peers run, hear each other and have working nodes and disks. */
export function endTrouble (world: World): void {
  const { network, peers } = world
  world.isPeace = true
  network.cut.clear()
  for (const cancel of network.walls.values()) cancel()
  network.walls.clear()
  network.faults = { delayMs: 50, loss: 0, duplication: 0 }
  network.history.faults = { ...network.history.faults, delayMs: 50, breaks: 0, standstills: 0 }
  endStalls(world)
  endSetClocks(world)
  for (const peer of peers) {
    peer.node.down = undefined
    peer.pinsetDisk.full = false
    peer.ipfsFaults.failures = 0
    peer.ipfsFaults.delayMs = 500
  }
}

function cut ({ network, trace }: World, from: SimPeer, to: SimPeer): void {
  if (from === to) return
  trace.note(`cut ${from.settings.name} > ${to.settings.name}`)
  network.cut.add(`${from.id}>${to.id}`)
}

function isolate (world: World, peer: SimPeer): void {
  for (const other of world.peers) {
    cut(world, peer, other)
    cut(world, other, peer)
  }
}

/** Two sides that don't hear each other for long, or one of them not the other. Everybody goes on writing. */
function split ({ clock, dice, network, peers, trace }: World): void {
  const left = peers.filter(() => dice.chance(0.5))
  const right = peers.filter(peer => !left.includes(peer))
  const isOneWay = dice.chance(0.3)
  const ways = left.flatMap(
    one => right.flatMap(other => isOneWay ? [`${one.id}>${other.id}`] : [`${one.id}>${other.id}`, `${other.id}>${one.id}`])
  )
  if (ways.length === 0) return
  const wall = new Set(ways)
  trace.note(
    `split ${left.map(({ settings }) => settings.name).join()}${isOneWay ? ' >' : ''} | ${right.map(({ settings }) => settings.name).join()}`
  )
  network.walls.set(wall, clock.after(dice.between(1, longestSplitMs), () => {
    trace.note('a split ends')
    network.walls.delete(wall)
  }))
}

/** Rather those for whom it matters: who has just been asked for something, or waits for a branch. */
function victim ({ dice, peers, lastAsked }: World): SimPeer {
  const behind = peers.filter(({ run }) => run?.isReady === true && run.consensus.progress().behind)
  return dice.pick([dice.pick(peers), lastAsked ?? dice.pick(peers), behind.length > 0 ? dice.pick(behind) : dice.pick(peers)])
}

/** Soon, not now: in the middle of whatever the next actions begin. */
function powerCut (world: World, peer: SimPeer): void {
  const { clock, dice, settings: { diskDelayMs, stepMs } } = world
  clock.after(dice.between(0, dice.pick([0, 2 * diskDelayMs, stepMs])), () => powerCutNow(world, peer))
}

function powerCutNow (world: World, peer: SimPeer): void {
  if (peer.run == null) return
  world.crash(peer)
  startLater(world, peer)
}

function restart (world: World, peer: SimPeer): void {
  if (peer.run?.isReady !== true || peer.run.clock.isHindered) return
  world.stop(peer)
  startLater(world, peer)
}

/** A restarted machine has the right time more often than before. */
function startLater (world: World, peer: SimPeer): void {
  const { clock, dice } = world
  clock.after(dice.between(1, dice.pick([1000, longestAwayMs])), () => {
    if (peer.run != null) return
    if (dice.chance(0.3)) peer.skewMs = 0
    rotMaybe(world, peer)
    startInTrouble(world, peer)
  })
}

/** Only blocks that a running peer would give back may go: a peer that trusts none of those has to keep its own. */
function rotMaybe ({ dice, peers, settings: { trouble }, trace }: World, peer: SimPeer): void {
  if (trouble.rot === 0 || !dice.chance(trouble.rot)) return
  const givers = peers.filter(
    other => other !== peer && (peer.settings.trustedPeers === '*' || peer.settings.trustedPeers.includes(other.id))
  )
  const rows = peer.rot(record => givers.some(other => other.pinsetDisk.has(record)))
  trace.note(`rot ${peer.settings.name} ${rows} rows`)
}

function takeNodeDown ({ clock, dice, trace }: World, peer: SimPeer): void {
  trace.note(`ipfs down ${peer.settings.name}`)
  peer.node.down = new ClusterError('IPFS_UNAVAILABLE', {}, { message: 'connection refused' })
  clock.after(dice.between(1, longestAwayMs), () => { peer.node.down = undefined })
}

function fillDisk ({ clock, dice, trace }: World, peer: SimPeer): void {
  trace.note(`disk full ${peer.settings.name}`)
  peer.pinsetDisk.full = true
  clock.after(dice.between(1, longestAwayMs), () => { peer.pinsetDisk.full = false })
}
