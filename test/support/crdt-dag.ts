import type { Random } from '../../src/base/clock.ts'
import type { CID } from '../../src/model/cid.ts'
import { blockKey, encodeCrdtBlock } from '../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../src/wire/crdt-block.ts'
import type { DeltaElement, DeltaTombstone } from '../../src/wire/delta.ts'
import { encodePin } from '../../src/wire/pin.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { cidFor, pinFor } from './pins.ts'

/** A block as another peer would write it, with one pin. */
export function pinBlock (parents: readonly CrdtBlock[], text: string, name = text): CrdtBlock {
  return blockOver(parents, { elements: [{ key: pinKey(cidFor(text)), value: encodePin(pinFor(text, { name })) }], tombstones: [] })
}

/** Blocks of which each links the one before. */
export function pinChain (length: number, text: string): CrdtBlock[] {
  const blocks: CrdtBlock[] = []
  for (let at = 0; at < length; at++) blocks.push(pinBlock(blocks.slice(-1), `${text} ${at}`))
  return blocks
}

export const headsOf = (...blocks: ReadonlyArray<CrdtBlock | undefined>): CID[] => blocks.flatMap(block => block == null ? [] : [block.cid])

/** A DAG with many writers: branches, few keys with many versions, voids of what is there and of what isn't, one key twice in a block. */
export function randomDag (random: Random, size: number): CrdtBlock[] {
  const pick = (below: number): number => Math.floor(random.float() * below)
  const blocks: CrdtBlock[] = []
  for (let at = 0; at < size; at++) {
    const parents = new Set(Array.from({ length: 1 + pick(3) }, () => blocks[Math.max(0, at - 1 - pick(6))]).filter(block => block != null))
    const elements: DeltaElement[] = Array.from({ length: pick(4) }, () => element(`key ${pick(8)}`, `version ${at} ${pick(3)}`))
    const tombstones: DeltaTombstone[] = Array.from({ length: pick(3) }, () => {
      const block = blocks[pick(at)]
      const { key } = block?.delta.elements[0] ?? element(`key ${pick(8)}`, '')
      return { key, id: block == null ? '/no-block' : blockKey(block.cid) }
    })
    const block = blockOver([...parents], { elements, tombstones })
    if (!blocks.some(({ cid }) => cid.equals(block.cid))) blocks.push(block)
  }
  return blocks
}

/** The blocks that no other links. */
export function tipsOf (blocks: readonly CrdtBlock[]): CID[] {
  const linked = new Set(blocks.flatMap(({ links }) => links.map(String)))
  return blocks.filter(({ cid }) => !linked.has(cid.toString())).map(({ cid }) => cid)
}

const element = (text: string, name: string): DeltaElement => ({ key: pinKey(cidFor(text)), value: encodePin(pinFor(text, { name })) })

function blockOver (parents: readonly CrdtBlock[], changes: { elements: DeltaElement[], tombstones: DeltaTombstone[] }): CrdtBlock {
  const priority = 1 + Math.max(0, ...parents.map(({ delta }) => delta.priority))
  return encodeCrdtBlock({ ...changes, priority }, parents.map(({ cid }) => cid))
}
