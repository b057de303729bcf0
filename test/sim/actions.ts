import { isClusterError } from '../../src/base/errors.ts'
import type { PinOptions as ClientPinOptions } from '../../src/client/client.ts'
import type { CID } from '../../src/model/cid.ts'
import type { PinOptions } from '../../src/model/pin.ts'
import { defaultPinOptions } from '../../src/model/pin.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { aCid } from '../support/cluster/values.ts'
import { cidFor } from '../support/pins.ts'
import { liveIds } from './inspection.ts'
import type { PutEntry, RemovalEntry } from './ledger.ts'
import { queueMetadata } from './queues.ts'
import { isRough } from './rough.ts'
import type { Run, SimPeer } from './sim-peer.ts'
import { isCutOff, isRefusal } from './user.ts'
import type { World } from './world.ts'

/**
 * A user asks some peer for something; in some worlds another one asks another peer for something about the same item in the same moment.
 */
export function act (world: World): void {
  const { dice, settings } = world
  const peer = someoneAsked(world)
  if (peer?.run == null) return
  if (!happens(world, settings.twins)) return begin(world, doing(world, peer, peer.run))
  const shared = itemOf(world)
  for (const one of [peer, dice.pick(world.ready())]) if (one.run != null) begin(world, doing(world, one, one.run, shared))
}

function someoneAsked (world: World): SimPeer | undefined {
  const ready = world.ready()
  if (ready.length === 0) return undefined
  world.lastAsked = world.dice.pick(ready)
  return world.lastAsked
}

function begin (world: World, work: Promise<void>): void {
  work.catch(err => world.fault(`an action fails: ${String(err)} ${(err as Error).stack}`))
}

async function doing (world: World, peer: SimPeer, run: Run, item?: CID): Promise<void> {
  const { dice, settings } = world
  if (happens(world, settings.adds)) return upload(world, peer, run)
  if (happens(world, settings.collections)) return collect(world, peer, run)
  const kind = dice.float()
  if (kind >= 1 - settings.removals) return removePeer(world, run)
  return kind < 0.65 ? pin(world, peer, run, item) : kind < 0.92 ? unpin(world, peer, run, item) : look(world, run)
}

/** Draws nothing where it never happens, so that other worlds stay as they are. */
const happens = ({ dice }: World, share: number): boolean => share > 0 && dice.chance(share)

const itemOf = ({ dice, settings }: World): CID => cidFor(`item ${dice.whole(1, settings.items)}`)

async function pin (world: World, peer: SimPeer, run: Run, cid = itemOf(world)): Promise<void> {
  const options = optionsOf(world, run)
  const entry = world.ledger.put(peer.id, pinKey(cid), { expires: options.expireAt > 0 || options.pinUpdate != null })
  world.trace.note(`pin ${entry.name} ${peer.settings.name} ${cid.toString()}`)
  const metadata = queueMetadata(world.settings.seed, peer.settings.name)
  const wish = { ...wishOf(options), metadata, name: entry.name, signal: run.requests.signal }
  return put(world, run, entry, async () => { await run.user.pin(cid, wish) })
}

/** Content that is stored and pinned: some of it new, some as before. */
async function upload (world: World, peer: SimPeer, run: Run): Promise<void> {
  const text = `upload ${world.dice.whole(1, world.settings.items)}`
  const wish = { ...optionsOf(world, run), pinUpdate: null }
  const entry = world.ledger.put(peer.id, pinKey(aCid(text)), { expires: wish.expireAt > 0, isSlow: true })
  world.trace.note(`add ${entry.name} ${peer.settings.name} ${text}`)
  return put(world, run, entry, async () => {
    const options = { ...wishOf(wish), name: entry.name, signal: run.requests.signal }
    for await (const _ of run.user.add([{ path: 'file', content: text }], options)) { /* only to be stored */ }
  })
}

async function put (world: World, run: Run, entry: PutEntry, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (err) {
    return isOver(run, err) ? world.ledger.settle(entry, 'unknown') : settle(world, entry, 'refused', err)
  }
  settle(world, entry, 'acknowledged')
  const told = world.told.get(run)?.changes.get(entry.key) ?? []
  if (!told.includes(entry.name) && !world.ledger.hasLater(entry)) world.fault(`${entry.name} was acknowledged before its change was told`)
}

