import { isClusterError } from '../../src/base/errors.ts'
import type { CID } from '../../src/model/cid.ts'
import type { PinOptions } from '../../src/model/pin.ts'
import { defaultPinOptions } from '../../src/model/pin.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { cidFor } from '../support/pins.ts'
import { liveIds } from './inspection.ts'
import type { PutEntry, RemovalEntry } from './ledger.ts'
import type { Run, SimPeer } from './sim-peer.ts'
import type { World } from './world.ts'

/** What a user may be told instead of "done". */
const refusals = ['NOT_ENOUGH_PEERS', 'PIN_REFUSED', 'NOT_PINNED', 'NOT_READY', 'STORAGE_FULL', 'FOLLOWER_MODE'] as const
const isRefusal = (err: unknown): boolean => refusals.some(code => isClusterError(err, code))

/** A user asks some peer for something. */
export function act (world: World): void {
  const { dice } = world
  const ready = world.ready()
  if (ready.length === 0) return
  const peer = dice.pick(ready)
  const { run } = peer
  if (run == null) return
  world.lastAsked = peer
  const kind = dice.float()
  const work = kind < 0.65 ? pin(world, peer, run) : kind < 0.92 ? unpin(world, peer, run) : kind < 0.99 ? look(world, run) : removePeer(world, run)
  work.catch(err => world.fault(`an action fails: ${String(err)} ${(err as Error).stack}`))
}

const itemOf = ({ dice, settings }: World): CID => cidFor(`item ${dice.whole(1, settings.items)}`)

async function pin (world: World, peer: SimPeer, run: Run): Promise<void> {
  const cid = itemOf(world)
  const options = optionsOf(world, run)
  const entry = world.ledger.put(peer.id, pinKey(cid), options.expireAt > 0 || options.pinUpdate != null)
  world.trace.note(`pin ${entry.name} ${peer.settings.name} ${cid.toString()}`)
  try {
    await run.cluster.pin(cid, { ...options, name: entry.name })
  } catch (err) {
    return settle(world, entry, 'refused', err)
  }
  settle(world, entry, 'acknowledged')
  const told = world.told.get(run)?.changes.get(entry.key) ?? []
  if (!told.includes(entry.name) && !world.ledger.hasLater(entry)) world.fault(`${entry.name} was acknowledged before its change was told`)
}

async function unpin (world: World, peer: SimPeer, run: Run): Promise<void> {
  const cid = itemOf(world)
  const key = pinKey(cid)
  const ids = await liveIds(peer.pinsetDisk, key)
  if (peer.run !== run) return // the power went in this very moment
  const entry = world.ledger.removal(peer.id, key, ids)
  world.trace.note(`unpin ${entry.order} ${peer.settings.name} ${cid.toString()}`)
  const changes = world.told.get(run)?.changes
  const before = changes?.get(key)?.length ?? 0
  const wasThere = run.consensus.state.has(cid)
  try {
    await run.cluster.unpin(cid)
  } catch (err) {
    return settle(world, entry, 'refused', err)
  }
  settle(world, entry, 'acknowledged')
  const since = changes?.get(key)?.slice(before) ?? []
  if (wasThere && !since.includes(undefined) && !world.ledger.hasLater(entry)) world.fault(`removal ${entry.order} was acknowledged before its change was told`)
}

/** Somebody takes a peer out of the cluster; it may be told that this takes longer. */
async function removePeer (world: World, run: Run): Promise<void> {
  const gone = world.dice.pick(world.peers)
  world.trace.note(`remove ${gone.settings.name}`)
  world.removals++
  try {
    await run.cluster.removePeer(gone.id)
  } catch (err) {
    if (!['PEER_IN_USE', 'NOT_FOUND', 'INVALID_ARGUMENT'].some(code => isClusterError(err, code as 'NOT_FOUND')) && !isRefusal(err)) throw err
  }
}

/** Reads change nothing and end. */
async function look ({ dice }: World, run: Run): Promise<void> {
  try {
    if (dice.chance(0.5)) for await (const _ of run.cluster.statusAll(0)) { /* only to be answered */ }
    else for await (const _ of run.cluster.recoverAll()) { /* only to be answered */ }
  } catch (err) {
    if (!isClusterError(err, 'IPFS_ERROR') && !isClusterError(err, 'IPFS_UNAVAILABLE') && !isRefusal(err)) throw err
  }
}

function settle (world: World, entry: PutEntry | RemovalEntry, outcome: 'acknowledged' | 'refused', err?: unknown): void {
  entry.outcome = outcome
  world.trace.note(`${outcome} ${entry.order} ${err == null ? '' : String(err)}`)
  if (err != null && !isRefusal(err)) world.fault(`an unexpected refusal: ${String(err)} ${(err as Error).stack}`)
}

function optionsOf ({ dice, settings, peers }: World, run: Run): PinOptions {
  const options = defaultPinOptions()
  const most = dice.whole(1, peers.length)
  if (dice.chance(0.3)) Object.assign(options, { replicationFactorMin: dice.whole(1, most), replicationFactorMax: most })
  if (dice.chance(0.1)) Object.assign(options, { replicationFactorMin: -1, replicationFactorMax: -1 })
  if (dice.chance(0.15)) options.mode = 'direct'
  if (dice.chance(0.2)) options.userAllocations = [dice.pick(peers).id]
  if (dice.chance(0.05)) options.pinUpdate = cidFor(`item ${dice.whole(1, settings.items)}`)
  if (dice.chance(settings.expiring)) options.expireAt = run.clock.now() + dice.between(10_000, 600_000)
  return options
}
