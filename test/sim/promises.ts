import type { CrdtBlock } from '../../src/wire/crdt-block.ts'
import { decodePin } from '../../src/wire/pin.ts'
import { cidOfPinKey } from '../../src/wire/pin-key.ts'
import type { Seen } from './agreement.ts'
import { flowsBetween } from './agreement.ts'
import { undoneWishes } from './undone.ts'
import type { World } from './world.ts'

/** What users were told and doesn't hold at the end. */
export function brokenPromises (world: World, all: readonly Seen[]): string[] {
  const { ledger } = world
  const broken: string[] = []
  const written = namesIn(all.flatMap(({ blocks }) => [...blocks.values()]))
  const namesAt = new Map(all.map(({ peer, blocks }) => [peer.id, namesIn([...blocks.values()])]))
  for (const entry of ledger.puts) {
    const { name, peer, outcome, expires } = entry
    if (outcome === 'refused' && written.has(name)) broken.push(`${name} was refused and is in the DAG`)
    const mayBeReplaced = expires || ledger.hasLater(entry)
    if (outcome === 'acknowledged' && !mayBeReplaced && namesAt.get(peer)?.has(name) !== true) {
      broken.push(`${name} was acknowledged by ${world.nameOf(peer)} and is lost`)
    }
  }
  const flows = flowsBetween(all)
  for (const { name, peer } of ledger.puts) {
    for (const [other, names] of namesAt) {
      if (other !== peer && names.has(name) && !flows.has(`${peer}>${other}`)) {
        broken.push(`${name} of ${world.nameOf(peer)} came to ${world.nameOf(other)}, which does not trust it`)
      }
    }
  }
  for (const { order, peer, key, ids, outcome } of ledger.removals) {
    if (outcome !== 'acknowledged') continue
    const blocks = all.find(seen => seen.peer.id === peer)?.blocks ?? new Map<string, CrdtBlock>()
    const gone = new Set([...blocks.values()].flatMap(({ delta }) => delta.tombstones.filter(one => one.key === key).map(({ id }) => id)))
    if (!ids.every(id => gone.has(id))) broken.push(`removal ${order} was acknowledged by ${world.nameOf(peer)} and is lost`)
  }
  broken.push(...undoneWishes(world.blocks, world.inTheDark))
  return broken
}

function namesIn (blocks: readonly CrdtBlock[]): Set<string> {
  const names = new Set<string>()
  for (const { delta } of blocks) {
    for (const { key, value } of delta.elements) {
      const cid = cidOfPinKey(key)
      if (cid != null) names.add(decodePin(value, cid).name)
    }
  }
  return names
}
