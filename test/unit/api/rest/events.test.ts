import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../../../src/base/system.ts'
import type { Watching } from '../../../../src/api/rest/rest-api.ts'
import { ClusterClient } from '../../../../src/client/client.ts'
import type { ClusterEvent } from '../../../../src/client/client.ts'
import { EventRing } from '../../../../src/events/event-ring.ts'
import type { ConfiguredWebhook } from '../../../../src/events/webhooks/configured-webhooks.ts'
import { pollUntil } from '../../../support/poll.ts'
import { FakeCluster } from '../../../support/fake-cluster.ts'
import { quietWatching, restPeerOf, textOf } from '../../../support/rest-peer.ts'

const json = (reply: { body: Buffer }): any => JSON.parse(reply.body.toString()) // shapes are what is tested
const delivery = { deliveryId: '0-x.1', at: 0, attempt: 2, events: 3, type: 'alert', status: null, error: 'away', tookMs: 12 }
const webhook: ConfiguredWebhook = {
  id: 0, url: 'https://example.com/', types: [], failures: 2, nextTryAt: 1000, missed: false, deliveries: [delivery]
}

const served = async (watching: Watching) => {
  const { api } = restPeerOf(new FakeCluster(), { listen: ['/ip4/127.0.0.1/tcp/0'] }, watching)
  await api.start(new AbortController().signal)
  const port = /\/tcp\/(\d+)$/.exec(api.addresses()[0] ?? '')?.[1]
  return { api, client: new ClusterClient({ url: `http://127.0.0.1:${port}` }) }
}

describe('events of the REST API', () => {
  it('stream to the client, which goes on where it was', async () => {
    const watching = quietWatching()
    const { api, client } = await served(watching)
    const end = new AbortController()
    const heard: ClusterEvent[] = []
    const listening = (async () => {
      for await (const event of client.events({ after: 'oldest', types: ['pin', 'alert'], signal: end.signal })) heard.push(event)
    })().catch(() => {})
    await pollUntil(() => watching.feed.readers > 0)
    for (const type of ['pin.put', 'peer.up', 'alert']) watching.feed.add(type, { n: 1 })
    await pollUntil(() => heard.length === 2)
    end.abort()
    await listening
    watching.feed.add('pin.removed', {})

    assert.deepEqual(heard.map(({ type, data }) => [type, data]), [['pin.put', { n: 1 }], ['alert', { n: 1 }]])
    for await (const event of client.events({ after: heard.at(-1)?.id ?? '' })) {
      assert.equal(event.type, 'pin.removed')
      break
    }
    await pollUntil(() => watching.feed.readers === 0)
    await api.stop()
  })

  it('are refused in the words of the API when too many listen', async () => {
    const watching: Watching = { ...quietWatching(), feed: new EventRing({ maxEvents: 1, maxReaders: 0 }, { clock: systemClock }) }
    const reply = await restPeerOf(new FakeCluster(), {}, watching).ask('GET /events')

    assert.deepEqual([reply.status, json(reply)], [429, { code: 429, message: 'too many listeners' }])
  })

  it('are refused when the types or the wait are none, and name what there is', async () => {
    const { ask } = restPeerOf(new FakeCluster())
    const replies = await Promise.all(['types=pni', 'types=pin,pin.putt', 'types=pi', 'wait=no'].map(async query => ask(`GET /events?${query}`)))

    assert.deepEqual(replies.map(({ status }) => status), [400, 400, 400, 400])
    assert.match(json(replies[0] as { body: Buffer }).message, /^no event is of type "pni": types are pin, peer, alert, .*peer\.drain/)
    for (const query of ['types=pin.status', 'types=+pin+,,alert', 'types=&wait=F']) {
      assert.equal((await ask(`GET /events?wait=false&${query}`)).status, 200, query)
    }
  })

  it('want credentials where there are any', async () => {
    const { ask } = restPeerOf(new FakeCluster(), { basicAuth: new Map([['alice', 'wonderland']]) })

    for (const path of ['GET /events', 'GET /webhooks', 'GET /health/warnings', 'POST /webhooks/0/test']) {
      assert.equal((await ask(path)).status, 401, path)
    }
  })
})

describe('warnings and webhooks of the REST API', () => {
  it('tell the last hour\'s warnings', async () => {
    const warning = {
      level: 'warn', component: 'crdt', message: 'behind <a>', facts: { peer: 'x' }, firstAt: 0, lastAt: 1500, count: 2
    } as const
    const { ask } = restPeerOf(new FakeCluster(), {}, { ...quietWatching(), warnings: { list: () => [warning] } })

    assert.deepEqual(json(await ask('GET /health/warnings')), [{
      level: 'warn', component: 'crdt', message: 'behind <a>', facts: { peer: 'x' }, first_at: '1970-01-01T00:00:00Z',
      last_at: '1970-01-01T00:00:01.5Z', count: 2
    }])
  })

  it('tell how the webhooks go, and try them', async () => {
    const tested: number[] = []
    const webhooks = {
      list: () => [webhook],
      test: async (id: number) => {
        tested.push(id)
        return { ...delivery, status: 200, error: null }
      }
    }
    const { ask } = restPeerOf(new FakeCluster(), {}, { ...quietWatching(), webhooks })

    const [known] = json(await ask('GET /webhooks'))
    assert.deepEqual(
      [known.id, known.url, known.failures, known.next_try_at, known.deliveries[0].delivery_id, known.deliveries[0].error],
      [0, 'https://example.com/', 2, '1970-01-01T00:00:01Z', '0-x.1', 'away']
    )
    assert.equal(json(await ask('POST /webhooks/0/test')).status, 200)
    for (const id of ['1', 'x', '00', '-0']) assert.equal((await ask(`POST /webhooks/${id}/test`)).status, 404, id)
    assert.deepEqual(tested, [0])
  })

  it('have none where none are configured', async () => {
    const { ask } = restPeerOf(new FakeCluster())

    assert.equal(textOf(await ask('GET /webhooks')), '[]\n')
    assert.equal((await ask('POST /webhooks/0/test')).status, 404)
  })
})
