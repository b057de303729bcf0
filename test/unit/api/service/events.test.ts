import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, it } from 'node:test'
import { eventRoutes } from '../../../../src/api/service/v1/events.ts'
import { webhookRoutes } from '../../../../src/api/service/v1/webhooks.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { messagesOf } from '../../../../src/client/event-stream.ts'
import type { StreamMessage } from '../../../../src/client/event-stream.ts'
import { chunksOfStream } from '../../../../src/client/web-streams.ts'
import { EventRing } from '../../../../src/events/event-ring.ts'
import { openApiPath } from '../../../../src/http/routing/openapi.ts'
import { pollUntil } from '../../../support/poll.ts'
import type { ServedRoutes } from '../../../support/service-callers.ts'
import { servedRoutes } from '../../../support/service-callers.ts'

const rings = new Map<string, EventRing>()
const ringOf = (user: string): EventRing => {
  const ring = rings.get(user) ?? new EventRing({ maxEvents: 100, maxReaders: 2 }, { clock: systemClock })
  rings.set(user, ring)
  return ring
}
const routes = eventRoutes({ events: { follow: (user, options) => ringOf(user).follow(options) }, clock: systemClock })
let served: ServedRoutes

before(async () => { served = await servedRoutes(routes) })
after(async () => { await served.close() })

async function listening (key: string, query = '', headers: Record<string, string> = {}) {
  const end = new AbortController()
  const response = await fetch(`${served.url}/api/v1/events${query}`, { headers: { 'x-api-key': key, ...headers }, signal: end.signal })
  const messages: StreamMessage[] = []
  const done = (async () => {
    for await (const message of messagesOf(chunksOfStream(response.body))) messages.push(message)
  })().catch(() => {})
  const types = (): string[] => messages.flatMap(message => message.kind === 'event' ? [message.event.type] : [])
  return {
    response, messages, types,
    stop: async () => {
      end.abort()
      await done
    }
  }
}

it('streams the caller\'s own events', async () => {
  const [alice, bob] = [await listening('alice'), await listening('bob')]
  ringOf('alice').add('file.created', { cid: 'a' })
  ringOf('bob').add('file.deleted', { cid: 'b' })
  await pollUntil(() => alice.types().length > 0 && bob.types().length > 0)

  assert.deepEqual([alice.types(), bob.types()], [['file.created'], ['file.deleted']])
  assert.deepEqual(
    [alice.response.headers.get('content-type'), alice.response.headers.get('cache-control')], ['text/event-stream', 'no-store']
  )
  await Promise.all([alice.stop(), bob.stop()])
})

it('goes on behind Last-Event-ID, or behind what the query says', async () => {
  const ring = ringOf('alice')
  const place = String(ring.last)
  ring.add('pin.created', {})
  ring.add('pin.status', {})
  for (
    const [query, headers] of [['', { 'last-event-id': place }], [`?after=${place}`, {}], ['?after=1', { 'last-event-id': place }]] as const
  ) {
    const reader = await listening('alice', query, headers)
    await pollUntil(() => reader.types().length >= 2)
    assert.deepEqual([reader.types(), reader.messages[0]?.kind], [['pin.created', 'pin.status'], 'ready'])
    await reader.stop()
  }
})

it('tells a key only what it may read', async () => {
  const ring = ringOf('alice')
  const all = ['file.created', 'pin.status', 'task.status']
  const limited = await listening('alice:account:read')
  const pins = await listening('alice:account:read', '?types=pin,file.created')
  for (const type of all) ring.add(type, {})
  await pollUntil(() => limited.types().length > 0)
  await pollUntil(() => pins.messages.some(({ kind }) => kind === 'place'))

  assert.deepEqual([limited.types(), pins.types()], [['task.status'], []])
  assert.equal((await listening('alice:files:read')).response.status, 403)
  await Promise.all([limited.stop(), pins.stop()])
})

it('refuses types that no event has, and says which there are', async () => {
  const response = await fetch(`${served.url}/api/v1/events?types=file,pni`, { headers: { 'x-api-key': 'alice' } })

  assert.equal(response.status, 400)
  assert.match(await response.text(), /no event is of type .*pni.*: types are file, pin, task, file\.created/)
})

it('answers 429 when there are too many listeners, and forgets those who have gone', async () => {
  const ring = ringOf('bob')
  await pollUntil(() => ring.readers === 0)
  const readers = [await listening('bob'), await listening('bob')]
  const refused = await listening('bob')
  assert.equal(refused.response.status, 429)

  for (const reader of readers) await reader.stop()
  await pollUntil(() => ring.readers === 0)
})

it('ends at once where nobody wants to wait, and answers HEAD', { timeout: 30_000 }, async () => {
  for (const [method, query] of [['GET', '?wait=false&after=oldest'], ['HEAD', '']] as const) {
    const response = await fetch(`${served.url}/api/v1/events${query}`, { method, headers: { 'x-api-key': 'alice' } })
    const text = await response.text()
    assert.deepEqual(
      [response.status, response.headers.get('content-type'), text.includes('event: ready')], [200, 'text/event-stream', method === 'GET']
    )
  }
  await pollUntil(() => ringOf('alice').readers === 0)
})

it('has every route in docs/reference/service.md', () => {
  const text = readFileSync('docs/reference/service.md', 'utf8')
  const all = [...routes, ...webhookRoutes({} as Parameters<typeof webhookRoutes>[0])]

  assert.deepEqual(
    all.map(({ method, path }) => `${method} \`${openApiPath(path)}`).filter(
      one => !text.includes(one) && !text.includes(one.replace(/^(\w+) `/, '`$1 '))
    ),
    []
  )
})
