import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as dagPb from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { isClusterError } from '../../../../../src/base/errors.ts'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { plainBlockSet } from '../../../../../src/ipfs/helia/walk/block-set.ts'
import { plainStack } from '../../../../../src/ipfs/helia/walk/scratch.ts'
import { walkDag } from '../../../../../src/ipfs/helia/walk/walk.ts'
import { blockOf, identityCid } from '../../../../support/blocks.ts'
import { cborOf, dagPbCodec, nodeOf, textBlock } from '../../../../support/dags.ts'
import { quietMs } from '../../../../support/poll.ts'

const leaves = Array.from({ length: 5 }, (_, n) => textBlock(`leaf ${n}`))
const left = nodeOf([leaves[0]!.cid, leaves[1]!.cid], 'left')
const right = cborOf([leaves[1]!.cid, leaves[2]!.cid, left.cid], 'right')
const root = nodeOf([left.cid, right.cid, leaves[3]!.cid, leaves[3]!.cid], 'root')
const all = [...leaves.slice(0, 4), left, right, root]

/** Serves blocks from a list and notes what was asked for. */
function source (blocks: readonly Block[] = all): { get: (cid: CID) => Promise<Uint8Array>, asked: string[] } {
  const asked: string[] = []
  const byCid = new Map(blocks.map(block => [block.cid.toString(), block.bytes]))
  return {
    asked,
    get: async cid => {
      asked.push(cid.toString())
      const bytes = byCid.get(cid.toString())
      if (bytes == null) throw new Error(`no ${cid.toString()}`)
      return bytes
    }
  }
}

const names = (blocks: readonly Block[]): string[] => blocks.map(({ cid }) => cid.toString()).toSorted()

