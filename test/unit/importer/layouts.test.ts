import assert from 'node:assert/strict'
import { decode } from '@ipld/dag-pb'
import { describe, it } from 'node:test'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import { createBlockMaker } from '../../../src/importer/block-maker.ts'
import type { FilePart } from '../../../src/importer/file-node.ts'
import type { Layout } from '../../../src/importer/layouts.ts'
import { BalancedLayout, TrickleLayout } from '../../../src/importer/layouts.ts'

const maker = await createBlockMaker({ cidVersion: 1, hash: 'sha2-256' })

interface Built { root: FilePart | undefined, leaves: string[], nodes: Map<string, Block>, created: Block[] }

function build (count: number, layoutOf: (make: (bytes: Uint8Array) => Block) => Layout): Built {
  const nodes = new Map<string, Block>()
  const created: Block[] = []
  const layout = layoutOf(bytes => {
    const block = maker.node(bytes)
    nodes.set(String(block.cid), block)
    created.push(block)
    return block
  })
  const leaves: string[] = []
  for (let i = 0; i < count; i++) {
    const { cid, bytes } = maker.leaf(Buffer.from(String(i)))
    leaves.push(String(cid))
    layout.add({ cid, fileSize: bytes.length, dagSize: bytes.length })
  }
  return { root: layout.finish(), leaves, nodes, created }
}

/** A tree as nested arrays of leaves. */
type Shape = string | Shape[]

function shapeOf ({ nodes }: Built, cid: string): Shape {
  const node = nodes.get(cid)
  return node == null ? cid : decode(node.bytes).Links.map(({ Hash }) => shapeOf({ nodes } as Built, String(Hash)))
}

const leavesOf = (shape: Shape): string[] => typeof shape === 'string' ? [shape] : shape.flatMap(leavesOf)
const depthsOf = (shape: Shape, depth = 0): number[] =>
  typeof shape === 'string' ? [depth] : shape.flatMap(child => depthsOf(child, depth + 1))
const widthsOf = (shape: Shape): number[] => typeof shape === 'string' ? [] : [shape.length, ...shape.flatMap(widthsOf)]

describe('the balanced layout', () => {
  for (
    const [count, depth, rootWidth] of [
      [1, 0, 0], [2, 1, 2], [174, 1, 174], [175, 2, 2], [174 * 174, 2, 174], [174 * 174 + 1, 3, 2]
    ] as const
  ) {
    it(`puts ${count} leaves in order at depth ${depth}`, () => {
      const built = build(count, make => new BalancedLayout(make))

      const shape = shapeOf(built, String(built.root?.cid))
      assert.deepEqual(leavesOf(shape), built.leaves)
      assert.deepEqual(new Set(depthsOf(shape)), new Set([depth]))
      assert.equal(typeof shape === 'string' ? 0 : shape.length, rootWidth)
      assert.ok(widthsOf(shape).every(width => width <= 174))
    })
  }

  it('makes children before parents and the root last', () => {
    const { created, root } = build(400, make => new BalancedLayout(make))

    const seen = new Set<string>()
    for (const { cid, bytes } of created) {
      for (const { Hash } of decode(bytes).Links) assert.ok(Hash.code === 0x55 || seen.has(String(Hash)))
      seen.add(String(cid))
    }
    assert.equal(String(created.at(-1)?.cid), String(root?.cid))
  })

  it('has no root without leaves and starts anew after each file', () => {
    const layout = new BalancedLayout(bytes => maker.node(bytes))
    const leaf = { cid: maker.leaf(Buffer.from('x')).cid, fileSize: 1, dagSize: 1 }
    const roots = [0, 3, 1, 3].map(count => {
      for (let i = 0; i < count; i++) layout.add(leaf)
      return layout.finish()
    })

    assert.equal(roots[0], undefined)
    assert.equal(roots[2], leaf)
    assert.deepEqual(roots[1], roots[3])
  })
})

describe('the trickle layout', () => {
  it('puts a single leaf under a root', () => {
    const built = build(1, make => new TrickleLayout(make))

    assert.deepEqual(shapeOf(built, String(built.root?.cid)), built.leaves)
  })

  it('repeats subtrees of each depth four times', () => {
    const built = build(174 + 4 * 174 + 174 * 5 + 1, make => new TrickleLayout(make))

    const shape = shapeOf(built, String(built.root?.cid))
    assert.deepEqual(leavesOf(shape), built.leaves)
    assert.ok(Array.isArray(shape))
    const subtrees = shape.slice(174)
    assert.deepEqual(subtrees.map(subtree => Math.max(...depthsOf(subtree))), [1, 1, 1, 1, 2, 1])
    assert.equal(subtrees[4]?.length, 174 + 4)
  })
})
