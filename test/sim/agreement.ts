import type { PeerId } from '../../src/model/cid.ts'
import type { Pin } from '../../src/model/pin.ts'
import { isEverywhere, isRemote } from '../../src/model/pin.ts'
import { decodePin } from '../../src/wire/pin.ts'
import { cidOfPinKey, pinKey } from '../../src/wire/pin-key.ts'
import { jsonText, listedPins } from '../support/pins.ts'
import type { Inspection } from './inspection.ts'
import { cameBack, inspect, tips, valuesOf } from './inspection.ts'
import type { Run, SimPeer } from './sim-peer.ts'
import type { World } from './world.ts'

/** One peer as the checks see it. */
export interface Seen extends Inspection { peer: SimPeer, run: Run, pins: Pin[], json: string }

/** What still goes on; cheap, so that it can be asked often. */
export function unrest ({ peers, ledger }: World): string[] {
  return [
    ...ledger.pending().map(({ order }) => `wish ${order} was never answered`),
    ...peers.flatMap(({ run, settings: { name } }) => {
      if (run?.isReady !== true) return [`${name} does not run`]
      const { dirty, behind } = run.consensus.progress()
      const operations = Object.entries(run.tracker.operations()).filter(([, count]) => count > 0).map(([state]) => state)
      const silent = run.silence?.report().silent ?? []
      return [
        dirty ? 'is dirty' : '', behind ? 'is behind' : '',
        silent.length > 0 ? `hears nothing from ${silent.length} peers that are connected` : '',
        ...operations.map(state => `has operations: ${state}`)
      ].filter(fault => fault !== '').map(fault => `${name} ${fault}`)
    })
  ]
}

export async function lookAtAll (world: World): Promise<Seen[]> {
  return Promise.all(world.peers.map(async peer => {
    const run = peer.run
    if (run?.isReady !== true) throw new Error(`${peer.settings.name} does not run`)
    return {
      peer, run, ...await inspect(peer.pinsetDisk, world.blocks), pins: await listedPins(run.consensus.state),
      json: await jsonText(run.consensus.state)
    }
  }))
}

/** What the peers disagree about, with themselves or with each other. Nothing, once a world without faults has had time. */
export async function disagreements (world: World, all: readonly Seen[]): Promise<string[]> {
  const alone = await Promise.all(all.map(async seen => [
    ...storeFaults(seen), ...valueFaults(seen), ...allocationFaults(seen), ...await trackerFaults(seen)
  ].map(fault => `${seen.peer.settings.name}: ${fault}`)))
  return [...alone.flat(), ...flowFaults(all), ...syncFaults(world, all), ...expiryFaults(world, all)]
}

/** Heads are the true tips, nothing is missing, waits or is counted wrong. */
function storeFaults ({ store, blocks, run, pins, json }: Seen): string[] {
  const faults: string[] = []
  const { heads } = run.consensus.progress()
  if (String([...store.heads.keys()].toSorted()) !== String(tips(blocks))) faults.push('heads are not the tips of the DAG')
  if (heads.length !== store.heads.size) faults.push('heads in memory and on the disk differ')
  if (store.missing.size > 0) faults.push(`${store.missing.size} blocks are missing`)
  if (store.dirty) faults.push('the store is dirty')
  if (store.journaled.size > 0) faults.push(`${store.journaled.size} changes wait in the journal`)
  if (run.consensus.state.size() !== pins.length) faults.push(`the size is ${run.consensus.state.size()}, there are ${pins.length} pins`)
  if (json.split('\n').length - 1 !== pins.length) faults.push('rows and pins differ in number')
  return faults
}

/** The values are those that the blocks make. */
function valueFaults ({ store, blocks }: Seen): string[] {
  const values = valuesOf(blocks)
  const keys = new Set([...values.keys(), ...Array.from(blocks.values(), ({ delta }) => delta.tombstones.map(({ key }) => key)).flat()])
  return [...keys].flatMap(key => {
    const [is, shall] = [store.record(key).version?.value, values.get(key)]
    return is == null && shall == null
      ? []
      : is != null && shall != null && Buffer.compare(is, shall) === 0
      ? []
      : [`${key} is ${nameIn(key, is)} instead of ${nameIn(key, shall)}`]
  })
}

function nameIn (key: string, value: Uint8Array | undefined): string {
  const cid = cidOfPinKey(key)
  return value == null || cid == null ? 'nothing' : decodePin(value, cid).name
}

/** Within the factors, whatever became of removals of peers meanwhile; but what came back may be as it was in the middle of one. */
function allocationFaults ({ pins, blocks }: Seen): string[] {
  return pins.flatMap(pin => {
    const { replicationFactorMin: min, replicationFactorMax: max, allocations, name } = pin
    const count = new Set(allocations).size
    if (count !== allocations.length) return [`${name} is allocated twice to one peer`]
    if (isEverywhere(pin)) return count === 0 ? [] : [`${name} goes everywhere and has allocations`]
    return count < min || (count > max && !cameBack(blocks, pinKey(pin.cid)))
      ? [`${name} has ${count} allocations, allowed are ${min} to ${max}`]
      : []
  })
}

