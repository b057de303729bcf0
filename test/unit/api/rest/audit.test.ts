import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { otherPeer } from '../../../support/fake-cluster.ts'
import { cidFor } from '../../../support/pins.ts'
import { restPeer, textOf } from '../../../support/rest-peer.ts'

const json = (reply: Parameters<typeof textOf>[0]): any => JSON.parse(textOf(reply)) // answers are JSON

describe('/audit', () => {
  it('begins an audit, lists it and ends it', async () => {
    const { ask } = restPeer()

    const begun = json(await ask(`POST /audit?peer=${otherPeer}&sample=1%25&repair=false`))
    const ended = json(await ask('DELETE /audit'))

    assert.deepEqual([begun.id, begun.peer, begun.state, begun.by_itself, begun.ended_at], [1, otherPeer, 'running', false, null])
    assert.equal(ended.state, 'cancelled')
    assert.deepEqual(json(await ask('GET /audit')).map(({ id, state }: any) => [id, state]), [[1, 'cancelled']])
    assert.equal((await ask('DELETE /audit')).status, 404)
  })

  it('refuses what can not be meant', async () => {
    const { ask, cluster } = restPeer()
    const many = Array.from({ length: 1001 }, (_, at) => at.toString(36)).join(',')
    const queries = [
      'sample=0', 'sample=101', 'sample=0x10', 'sample=1e1', 'sample=%2B5', 'sample=%205', 'sample=5.', 'sample=Infinity', 'sample=%25',
      'sample=1%25%25', 'sample=-1', 'sample=1_0', 'sample=x', 'cids=x', 'cids=,', `cids=${cidFor('a')},`, 'peer=x', `cids=${cidFor('a')}&sample=1`, `cids=${many}`,
      'repair=yes', 'repair=maybe&sample=1'
    ]

    const statuses = await Promise.all(queries.map(async query => (await ask(`POST /audit?${query}`)).status))

    assert.deepEqual([statuses, cluster.auditRuns], [queries.map(() => 400), []])
  })

  for (const path of ['GET /audit/results?bad=maybe', 'GET /rebalance/plan?equal=maybe', 'GET /peers?missing=maybe', 'GET /pins?missing=maybe']) {
    it(`refuses what is neither true nor false: ${path}`, async () => {
      assert.equal((await restPeer().ask(path)).status, 400)
    })
  }

  it('takes the words for true and false that adding takes, and names a CID once', async () => {
    const { ask, cluster } = restPeer()
    const orders: unknown[] = []
    const { audit } = cluster
    cluster.audit = order => {
      orders.push(order)
      return audit.call(cluster, order)
    }

    await ask(`POST /audit?repair=1&cids=${cidFor('a')},${cidFor('a')}`)
    await ask('POST /audit?repair=F')

    assert.deepEqual(orders, [{ repair: true, cids: [cidFor('a')] }, { repair: false }])
  })

  it('streams the results, of all pins or of those that were incomplete', async () => {
    const { ask, cluster } = restPeer()
    const row = { peer: otherPeer, at: Date.UTC(2026, 2, 14), blocks: 3, bytes: 30, badBlocks: [], badCount: 0, repaired: 0, error: '' }
    cluster.auditRows = [
      { ...row, cid: cidFor('good'), state: 'good' }, { ...row, cid: cidFor('bad'), state: 'bad', badBlocks: ['x'], badCount: 1 }
    ]
    const lines = async (query: string): Promise<any[]> =>
      textOf(await ask(`GET /audit/results${query}`)).trim().split('\n').map(line => JSON.parse(line))

    assert.deepEqual((await lines('')).map(({ state }) => state), ['good', 'bad'])
    assert.deepEqual(await lines('?bad=true'), [{
      peer: otherPeer, cid: cidFor('bad').toString(), at: '2026-03-14T00:00:00Z', state: 'bad', blocks: 3, bytes: 30, bad_blocks: ['x'],
      bad_count: 1, repaired: 0, error: ''
    }])
  })
})
