import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { encode, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { rawBlock } from '../../../../support/unixfs-blocks.ts'
import { testReader } from '../../../../support/dag-reader.ts'

const hex = (at: number): string => at.toString(16).toUpperCase().padStart(2, '0')

async function shard (links: Array<[name: string, block: Block]>): Promise<Block> {
  const unixfs = new UnixFS({ type: 'hamt-sharded-directory', fanout: 256n, hashType: 0x22n })
  const bytes = encode(prepare({
    Data: unixfs.marshal(), Links: links.map(([Name, { cid, bytes }]) => ({ Name, Hash: cid, Tsize: bytes.length }))
  }))
  return { bytes, cid: CID.createV1(0x70, await sha256.digest(bytes)) }
}

const leaf = await rawBlock('leaf')
const parts = await Promise.all(Array.from({ length: 200 }, async (_, at) => shard([[`00name ${at}`, leaf]])))
const root = await shard(parts.map((part, at) => [hex(at), part]))
const all = new Map([root, ...parts].map(({ cid, bytes }) => [cid.toString(), bytes]))

describe('listing a sharded directory that is elsewhere', () => {
  it('fetches many of its parts at a time, in order, and gives all entries', async () => {
    const coming = new Map<string, PromiseWithResolvers<void>>()
    const here = new Set([root.cid.toString()])
    let [most, rounds] = [0, 0]
    const prefetch = (cid: CID): Promise<void> | undefined => {
      const key = cid.toString()
      if (here.has(key)) return undefined
      const arrived = coming.get(key) ?? Promise.withResolvers<void>()
      coming.set(key, arrived)
      return arrived.promise
    }
    const get = async (cid: CID): Promise<Uint8Array> => {
      await prefetch(cid)
      return all.get(cid.toString()) as Uint8Array
    }
    const names: string[] = []
    const listed = (async () => {
      for await (const { name } of testReader.listEntries(await testReader.readNode(root.cid, get), get, { prefetch })) names.push(name)
    })()

    for (; names.length < parts.length && rounds < 1000; rounds++) {
      for (let turn = 0; turn < 3; turn++) await nextTurn()
      most = Math.max(most, coming.size)
      for (const [key, arrived] of coming) {
        coming.delete(key)
        here.add(key)
        arrived.resolve()
      }
      for (let turn = 0; turn < 3; turn++) await nextTurn()
    }
    await listed

    assert.deepEqual(names, parts.map((_, at) => `name ${at}`))
    assert.equal(most, 64)
    assert.ok(rounds < 40, `${rounds} round trips`)
  })
})