/** Every pin is pinned where it belongs, and only there, whatever crashes made it forget. */
async function trackerFaults ({ peer, run, pins }: Seen): Promise<string[]> {
  const statuses = new Map<string, string>()
  for await (const rows of run.tracker.statusAll(0)) for (const row of rows) statuses.set(row.cid.toString(), row.status)
  const faults = await Promise.all(pins.map(async pin => {
    const isOurs = !isRemote(pin, peer.id)
    const status = statuses.get(pin.cid.toString())
    const held = await peer.node.pinStatus(pin)
    if (status !== (isOurs ? 'pinned' : 'remote')) return [`${pin.name} is ${status}, but it is ${isOurs ? 'allocated here' : 'of others'}`]
    if (isOurs && held !== 'recursive' && (pin.maxDepth !== 0 || held !== 'direct')) {
      return [`${pin.name} counts as pinned and the node has it ${held}`]
    }
    return !isOurs && held !== 'unpinned' ? [`${pin.name} is of others and still held`] : []
  }))
  const wanted = pins.filter(pin => !isRemote(pin, peer.id)).length
  if (statuses.size !== pins.length) faults.push([`there are ${statuses.size} statuses and ${pins.length} pins`])
  const held = peer.node.pinCount()
  if (held < wanted || (held > wanted && !keepsStrangers(run))) faults.push([`the node holds ${held} roots, wanted are ${wanted}`])
  return faults.flat()
}

/**
 * An empty pinset without a head may come back from others, and a damaged one may have lost what its node still holds: such peers keep all
 * roots, on purpose.
 */
function keepsStrangers (run: Seen['run']): boolean {
  const { heads, damaged } = run.consensus.progress()
  return heads.length === 0 || damaged === true
}

/** What a peer has reaches all that trust it, directly or through others; those that hear of each other have the same pinset. */
function flowFaults (all: readonly Seen[]): string[] {
  const flows = flowsBetween(all)
  return all.flatMap(from => all.filter(to => to !== from && flows.has(`${from.peer.id}>${to.peer.id}`)).flatMap(to => {
    const names = `${from.peer.settings.name} and ${to.peer.settings.name}`
    const lost = [...from.blocks.keys()].filter(id => !to.blocks.has(id))
    if (lost.length > 0) return [`${names}: ${lost.length} blocks have not arrived`]
    return flows.has(`${to.peer.id}>${from.peer.id}`) && from.json !== to.json ? [`${names} have different pinsets`] : []
  }))
}

/** Whose changes reach whom, as "from>to". */
export function flowsBetween (all: readonly Seen[]): Set<string> {
  const ids = all.map(({ peer }) => peer.id)
  const flows = new Set<string>()
  for (const { peer: to } of all) for (const from of ids) if (trusts(to, from)) flows.add(`${from}>${to.id}`)
  for (const via of ids) {
    for (const from of ids) for (const to of ids) if (flows.has(`${from}>${via}`) && flows.has(`${via}>${to}`)) flows.add(`${from}>${to}`)
  }
  return flows
}

/** Where everybody trusts everybody, each peer knows of each that it hears that it has the same pinset. */
function syncFaults ({ settings }: World, all: readonly Seen[]): string[] {
  if (!settings.isOpen) return []
  return all.flatMap(({ peer, run }) => {
    const { own, peers } = run.cluster.sync()
    const others = peers.filter(({ state }) => state !== 'in_sync').map(({ peerName, state }) => `${peerName} is ${state}`)
    const faults = own == null ? ['its own pinset is not counted'] : others
    return faults.map(fault => `${peer.settings.name}: ${fault}`)
  })
}

/** Where everybody trusts everybody, somebody takes care of what is over its time. */
function expiryFaults ({ clock, settings }: World, all: readonly Seen[]): string[] {
  if (!settings.isOpen) return []
  const earliest = clock.now() + Math.min(...all.map(({ peer }) => peer.skewMs)) - 3 * settings.stateSyncIntervalMs
  return (all[0]?.pins ?? []).filter(({ expireAt }) => expireAt > 0 && expireAt < earliest).map(
    ({ name }) => `${name} is over its time and still there`
  )
}

const trusts = ({ settings: { trustedPeers } }: SimPeer, other: PeerId): boolean => trustedPeers === '*' || trustedPeers.includes(other)

/** A status that a peer asked all others for: it must be what they hold. Needs time to pass while it is answered. */
export async function globalStatusFaults ({ settings }: World, { run, pins }: Seen): Promise<string[]> {
  if (!settings.isOpen) return []
  const faults = await Promise.all(pins.map(async pin => {
    const { peerMap } = await run.cluster.status(pin.cid)
    const holders = isEverywhere(pin) ? [...peerMap.keys()] : pin.allocations
    return holders.filter(peer => peerMap.get(peer)?.status !== 'pinned').map(
      peer => `${pin.name} is ${peerMap.get(peer)?.status} on its holder in a global status`
    )
  }))
  return faults.flat()
}
