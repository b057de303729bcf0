import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { refusingIpfs } from '../../../src/node/refusing-ipfs.ts'
import type { TestCluster } from '../../support/cluster/cluster-of.ts'
import { clusterOf } from '../../support/cluster/cluster-of.ts'
import { MemoryIpfs } from '../../support/cluster/memory-ipfs.ts'
import { uploadOf } from '../../support/cluster/text-importers.ts'
import { aCid, addParams, collect, options } from '../../support/cluster/values.ts'
import { denyLists } from '../../support/deny-lists.ts'
import { quietMs } from '../../support/poll.ts'

const opened: Array<{ close (): Promise<void> }> = []
after(async () => { for (const one of opened.toReversed()) await one.close() })

/** One peer whose list has these lines; its node refuses, too. */
async function open (...lines: string[]): Promise<TestCluster & {
  cluster: TestCluster['peers'][number]['cluster'], node: MemoryIpfs, deny (...rules: string[]): Promise<void>
}> {
  const lists = await denyLists(lines)
  const node = new MemoryIpfs('ipfs-peer')
  const made = await clusterOf(1, { deps: { denylist: lists.denylist, ipfs: refusingIpfs(node, lists.denylist) } })
  opened.push(lists, made)
  return {
    ...made,
    cluster: made.peerAt(0).cluster,
    node,
    deny: async (...rules) => {
      await lists.write('test.deny', rules)
      await lists.look()
    }
  }
}

describe('denied content in the cluster', { timeout: quietMs(20_000) }, () => {
  it('is not pinned, by its CID, by a path, or as the update of another pin; nothing is committed', async () => {
    const { cluster, pinset } = await open(`/ipfs/${aCid('bad')}`)
    await cluster.pin(aCid('good'), options())
    const { commits } = pinset
    const expected = { code: 'DENIED', message: `${aCid('bad')} is denied by test.deny:1` }

    await assert.rejects(cluster.pin(aCid('bad'), options()), expected)
    await assert.rejects(cluster.pinPath(`/ipfs/${aCid('bad')}`, options()), { code: 'DENIED' })
    await assert.rejects(cluster.pin(aCid('bad'), options({ pinUpdate: aCid('good') })), expected)

    assert.equal(pinset.commits, commits)
  })

  it('is not pinned by a path that is denied, whatever it leads to', async () => {
    const { cluster, node } = await open(`/ipfs/${aCid('root')}/bad`)
    node.paths.set(`/ipfs/${aCid('root')}/bad`, aCid('fine'))
    node.paths.set(`/ipfs/${aCid('root')}/good`, aCid('fine'))

    await assert.rejects(cluster.pinPath(`/ipfs/${aCid('root')}/bad/`, options()), { code: 'DENIED' })
    assert.equal(String((await cluster.pinPath(`/ipfs/${aCid('root')}/good`, options())).cid), String(aCid('fine')))
  })

  it('is not added, pinned or not, as a root or as a part; no pin is left', async () => {
    const { cluster, pinset, deny } = await open()
    await deny(`/ipfs/${aCid('1')}`, `/ipfs/${aCid('3')}`)

    for (const params of [addParams(), addParams({ noPin: true })]) {
      await assert.rejects(collect(cluster.add(uploadOf(['a', '2', '3']), params)), { code: 'DENIED' })
      await assert.rejects(
        collect(cluster.add(uploadOf(['a', '1', '2']), params)), { code: 'DENIED', message: `${aCid('1')} is denied by test.deny:1` }
      )
    }

    assert.equal(pinset.pins.size, 0)
    await collect(cluster.add(uploadOf(['a', '2']), addParams()))
  })

  it('is unpinned, by its CID and by a path, when it was pinned before', async () => {
    const { cluster, pinset, deny } = await open()
    await cluster.pin(aCid('one'), options())
    await cluster.pin(aCid('two'), options())
    await deny(`/ipfs/${aCid('one')}`, `/ipfs/${aCid('two')}`)

    await cluster.unpin(aCid('one'))
    await cluster.unpinPath(`/ipfs/${aCid('two')}`)

    assert.equal(pinset.pins.size, 0)
  })

  it('can be in the pinset by another peer: this one holds nothing of it', async () => {
    const { cluster, node, peers } = await open(`/ipfs/${aCid('bad')}`)

    await peers[0]?.consensus.put({ ...(await cluster.pin(aCid('good'), options())), cid: aCid('bad') })

    assert.equal(node.roots.has(aCid('bad').toString()), false)
    assert.equal(cluster.allocation(aCid('bad')).cid.toString(), aCid('bad').toString())
  })
})
