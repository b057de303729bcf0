import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { silentLogger } from '../../../../../src/base/log.ts'
import { Provider } from '../../../../../src/ipfs/helia/network/provider.ts'
import type { ProvideWhat } from '../../../../../src/ipfs/helia/network/provider.ts'
import { rawBlock } from '../../../../support/unixfs-blocks.ts'
import { quietMs } from '../../../../support/poll.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const cids = await Promise.all(['root 1', 'root 2', 'below 1', 'new'].map(async text => (await rawBlock(text)).cid))
const [root1, root2, below1, fresh] = cids as [CID, CID, CID, CID]
const dayMs = 86_400_000

interface Scene { clock: SimClock, provider: Provider, announced: CID[], broken: Set<CID>, run: () => Promise<string> }

function scene (provide: ProvideWhat): Scene {
  const clock = new SimClock()
  const announced: CID[] = []
  const broken = new Set<CID>()
  const roots = [{ cid: root1, mode: 'recursive', depth: -1, since: 0 }, { cid: root2, mode: 'direct', depth: 0, since: 0 }] as const
  const provider = new Provider({ provide, reprovideIntervalMs: dayMs }, {
    roots: { list: async function * () { yield [...roots] }, has: () => true },
    allBlocks: async function * () { yield cids },
    walkLocal: async (root, { visit }) => { for (const cid of [root, below1]) await visit(cid) },
    network: {
      provide: async cid => {
        if (broken.has(cid)) throw new Error('no peers')
        announced.push(cid)
      }
    },
    networkReady: async () => {},
    clock,
    log: silentLogger
  })
  const worker = provider.worker()
  return { clock, provider, announced, broken, run: async () => worker.work(new AbortController().signal) }
}

describe('provider', () => {
  it('announces all roots once per interval', async () => {
    const { run, announced, clock } = scene('roots')

    await run()
    await run()
    const first = announced.splice(0)
    await clock.advance(dayMs)
    await run()

    assert.deepEqual(first, [root1, root2])
    assert.deepEqual(announced, [root1, root2])
  })

  it('announces a new root at once, and wakes up for it', async () => {
    const { run, announced, provider } = scene('roots')
    let wakes = 0
    provider.onWake(() => { wakes++ })
    await run()
    announced.length = 0

    provider.add(fresh)
    await run()

    assert.deepEqual(announced, [fresh])
    assert.equal(wakes, 1)
  })

  it('announces what is below recursive roots when told to', async () => {
    const { run, announced } = scene('pinned')

    await run()

    assert.deepEqual(announced, [root1, root2, root1, below1])
  })

  it('announces every block when told to', async () => {
    const { run, announced } = scene('all')

    await run()

    assert.deepEqual(announced, cids)
  })

  it('goes on after one that fails', async () => {
    const { run, announced, broken } = scene('roots')
    broken.add(root1)

    await run()

    assert.deepEqual(announced, [root2])
  })

  it('has 10,000 new roots wait, and leaves more to the next round', { timeout: quietMs(10_000) }, async () => {
    const { run, announced, provider } = scene('roots')
    await run()
    announced.length = 0
    const many = Array.from({ length: 10_001 }, (_, at) => CID.createV1(0x55, Digest.create(0, Buffer.from(String(at)))))

    for (const cid of many) provider.add(cid)
    await run()

    assert.deepEqual([announced.length, announced.some(cid => cid.equals(many[10_000]))], [10_000, false])
  })

  it('is off when told to', () => {
    const { provider } = scene('off')

    assert.equal(provider.isOn, false)
  })
})