describe('walk through a DAG', () => {
  it('asks for each block once', async () => {
    const { get, asked } = source()

    await walkDag(root.cid, { depth: -1, get })

    assert.deepEqual(asked.toSorted(), names(all))
  })

  it('goes as deep as it is told', async () => {
    const depths = await Promise.all([0, 1, 2].map(async depth => {
      const { get, asked } = source()
      await walkDag(root.cid, { depth, get })
      return [...new Set(asked)].toSorted()
    }))

    assert.deepEqual(depths, [names([root]), names([root, left, right, leaves[3]!]), names(all)])
  })

  it('follows a block again when it is reached with more levels to go', async () => {
    const deep = nodeOf([leaves[4]!.cid], 'deep')
    const via = nodeOf([deep.cid], 'via')
    const top = nodeOf([via.cid, deep.cid], 'top')
    const { get, asked } = source([deep, via, top, leaves[4]!])

    await walkDag(top.cid, { depth: 2, get })

    assert.deepEqual([...new Set(asked)].toSorted(), names([deep, via, top, leaves[4]!]))
  })

  it('protects each block before it asks for it', async () => {
    const events: string[] = []
    const { get } = source()

    await walkDag(root.cid, {
      depth: -1,
      get: async cid => {
        assert.ok(events.includes(cid.toString()))
        return await get(cid)
      },
      guard: { protect: async cids => { events.push(...cids.map(String)) } }
    })

    assert.equal(new Set(events).size, all.length)
  })

  it('reports every block, and needs no bytes of leaves', async () => {
    const { get } = source([left, right, root])
    const seen: Array<[string, boolean]> = []

    await walkDag(root.cid, {
      depth: -1,
      get: async cid => cid.code === 0x55 ? undefined : await get(cid),
      onBlock: (cid, bytes) => seen.push([cid.toString(), bytes != null])
    })

    assert.equal(seen.length, all.length)
    assert.equal(seen.filter(([, hasBytes]) => hasBytes).length, 3)
  })

  it('looks into blocks that are their own address without asking for them', async () => {
    const inline = dagPb.encode({ Links: [{ Hash: leaves[0]!.cid, Name: '', Tsize: 1 }] })
    const cid = identityCid('', dagPbCodec)
    const inner = { ...cid, multihash: { ...cid.multihash, digest: inline } }
    const { get, asked } = source()

    await walkDag(inner as CID, { depth: -1, get })

    assert.deepEqual(asked, [leaves[0]!.cid.toString()])
  })

  it('takes the same bytes as leaf and as node for two things', async () => {
    const asRaw = blockOf(left.bytes)
    const top = nodeOf([asRaw.cid, left.cid], 'top')
    const { get, asked } = source([asRaw, top, ...all])

    await walkDag(top.cid, { depth: -1, get })

    assert.ok(asked.includes(leaves[0]!.cid.toString()))
  })

  it('asks for many at a time, but not for more than it may', async () => {
    const children = Array.from({ length: 300 }, (_, n) => textBlock(`child ${n}`))
    const wide = nodeOf(children.map(({ cid }) => cid), 'wide')
    const { get } = source([wide, ...children])
    let [running, most] = [0, 0]

    await walkDag(wide.cid, {
      depth: -1,
      concurrency: 40,
      get: async cid => {
        most = Math.max(most, ++running)
        await new Promise(resolve => setImmediate(resolve))
        running--
        return await get(cid)
      }
    })

    assert.equal(most, 40)
  })

  it('ends with the first error', async () => {
    const { get } = source([root, left])

    await assert.rejects(walkDag(root.cid, { depth: -1, get }), /^Error: no /)
  })

  it('says INVALID_DATA of a block that cannot be decoded', async () => {
    const broken = blockOf(Buffer.from('nonsense'), dagPbCodec)
    const { get } = source([broken])

    await assert.rejects(walkDag(broken.cid, { depth: -1, get }), err => isClusterError(err, 'INVALID_DATA'))
  })

  it('ends at once with the reason of the signal, even when a block never comes', async () => {
    const stop = new AbortController()

    const walk = walkDag(root.cid, { depth: -1, get: async () => new Promise<never>(() => {}), signal: stop.signal })
    stop.abort(new Error('enough'))

    await assert.rejects(walk, /enough/)
    await assert.rejects(walkDag(root.cid, { depth: -1, get: source().get, signal: stop.signal }), /enough/)
  })

  it('leaves alone what it has closed when a block comes after its end', async () => {
    const large = cborOf([left.cid], 'x'.repeat(9 * 1024 * 1024))
    const stop = new AbortController()
    const block = Promise.withResolvers<Uint8Array>()
    const calls: string[] = []
    const noted = <T extends object> (name: string, inner: T): T => new Proxy(inner, {
      get: (target, key) => {
        calls.push(`${name} ${String(key)}`)
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })

    const walk = walkDag(large.cid, {
      depth: -1, get: async () => block.promise, signal: stop.signal, onBlock: () => calls.push('onBlock'),
      scratch: {
        stack: () => noted('stack', plainStack()), blocks: () => noted('seen', plainBlockSet()), pendingBytes: () => 8 * 1024 * 1024
      }
    })
    await new Promise(resolve => setImmediate(resolve))
    stop.abort(new Error('enough'))
    await assert.rejects(walk, /enough/)
    const before = [...calls]
    block.resolve(large.bytes)
    await new Promise(resolve => setImmediate(resolve))

    assert.ok(before.includes('stack close') && before.includes('seen close'))
    assert.deepEqual(calls, before)
  })
})

describe('walk in little memory', () => {
  const program = fileURLToPath(new URL('../../../../support/walk-in-little-memory.ts', import.meta.url))
  const walked = async (shape: string): Promise<string> => (
    await promisify(execFile)(process.execPath, ['--max-old-space-size=45', program, shape], { timeout: quietMs(30_000) })
  ).stdout

  it('takes no more for 800,000 links that wait for absent blocks', async () => {
    assert.equal(await walked('wide'), '40 blocks, 32 leaves\n')
  })

  it('takes no more for a listing of them', async () => {
    assert.match(await walked('listing'), /^40 blocks, /)
  })

  it('takes no more for 100,000 levels with links to come back to', async () => {
    assert.equal(await walked('deep'), '100000 blocks, 100001 leaves\n')
  })
})
