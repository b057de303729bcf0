import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeCluster, fakePeer, otherPeer } from '../../../support/fake-cluster.ts'
import { restPeerOf } from '../../../support/rest-peer.ts'

const json = (reply: { body: Buffer }): any => JSON.parse(reply.body.toString()) // shapes are what is tested

const stranger = '12D3KooWQnwEGNqcM2nAcPtRR9rAX8Hrg4k9kJLCHoTR5chJfz6d'
const cluster = (): FakeCluster => new FakeCluster({ peers: [fakePeer, otherPeer] })

describe('the routes of drains', () => {
  it('begin one with its limits, tell how far it is, list and end it', async () => {
    const { ask } = restPeerOf(cluster())

    const begun = json(await ask(`POST /peers/${otherPeer}/drain?max-pins-per-second=2.5&max-bytes-per-second=1000000&at-once=4`))
    const [asked, listed] = [json(await ask(`GET /peers/${otherPeer}/drain`)), json(await ask('GET /drains'))]
    const ended = await ask(`DELETE /peers/${otherPeer}/drain`)

    assert.deepEqual(begun, {
      peer: otherPeer, peername: 'peer0', state: 'draining', reason: '', since: begun.since, ended_at: null, pins: 0, left: 0, moved: 0,
      fewer: 0, in_transit: 0, stuck: 0, everywhere: 0, bytes: 0, left_ms: null,
      at_once: 4, max_pins_per_second: 2.5, max_bytes_per_second: 1000000
    })
    assert.match(begun.since, /^20\d\d-.*Z$/)
    assert.deepEqual([asked, listed], [begun, [begun]])
    assert.deepEqual([ended.status, (await ask(`GET /peers/${otherPeer}/drain`)).status, json(await ask('GET /drains'))], [200, 404, []])
  })

  it('refuse what is not right, and begin nothing', async () => {
    const fake = cluster()
    const { ask } = restPeerOf(fake)

    for (const query of ['at-once=many', 'at-once=-1', 'max-pins-per-second=-1', 'max-bytes-per-second=10MB', 'max-pins-per-second=1e9']) {
      assert.equal((await ask(`POST /peers/${otherPeer}/drain?${query}`)).status, 400, query)
    }
    for (const number of ['-1', '0', '1.5', '1025', 'many']) {
      const { message } = json(await ask(`POST /peers/${otherPeer}/drain?at-once=${number}`))
      assert.equal(message, 'at-once is a whole number from 1 to 1024', number)
    }
    assert.deepEqual(
      await Promise.all(
        [
          'POST /peers/nobody/drain', `GET /peers/${otherPeer}/drain`, `DELETE /peers/${otherPeer}/drain`
        ].map(async request => (await ask(request)).status)
      ),
      [400, 404, 404]
    )
    assert.equal((await ask(`POST /peers/${stranger}/drain`)).status, 404)
    assert.deepEqual(fake.drains(), [])
    assert.equal((await restPeerOf(new FakeCluster({ followerMode: true })).ask(`POST /peers/${fakePeer}/drain`)).status, 500)
  })
})

describe('the routes of a rebalance', () => {
  it('plan without doing, do, tell how far it is, and end it', async () => {
    const fake = cluster()
    const { ask } = restPeerOf(fake)
    const share = { peer: fakePeer, peername: 'peer0', capacity: 10e9, pins: 2, goal: 1, after: 1 }

    const none = await ask('GET /rebalance')
    const plan = json(await ask('GET /rebalance/plan?by=region,%20rack&equal=true'))
    const before = fake.changes.length
    const begun = json(await ask('POST /rebalance?at-once=2'))
    const twice = await ask('POST /rebalance')
    const ended = json(await ask('DELETE /rebalance'))

    assert.deepEqual([none.status, before, twice.status], [404, 0, 409])
    assert.deepEqual(plan, { peers: [share], pins: 2, count: 1, moves: [] })
    assert.deepEqual(begun, {
      state: 'moving', reason: '', since: begun.since, ended_at: null, planned: 1, moved: 0, failed: 0, in_transit: 1, at_once: 2,
      max_pins_per_second: 0, max_bytes_per_second: 0, peers: [share]
    })
    assert.deepEqual([ended.state, typeof ended.ended_at], ['cancelled', 'string'])
    assert.equal((await ask('GET /rebalance/plan?by=unknown')).status, 400)
  })
})
