import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CID } from '../../../../src/model/cid.ts'
import type { HistoryRequest } from '../../../../src/network/history.ts'
import { historyWalk, walkDefaults } from '../../../../src/network/history/walk.ts'
import type { WalkInit } from '../../../../src/network/history/walk.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { headsOf, pinBlock, pinChain, randomDag, tipsOf } from '../../../support/crdt-dag.ts'
import { SeededRandom } from '../../../support/sim-clock.ts'

function walk (stored: readonly CrdtBlock[], request: Partial<HistoryRequest>, init: WalkInit = walkDefaults): string[] {
  const byCid = new Map(stored.map(({ cid, bytes }) => [cid.toString(), bytes]))
  const steps = [...historyWalk({ roots: [], known: [], ...request }, (cid: CID) => byCid.get(cid.toString()), init)]
  return steps.filter(block => block != null).map(({ cid }) => cid.toString())
}

const names = (blocks: readonly CrdtBlock[]): string[] => blocks.map(({ cid }) => cid.toString())

function ancestors (blocks: readonly CrdtBlock[], roots: readonly CID[]): Set<string> {
  const byCid = new Map(blocks.map(block => [block.cid.toString(), block]))
  const reached = new Set<string>()
  const rest = roots.map(String)
  for (let id = rest.pop(); id != null; id = rest.pop()) {
    if (reached.has(id)) continue
    reached.add(id)
    rest.push(...byCid.get(id)?.links.map(String) ?? [])
  }
  return reached
}

describe('a walk through the history', () => {
  it('gives a chain from its root down', () => {
    const blocks = pinChain(50, 'pin')

    assert.deepEqual(walk(blocks, { roots: headsOf(blocks[49]) }), names(blocks).toReversed())
  })

  it('gives each block of any DAG once, after all that link it, and none that is known', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new SeededRandom(seed)
      const blocks = randomDag(random, 60)
      const known = Array.from({ length: 3 }, () => blocks[Math.floor(random.float() * 50)]).filter(block => block != null)

      const given = walk(blocks, { roots: tipsOf(blocks), known: headsOf(...known) })

      const isKnown = ancestors(blocks, headsOf(...known))
      assert.deepEqual(given.toSorted(), names(blocks).filter(id => !isKnown.has(id)).toSorted(), `seed ${seed}`)
      const at = new Map(given.map((id, index) => [id, index]))
      for (const { cid, links } of blocks) {
        for (const link of links) assert.ok((at.get(link.toString()) ?? Infinity) > (at.get(cid.toString()) ?? -1), `seed ${seed}`)
      }
    }
  })

  it('does not walk below what is known', () => {
    const blocks = pinChain(1000, 'pin')
    let reads = 0
    const byCid = new Map(blocks.map(({ cid, bytes }) => [cid.toString(), bytes]))

    const steps = [...historyWalk({ roots: headsOf(blocks[999]), known: headsOf(blocks[996]) }, cid => {
      reads++
      return byCid.get(cid.toString())
    })]

    assert.equal(steps.length, 3)
    assert.ok(reads < 10)
  })

  it('ends branches at blocks that are not here, and goes on with others', () => {
    const hole = pinChain(5, 'hole')
    const whole = pinChain(5, 'whole')
    const top = pinBlock([hole.at(-1) as CrdtBlock, whole.at(-1) as CrdtBlock], 'top')

    const given = walk([...hole.slice(0, 2), ...hole.slice(3), ...whole, top], { roots: [top.cid] })

    assert.deepEqual(given.toSorted(), names([...hole.slice(3), ...whole, top]).toSorted())
  })

  it('passes over roots and known blocks that are not here', () => {
    assert.deepEqual(walk([], { roots: headsOf(...pinChain(3, 'a')), known: headsOf(...pinChain(2, 'b')) }), [])
  })

  it('keeps few bytes in memory', () => {
    const leaves = Array.from({ length: 20 }, (_, at) => pinBlock([], `leaf ${at}`))
    const top = pinBlock(leaves, 'top')

    const given = walk([top, ...leaves], { roots: [top.cid] }, { ...walkDefaults, keptBytes: 200 })

    assert.deepEqual(given.toSorted(), names([top, ...leaves]).toSorted())
  })

  it('ends where a DAG is too wide', () => {
    const leaves = Array.from({ length: 20 }, (_, at) => pinBlock([], `leaf ${at}`))
    const top = pinBlock(leaves, 'top')

    assert.equal(walk([top, ...leaves], { roots: [top.cid] }, { ...walkDefaults, maxWidth: 20 }).length, 21)
    assert.deepEqual(walk([top, ...leaves], { roots: [top.cid] }, { ...walkDefaults, maxWidth: 19 }), [top.cid.toString()])
  })
})