async function unpin (world: World, peer: SimPeer, run: Run, cid = itemOf(world)): Promise<void> {
  const key = pinKey(cid)
  const ids = await liveIds(peer.pinsetDisk, key)
  if (peer.run !== run) return // the power went in this very moment
  const entry = world.ledger.removal(peer.id, key, ids)
  world.trace.note(`unpin ${entry.order} ${peer.settings.name} ${cid.toString()}`)
  const changes = world.told.get(run)?.changes
  const before = changes?.get(key)?.length ?? 0
  const wasThere = run.consensus.state.has(cid)
  try {
    await run.user.unpin(cid, { signal: run.requests.signal })
  } catch (err) {
    return isOver(run, err) ? world.ledger.settle(entry, 'unknown') : settle(world, entry, 'refused', err)
  }
  settle(world, entry, 'acknowledged')
  const since = changes?.get(key)?.slice(before) ?? []
  if (wasThere && !since.includes(undefined) && !world.ledger.hasLater(entry)) {
    world.fault(`removal ${entry.order} was acknowledged before its change was told`)
  }
}

/** Somebody takes a peer out of the cluster; may be told that this takes longer, and may not wait for the answer. */
async function removePeer (world: World, run: Run): Promise<void> {
  const { dice, settings, clock } = world
  const gone = dice.pick(world.peers)
  const patience = new AbortController()
  world.trace.note(`remove ${gone.settings.name}`)
  world.hasRemovals = true
  if (isRough(settings.seed) && dice.chance(0.5)) {
    clock.after(dice.between(0, dice.pick([500, 12_000])), () => patience.abort(new Error('the user has left')))
  }
  try {
    await run.cluster.removePeer(gone.id, { signal: AbortSignal.any([patience.signal, run.requests.signal]) })
  } catch (err) {
    if (err === patience.signal.reason || isOver(run, err)) return
    if (!['PEER_IN_USE', 'NOT_FOUND', 'INVALID_ARGUMENT'].some(code => isClusterError(err, code as 'NOT_FOUND')) && !isRefusal(err)) {
      throw err
    }
  }
}

/** Whoever doesn't answer has an error in the row, and nobody waits for ever. */
async function collect (world: World, peer: SimPeer, run: Run): Promise<void> {
  world.trace.note(`collect ${peer.settings.name}`)
  try {
    const rows = await run.cluster.repoGc({ signal: run.requests.signal })
    world.trace.note(`collected ${Array.from(rows.values(), ({ keys, error }) => error === '' ? keys.length : 'failed').join(' ')}`)
  } catch (err) {
    if (!isOver(run, err)) throw err
  }
}

/** Reads change nothing and end. */
async function look ({ dice }: World, run: Run): Promise<void> {
  const { signal } = run.requests
  try {
    const rows = dice.chance(0.5) ? run.user.statuses({ signal }) : run.user.recoverAll({ signal })
    for await (const _ of rows) { /* only to be answered */ }
  } catch (err) {
    if (!isOver(run, err) && !isRefusal(err)) throw err
  }
}

/** The request ended with the peer. */
const isOver = ({ requests: { signal } }: Run, err: unknown): boolean => isCutOff(err) || (signal.aborted && err === signal.reason)

function settle (world: World, entry: PutEntry | RemovalEntry, outcome: 'acknowledged' | 'refused', err?: unknown): void {
  world.ledger.settle(entry, outcome)
  world.trace.note(`${outcome} ${entry.order} ${err == null ? '' : String(err)}`)
  if (err != null && !isRefusal(err)) world.fault(`an unexpected refusal: ${String(err)} ${(err as Error).stack}`)
}

/** The same as a client says it. */
function wishOf ({ expireAt, pinUpdate, ...options }: PinOptions): ClientPinOptions {
  return {
    ...options, ...(expireAt > 0 ? { expireAt: new Date(expireAt) } : {}), ...(pinUpdate == null ? {} : { pinUpdate })
  }
}

function optionsOf ({ dice, settings, peers }: World, run: Run): PinOptions {
  const options = defaultPinOptions()
  const most = dice.whole(1, peers.length)
  if (dice.chance(0.3)) Object.assign(options, { replicationFactorMin: dice.whole(1, most), replicationFactorMax: most })
  if (dice.chance(0.1)) Object.assign(options, { replicationFactorMin: -1, replicationFactorMax: -1 })
  if (dice.chance(0.15)) options.mode = 'direct'
  if (dice.chance(0.2)) options.userAllocations = [dice.pick(peers).id]
  if (dice.chance(settings.updates)) options.pinUpdate = cidFor(`item ${dice.whole(1, settings.items)}`)
  if (dice.chance(settings.expiring)) options.expireAt = run.clock.now() + dice.between(10_000, 600_000)
  return options
}
