import assert from 'node:assert/strict'
import { decode } from '@ipld/dag-pb'
import { murmur3128 } from '@multiformats/murmur3'
import { describe, it } from 'node:test'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import { createBlockMaker } from '../../../src/importer/block-maker.ts'
import { encodeHamt } from '../../../src/importer/hamt.ts'
import { murmur3 } from '../../../src/hash/murmur3.ts'
import { sha256Counter } from '../../support/add-vectors.ts'
import { hex } from '../../support/blocks.ts'

const maker = await createBlockMaker({ cidVersion: 1, hash: 'sha2-256' })
const leaf = maker.leaf(Buffer.from('x'))

function encode (names: string[]): { root: string, size: number, blocks: Map<string, Block> } {
  const blocks = new Map<string, Block>()
  const steps = encodeHamt(names.map(name => ({ name, cid: leaf.cid, dagSize: 1 })), bytes => {
    const block = maker.node(bytes)
    blocks.set(String(block.cid), block)
    return block
  })
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return { root: String(step.value.cid), size: step.value.dagSize, blocks }
}

/** All names, each checked to be where its hash says. */
function namesIn (blocks: Map<string, Block>, cid: string, path = ''): string[] {
  return decode(blocks.get(cid)?.bytes ?? new Uint8Array(0)).Links.flatMap(({ Name = '', Hash }) => {
    if (Name.length === 2) return namesIn(blocks, String(Hash), path + Name)
    assert.ok(hex(murmur3(Buffer.from(Name.slice(2)))).toUpperCase().startsWith(path + Name.slice(0, 2)))
    return [Name.slice(2)]
  })
}

describe('murmur3 x64-64', () => {
  it('gives the known values', () => {
    assert.equal(hex(murmur3(new Uint8Array(0))), '0000000000000000')
    assert.equal(hex(murmur3(Buffer.from('hello'))), 'cbd8a7b341bd9b02')
  })

  it('equals the half of x64-128 for every length of tail', async () => {
    const bytes = sha256Counter('murmur', 100)

    for (let length = 0; length <= bytes.length; length++) {
      const both = await murmur3128.encode(bytes.subarray(0, length))
      assert.equal(hex(murmur3(bytes.subarray(0, length))), hex(both.subarray(0, 8)))
    }
  })
})

describe('sharded directories', () => {
  const names = Array.from({ length: 3000 }, (_, i) => `ü-name-${i}`)

  it('holds every name where its hash says', () => {
    const { root, blocks } = encode(names)

    assert.deepEqual(namesIn(blocks, root).toSorted(), names.toSorted())
    assert.ok(blocks.size > 100)
  })

  it("doesn't depend on the order of the names", () => {
    assert.equal(encode(names.toReversed()).root, encode(names).root)
  })

  it('counts all blocks below into the size', () => {
    const { size, blocks } = encode(names)

    const bytes = [...blocks.values()].reduce((sum, block) => sum + block.bytes.length, 0)
    assert.equal(size, bytes + names.length)
  })

  it('refuses names whose whole hashes are equal', () => {
    assert.throws(() => encode(['same', 'same']), { code: 'INVALID_ARGUMENT', message: 'sharded directory too deep' })
  })
})
