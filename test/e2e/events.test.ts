import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ClusterClient } from '../../src/client/client.ts'
import { messagesOf } from '../../src/client/event-stream.ts'
import type { ClusterEvent, StreamMessage } from '../../src/client/event-stream.ts'
import { chunksOfStream } from '../../src/client/web-streams.ts'
import { ServiceClient } from '../../src/client/service/service-client.ts'
import { signatureOf } from '../../src/events/webhooks/webhook.ts'
import { patience, pollUntil, quietMs } from '../support/poll.ts'
import { serviceProcess } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'

/** A real peer whose events are read and sent. */
let service: ServiceProcess
let cluster: ClusterClient
let key: string
let receiver: Server
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
interface Received { path: string, types: string[], isSigned: boolean }
const received: Received[] = []

before(async () => {
  receiver = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const body = Buffer.concat(parts).toString()
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
      const isSigned = signature === signatureOf(secret, { id: String(id), timestamp: Number(timestamp), body })
      received.push({
        path: request.url ?? '', types: (JSON.parse(body) as { events: ClusterEvent[] }).events.map(({ type }) => type), isSigned
      })
      response.end()
    })
  })
  await new Promise<void>(resolve => { receiver.listen(0, '127.0.0.1', resolve) })
  const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  service = await serviceProcess({ registration: 'open', webhooks_private: true }, json => {
    json.api.webhooks = { urls: [`${hook}/cluster`], secret, events: ['pin.put', 'pin.status'], allow_private: true }
  })
  await service.start()
  cluster = new ClusterClient({ url: service.peer.url })
  key = await service.register('alice@example.com')
}, { timeout: quietMs(60_000) })

after(async () => {
  receiver?.closeAllConnections()
  receiver?.close()
  await service?.peer.remove()
})

describe('events of a real peer', { timeout: quietMs(60_000) }, () => {
  it('tell what becomes of a pin, in the cluster and to its owner', async () => {
    const heard: ClusterEvent[] = []
    const own: ClusterEvent[] = []
    const end = new AbortController()
    const client = new ServiceClient({ url: service.api, key })
    const listening = [
      (async () => {
        for await (const event of cluster.events({ after: 'oldest', signal: end.signal })) heard.push(event)
      })().catch(() => {}),
      (async () => { for await (const event of client.events({ after: 'oldest', signal: end.signal })) own.push(event) })().catch(() => {})
    ]
    const { cid } = await client.files.upload({ path: 'report.txt', content: 'a report' })
    const { requestid } = await client.pins.add({ cid, name: 'the report' })
    await pollUntil(
      () => own.some(({ type, data }) => type === 'file.status' && data.state === 'pinned')
        && own.some(({ type, data }) => type === 'pin.created' && data.requestid === requestid)
    )
    await pollUntil(() => heard.some(({ type, data }) => type === 'pin.status' && data.cid === cid && data.status === 'pinned'))
    await client.pins.delete(requestid)
    await client.files.delete(cid)
    await pollUntil(
      () => heard.some(({ type, data }) => type === 'pin.removed' && data.cid === cid)
        && heard.some(({ data }) => data.cid === cid && data.status === 'unpinned')
    )
    end.abort()
    await Promise.all(listening)

    assert.deepEqual(
      own.map(({ type }) => type).filter(type => /created|deleted/.test(type)),
      ['file.created', 'pin.created', 'pin.deleted', 'file.deleted']
    )
    assert.ok(heard.findIndex(({ type }) => type === 'pin.put') < heard.findIndex(({ type }) => type === 'pin.status'))
  })

  it('reach webhooks, signed', async () => {
    const client = new ServiceClient({ url: service.api, key })
    const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
    const made = await client.webhooks.create({ url: `${hook}/user`, types: ['file'] })
    await client.files.upload({ path: 'sent.txt', content: 'sent elsewhere' })
    await pollUntil(
      () => received.some(
        ({ path, types }) => path === '/user' && types.includes('file.created')
      ) && received.some(({ path }) => path === '/cluster')
    )

    const [configured] = await cluster.webhooks()
    assert.ok(
      received.filter(({ path }) => path === '/cluster').every(
        ({ isSigned, types }) => isSigned && types.every(type => type === 'pin.put' || type === 'pin.status')
      )
    )
    assert.deepEqual([configured?.failures, configured?.deliveries[0]?.status], [0, 200])
    assert.deepEqual([(await cluster.testWebhook(0)).status, (await client.webhooks.test(made.id)).status], [200, 200])
    assert.ok((await client.webhooks.deliveries(made.id)).length >= 2)
  })

  it('end at once when the peer stops, and go on after it: the owner\'s without a gap, the cluster\'s with a word about it', {
    timeout: quietMs(60_000)
  }, async () => {
    const client = new ServiceClient({ url: service.api, key })
    const places = { own: '', cluster: '' }
    const read = async (
      events: AsyncGenerator<ClusterEvent>, note: (id: string) => void
    ): Promise<void> => { for await (const { id } of events) note(id) }
    const listening = [
      read(client.events({ after: 'oldest' }), id => { places.own = id }).catch(() => {}),
      read(cluster.events({ after: 'oldest' }), id => { places.cluster = id }).catch(() => {})
    ]
    await pollUntil(() => places.own !== '' && places.cluster !== '')
    const stoppedAt = performance.now()
    assert.equal(await service.peer.end('SIGTERM'), 0)
    assert.ok(performance.now() - stoppedAt < 5000 * patience())
    await Promise.all(listening)

    await service.start()
    await client.files.upload({ path: 'after.txt', content: 'after the restart' })
    const own: string[] = []
    for await (const { type, data } of client.events({ after: places.own })) {
      own.push(`${type} ${String(data.name)}`)
      if (own.at(-1) === 'file.created after.txt') break
    }
    assert.ok(!own.some(one => one.includes('sent.txt') && one.startsWith('file.created')))
    const response = await fetch(`${service.peer.url}/events`, { headers: { 'last-event-id': places.cluster } })
    let first: StreamMessage | undefined
    for await (const message of messagesOf(chunksOfStream(response.body))) {
      first = message
      break
    }
    assert.equal(first?.kind === 'ready' && first.missed, true)
  })

  it('end when the key is revoked', async () => {
    const client = new ServiceClient({ url: service.api, key })
    const { id, api_key: other } = await client.account.createKey({ name: 'listens' })
    const response = await fetch(`${service.api}/api/v1/events`, { headers: { 'x-api-key': other } })
    const reader = response.body!.getReader()
    await reader.read()
    await client.account.revokeKey(id)
    let isOver = false
    while (!isOver) isOver = (await reader.read()).done

    assert.equal((await fetch(`${service.api}/api/v1/events`, { headers: { 'x-api-key': other } })).status, 403)
  })

  it('have the warnings of the log', async () => {
    const warnings = await cluster.warnings()

    assert.ok(Array.isArray(warnings))
    assert.ok(warnings.every(({ level, component, message }) => ['warn', 'error'].includes(level) && component !== '' && message !== ''))
  })
})
