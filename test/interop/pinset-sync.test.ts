import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../support/poll.ts'
import { missing } from './go-peer.ts'
import { mixedCluster, type MixedCluster } from './mixed-cluster.ts'

/** An identity CID, which every node has. */
const cidFor = (text: string): string => `f015500${text.length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`

describe('pinsets of Go and Node peers in one cluster', { skip: missing('ipfs-cluster-service', 'ipfs-cluster-ctl', 'ipfs') }, () => {
  let cluster: MixedCluster
  before(async () => {
    cluster = await mixedCluster(['go', 'node', 'node'])
    for (const index of [0, 1, 2]) await cluster.start(index)
    await cluster.settled()
  })
  after(async () => cluster.remove())

  const json = async (index: number, path: string, method = 'GET'): Promise<any> => (
    await fetch(`${cluster.at(index).url}${path}`, { method })
  ).json()
  const sync = async (index: number): Promise<any> => json(index, '/health/sync')
  const inSync = async (index: number): Promise<boolean> => (await sync(index)).peers.length === 2
    && (await sync(index)).peers.every(({ state }: any) => state === 'in_sync')

  it('have one digest on the Node peers, whoever wrote the pins; of the Go peer the heads tell', async () => {
    for (const index of [0, 1, 2]) {
      for (const text of ['one', 'two', 'three'])
        await json(index, `/pins/${cidFor(`${text} ${index}`)}?name=${text}&meta-by=${index}`, 'POST')
    }
    await cluster.agreement({ holds: ({ pins }) => pins.length === 9 })
    await json(0, `/pins/${cidFor('one 1')}?name=changed`, 'POST')
    await fetch(`${cluster.at(0).url}/pins/${cidFor('two 2')}`, { method: 'DELETE' })
    await cluster.agreement({ holds: ({ pins }) => pins.length === 8 })

    await pollUntil(async () => await inSync(1) && await inSync(2), { withinMs: 60_000, what: 'all in sync' })

    const [one, other] = [await sync(1), await sync(2)]
    assert.deepEqual([one.own.pins, one.own.digest], [8, other.own.digest])
    assert.deepEqual(one.peers.find(({ peer }: any) => peer === cluster.id(0)).by, 'heads')
    await pollUntil(
      async () => (await sync(1)).peers.find(({ peer }: any) => peer === cluster.id(2)).digest === one.own.digest,
      { withinMs: 30_000, what: 'the digest as the other peer tells it' }
    )
  })

  it('find no difference between Node peers, and say so of a Go peer that it can not be asked', async () => {
    const path = (a: number, b: number): string => `/health/diff/${cluster.id(a)}/${cluster.id(b)}`

    assert.deepEqual((await json(1, path(1, 2))).pins, [])
    assert.equal((await fetch(`${cluster.at(1).url}${path(1, 0)}`)).status, 400)
  })

  it('disturb nothing on the Go peer: it lists the metric among others, and stays well', async () => {
    const names = await json(0, '/monitor/metrics')
    const metrics = await json(0, '/monitor/metrics/pinset')

    assert.ok(names.includes('pinset'))
    assert.deepEqual(metrics.map(({ peer }: any) => peer).toSorted(), [cluster.id(1), cluster.id(2)].toSorted())
    assert.deepEqual(await json(0, '/health/alerts'), [])
    const pinned = await json(0, `/pins/${cidFor('allocated by go')}?replication=2`, 'POST')
    assert.equal(pinned.allocations.length, 2)
  })
})
