import type { CrdtBlock } from '../../src/wire/crdt-block.ts'
import { blockKey } from '../../src/wire/crdt-block.ts'
import { decodePin } from '../../src/wire/pin.ts'
import { cidOfPinKey } from '../../src/wire/pin-key.ts'
import { valuesOf } from './inspection.ts'

/**
 * Blocks that write a name again, as peers do by themselves when they give a pin other holders, although the blocks before them say that
 * the item has another name by now or is gone: they undo a user's wish that their writer knew of, or could know of when the batch that they
 * were in was written. `inTheDark`: keys of blocks whose writers had not seen all that these stand on (a head is adopted before its
 * ancestors).
 */
export function undoneWishes (blocks: ReadonlyMap<string, CrdtBlock>, inTheDark: ReadonlySet<string>): string[] {
  const histories = historiesOf(blocks)
  const faults: string[] = []
  for (const [id, { delta }] of blocks) {
    if (inTheDark.has(id)) continue
    const history = histories.get(id) ?? new Map<string, CrdtBlock>()
    for (const { key, value } of delta.elements) {
      const name = nameOf(key, value)
      if (name == null || ![...history.values()].some(before => writes(before, key, name))) continue
      const present = nameOf(key, valuesOf(history).get(key))
      if (present !== name) faults.push(`a block writes ${name} again where ${present ?? 'nothing'} was known`)
    }
  }
  return faults
}

const writes = ({ delta }: CrdtBlock, key: string, name: string): boolean =>
  delta.elements.some(one => one.key === key && nameOf(key, one.value) === name)

function nameOf (key: string, value: Uint8Array | undefined): string | undefined {
  const cid = cidOfPinKey(key)
  return value == null || cid == null ? undefined : decodePin(value, cid).name
}

/** What each block was written on top of. Parents are always lower. */
function historiesOf (blocks: ReadonlyMap<string, CrdtBlock>): Map<string, Map<string, CrdtBlock>> {
  const histories = new Map<string, Map<string, CrdtBlock>>()
  for (const [id, { links }] of [...blocks].toSorted(([, a], [, b]) => a.delta.priority - b.delta.priority)) {
    const history = new Map<string, CrdtBlock>()
    for (const link of links) {
      const parent = blockKey(link)
      const block = blocks.get(parent)
      if (block != null) history.set(parent, block)
      for (const [key, older] of histories.get(parent) ?? []) history.set(key, older)
    }
    histories.set(id, history)
  }
  return histories
}
