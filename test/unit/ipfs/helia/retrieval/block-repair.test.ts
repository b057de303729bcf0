import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../../../../src/base/errors.ts'
import type { Worker } from '../../../../../src/base/worker.ts'
import { memoryBlockstore } from '../../../../support/memory-blockstore.ts'
import type { Blockstore } from '../../../../../src/blockstore/blockstore.ts'
import { damageRow } from '../../../../../src/datastore/datastore.ts'
import type { Datastore } from '../../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../../support/memory-datastore.ts'
import { blockRepair, checkCollectable } from '../../../../../src/ipfs/helia/retrieval/block-repair.ts'
import { isLeaf } from '../../../../../src/ipfs/helia/links/links.ts'
import { walkDag } from '../../../../../src/ipfs/helia/walk/walk.ts'
import { nodeOf, textBlock } from '../../../../support/dags.ts'
import { NotedLogger } from '../../../../support/noted-logger.ts'
import { quietMs } from '../../../../support/poll.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const signal = new AbortController().signal
const leaves = [textBlock('one'), textBlock('two')]
const root = nodeOf(leaves.map(({ cid }) => cid), 'root')

describe('repair of blocks after damage of the disk', { timeout: quietMs(10_000) }, () => {
  let blocks: Blockstore
  let lost: number
  let datastore: Datastore
  let log: NotedLogger
  let given: boolean
  let asked: string[]
  let worker: Worker

  beforeEach(async () => {
    const store = memoryBlockstore()
    await store.start(signal)
    lost = 0
    blocks = Object.assign(store, { lostBlocks: () => lost })
    datastore = memoryDatastore()
    await datastore.start(signal)
    log = new NotedLogger()
    given = true
    asked = []
    await blocks.put([root, ...leaves])
    worker = blockRepair({ requestTimeoutMs: 1000 }, {
      blockstore: blocks,
      datastore,
      local: { roots: { list: async function * () { yield [{ cid: root.cid, depth: -1 }] } } as never, walk: walkDag, isLeaf },
      fetcher: {
        fetch: async (cid, { untilNobody }) => {
          assert.equal(untilNobody, true, 'what nobody has must not hold up what others have')
          asked.push(cid.toString())
          const block = leaves.find(one => one.cid.equals(cid))
          if (!given || block == null) throw new Error('nobody has it')
          await blocks.put([block])
          return block.bytes
        }
      },
      holders: { connected: async () => [], allConnected: async () => {} },
      networkReady: async () => {},
      clock: new SimClock(),
      log
    })
  })

  it('looks at nothing as long as nothing is lost', async () => {
    await worker.work(signal)

    assert.deepEqual([asked, log.lines.length], [[], 0])
    assert.doesNotThrow(() => checkCollectable(datastore))
  })

  it('fetches what pinned content lacks, once', async () => {
    await blocks.delete([leaves[1]!.cid])
    lost = 1

    await worker.work(signal)
    await worker.work(signal)

    assert.deepEqual(asked, [leaves[1]!.cid.toString()])
    assert.equal(blocks.has(leaves[1]!.cid), true)
    assert.equal(log.warnings().length, 1)
  })

  it('tries again as long as nobody has it, also after a restart, and says so', async () => {
    await blocks.delete([leaves[0]!.cid])
    lost = 1
    given = false

    await worker.work(signal)
    lost = 0
    given = true
    await worker.work(signal)

    assert.equal(blocks.has(leaves[0]!.cid), true)
    assert.ok(log.warnings().some(([message]) => message.includes('incomplete')))
  })

  it('lets nothing be collected after damage of the table of roots, before all pins were looked through', async () => {
    await datastore.write([{ key: damageRow, value: Buffer.from('{}') }])

    assert.throws(() => checkCollectable(datastore), err => isClusterError(err, 'NOT_READY'))
    await worker.work(signal)
    assert.doesNotThrow(() => checkCollectable(datastore))
  })
})
