import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import type { Deliver, DeliveryRequest } from '../../src/events/webhooks/webhook.ts'
import { signatureOf } from '../../src/events/webhooks/webhook.ts'
import { userEvents } from '../../src/service/events/sql-user-events.ts'
import { webhooks as sqlWebhooks } from '../../src/service/events/sql-webhooks.ts'
import type { UserEvents, UserEventType } from '../../src/service/events/user-events.ts'
import type { Webhooks } from '../../src/service/events/webhooks.ts'
import { JumpingClock } from '../support/jumping-clock.ts'
import { pollUntil } from '../support/poll.ts'
import { eachDatabase } from '../support/service-database.ts'
import type { TestPeer } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const signal = new AbortController().signal
const withCode = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
const url = 'https://example.com/hook'

interface Sent { url: string, id: string, types: string[], request: DeliveryRequest }

/** The promises of `Webhooks`. */
eachDatabase('webhooks contract', databases => {
  const ending: Array<() => unknown> = []
  afterEach(async () => { for (const end of ending.splice(0).toReversed()) await end() })

  async function webhooksOf (
    peer: TestPeer, deliver: Deliver, { privateAllowed = false, events }: { privateAllowed?: boolean, events: UserEvents }
  ): Promise<Webhooks> {
    const hooks = sqlWebhooks({ privateAllowed }, {
      ...peer, deliver, random: systemRandom, lookup: (_name, _options, done) => { done(null, [{ address: '93.184.215.14', family: 4 }]) }
    })
    await events.start(signal)
    await hooks.start(signal)
    ending.push(async () => {
      await hooks.stop()
      await events.stop()
    })
    return hooks
  }

  async function withWebhooks ({ answer = () => 200 as number | null, clock = new JumpingClock() } = {}) {
    const peer = await databases.open({ clock })
    const sent: Sent[] = []
    const deliver: Deliver = async request => {
      const { id, events } = JSON.parse(request.body) as { id: string, events: Array<{ type: string }> }
      sent.push({ url: request.url.href, id, types: events.map(({ type }) => type), request })
      const status = answer()
      return { status, error: status === 200 ? null : 'it is away', tookMs: 3 }
    }
    const events = userEvents({}, peer)
    const hooks = await webhooksOf(peer, deliver, { events })
    const user = await addUser(peer.database)
    const owner = { id: user, workspace: `w-${user}` }
    const record = async (types: UserEventType[], of = user): Promise<void> =>
      peer.database.transaction(tx => events.record(tx, types.map((type, n) => ({ user: of, type, data: { n } }))))
    return { peer, clock, events, hooks, user, owner, record, sent, deliver }
  }

  it('send what happens from then on, signed with the secret that was told', async () => {
    const { hooks, owner, record, sent } = await withWebhooks()
    await record(['file.created'])
    const { webhook, secret } = await hooks.create(owner, { url, types: [] })
    await record(['file.status', 'pin.created'])
    await pollUntil(() => sent.length > 0)

    const { headers, body } = sent[0]!.request
    assert.deepEqual([sent[0]?.url, sent[0]?.types], [url, ['file.status', 'pin.created']])
    assert.equal(
      headers['webhook-signature'],
      signatureOf(secret, { id: headers['webhook-id'] ?? '', timestamp: Number(headers['webhook-timestamp']), body })
    )
    assert.ok(!JSON.stringify([webhook, await hooks.list(owner.id), await hooks.get(owner.id, webhook.id)]).includes(secret))
  })

  it('send only the types that were asked for', async () => {
    const { hooks, owner, record, sent } = await withWebhooks()
    await hooks.create(owner, { url, types: ['pin', 'file.deleted'] })
    await record(['file.created', 'file.status', 'pin.created', 'task.created', 'file.deleted'])
    await pollUntil(() => sent.length > 0)

    assert.deepEqual(sent.map(({ types }) => types), [['pin.created', 'file.deleted']])
  })

  it('send nothing of others\'', async () => {
    const { peer, hooks, owner, record, sent } = await withWebhooks()
    const other = await addUser(peer.database)
    await hooks.create(owner, { url, types: [] })
    await record(['file.created'], other)
    await record(['pin.created'])
    await pollUntil(() => sent.length > 0)

    assert.deepEqual(sent.map(({ types }) => types), [['pin.created']])
  })

  it('send many in deliveries of a hundred, in order', async () => {
    const { hooks, owner, record, sent } = await withWebhooks()
    await hooks.create(owner, { url, types: [] })
    await record(Array.from({ length: 250 }, () => 'file.created' as const))
    await pollUntil(() => sent.reduce((sum, { types }) => sum + types.length, 0) >= 250)

    const ids = sent.flatMap(
      ({ request }) => (JSON.parse(request.body) as { events: Array<{ id: string }> }).events.map(({ id }) => Number(id))
    )
    assert.deepEqual([sent.map(({ types }) => types.length), ids], [[100, 100, 50], Array.from({ length: 250 }, (_, n) => n + 1)])
  })

  it('try again later, with the same id, keep the order, and tell each try', async () => {
    const answers: Array<number | null> = [500, null, 200]
    const { hooks, owner, clock, record, sent } = await withWebhooks({ answer: () => answers.length > 0 ? answers.shift() ?? null : 200 })
    const { webhook } = await hooks.create(owner, { url, types: [] })
    const failuresOf = async (): Promise<number> => (await hooks.get(owner.id, webhook.id)).failures
    await record(['file.created'])
    await pollUntil(async () => await failuresOf() === 1)
    await record(['file.deleted'])
    clock.jump(6000)
    await hooks.change(owner.id, webhook.id, {})
    await pollUntil(async () => await failuresOf() === 2)
    clock.jump(31_000)
    await hooks.change(owner.id, webhook.id, {})
    await pollUntil(() => sent.length >= 4)
    await pollUntil(async () => await failuresOf() === 0)

    assert.deepEqual(
      sent.map(({ id, types }) => [id === sent[0]?.id, types]),
      [...Array.from({ length: 3 }, () => [true, ['file.created']]), [false, ['file.deleted']]]
    )
    const tries = await hooks.deliveries(owner.id, webhook.id, { limit: 10 })
    assert.deepEqual(
      tries.slice(-3).map(({ attempt, status, error }) => [attempt, status, error]),
      [[3, 200, null], [2, null, 'it is away'], [1, 500, 'it is away']]
    )
  })

  it('are given up after half a day, and begin again with what happens then', async () => {
    let status = 500
    const { hooks, owner, clock, record, sent } = await withWebhooks({ answer: () => status })
    const { webhook } = await hooks.create(owner, { url, types: [] })
    await record(['file.created'])
    for (let tries = 1; tries <= 9; tries++) {
      await pollUntil(async () => (await hooks.get(owner.id, webhook.id)).failures === tries)
      clock.jump(21_600_001)
      await hooks.change(owner.id, webhook.id, {})
    }
    assert.equal((await hooks.get(owner.id, webhook.id)).state, 'failed')
    await record(['file.status'])
    const before = sent.length
    status = 200
    await hooks.change(owner.id, webhook.id, { state: 'active' })
    await record(['file.deleted'])
    await pollUntil(() => sent.length > before)

    assert.deepEqual(sent.slice(before).map(({ types }) => types), [['file.deleted']])
  })

  it('wait while they are paused, and go on where they were', async () => {
    const { hooks, owner, record, sent } = await withWebhooks()
    const paused = (await hooks.create(owner, { url, types: [] })).webhook
    await hooks.change(owner.id, paused.id, { state: 'paused' })
    await hooks.create(owner, { url: 'https://example.com/other', types: [] })
    await record(['file.created'])
    await pollUntil(() => sent.length > 0)
    assert.deepEqual(sent.map(one => one.url), ['https://example.com/other'])

    await hooks.change(owner.id, paused.id, { state: 'active' })
    await pollUntil(() => sent.length > 1)
    assert.deepEqual(sent[1]?.types, ['file.created'])
  })

  it('are served by one peer at a time', async () => {
    const { hooks, owner, record, sent, deliver, clock } = await withWebhooks()
    const second = await databases.another({ clock })
    await webhooksOf(second, deliver, { events: userEvents({}, second) })
    for (let n = 0; n < 5; n++) await hooks.create(owner, { url: `${url}/${n}`, types: [] })
    for (let n = 0; n < 10; n++) await record(['file.created'])
    const total = (): number => sent.reduce((sum, { types }) => sum + types.length, 0)
    await pollUntil(() => total() >= 50)

    assert.equal(total(), 50)
  })

  it('of one user whose receivers never answer keep no other user\'s waiting', async () => {
    const peer = await databases.open()
    const events = userEvents({}, peer)
    const [released, sent] = [new AbortController(), [] as string[]]
    const record = async (user: string): Promise<void> =>
      peer.database.transaction(tx => events.record(tx, [{ user, type: 'pin.created', data: {} }]))
    const slow: Deliver = async ({ url: { host } }, { signal: end }) => {
      sent.push(host)
      if (host === 'slow.example') {
        await new Promise<void>(resolve => {
          for (const one of [end, released.signal]) one.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      return { status: 200, error: null, tookMs: 1 }
    }
    const hooks = await webhooksOf(peer, slow, { events })
    const greedy = await addUser(peer.database)
    for (let count = 0; count < 20; count++) {
      await hooks.create({ id: greedy, workspace: `w-${greedy}` }, { url: 'https://slow.example/', types: [] })
    }
    await record(greedy)
    await pollUntil(() => sent.length >= 4, { what: 'what one user may have under way' })

    const other = await addUser(peer.database)
    await hooks.create({ id: other, workspace: `w-${other}` }, { url: 'https://quick.example/', types: [] })
    await record(other)
    await pollUntil(() => sent.includes('quick.example'), { what: 'the delivery of the other user' })

    assert.equal(sent.filter(host => host === 'slow.example').length, 4)
    released.abort()
  })

  it('have their turns one after the other, also when all places are taken again and again', async () => {
    const peer = await databases.open()
    const events = userEvents({}, peer)
    const [users, sent, open] = [[] as string[], [] as string[], [] as Array<() => void>]
    const held: Deliver = async ({ url: { pathname } }, { signal: end }) => {
      sent.push(pathname.slice(1))
      await new Promise<void>(resolve => {
        open.push(resolve)
        end.addEventListener('abort', () => resolve(), { once: true })
      })
      return { status: 200, error: null, tookMs: 1 }
    }
    const hooks = await webhooksOf(peer, held, { events })
    for (let count = 0; count < 6; count++) {
      const user = await addUser(peer.database)
      users.push(user)
      for (let hook = 0; hook < 4; hook++) {
        await hooks.create({ id: user, workspace: `w-${user}` }, { url: `https://example.com/${count}.${hook}`, types: [] })
      }
    }
    const happen = async (): Promise<void> =>
      peer.database.transaction(tx => events.record(tx, users.map(user => ({ user, type: 'pin.created', data: {} }))))
    await happen()

    for (let turn = 0; turn < 24; turn++) {
      await pollUntil(() => open.length > 0, { everyMs: 2 })
      await happen()
      open.shift()?.()
    }
    await pollUntil(() => new Set(sent).size === 24, { what: 'a turn for each of the 24' })
    assert.ok(sent.length <= 24 + 16, `${sent.length} turns until each had one`)
  })

  it('belong to their owner alone', async () => {
    const { peer, hooks, owner } = await withWebhooks()
    const other = await addUser(peer.database)
    const { webhook: { id } } = await hooks.create(owner, { url, types: [] })

    await assert.rejects(hooks.get(other, id), withCode('NOT_FOUND'))
    await assert.rejects(hooks.change(other, id, { state: 'paused' }), withCode('NOT_FOUND'))
    await assert.rejects(hooks.renewSecret(other, id), withCode('NOT_FOUND'))
    await assert.rejects(hooks.remove(other, id), withCode('NOT_FOUND'))
    await assert.rejects(hooks.deliveries(other, id, { limit: 1 }), withCode('NOT_FOUND'))
    await assert.rejects(hooks.test(other, id, { signal }), withCode('NOT_FOUND'))
    assert.deepEqual([await hooks.list(other), (await hooks.list(owner.id)).length], [[], 1])
  })

  it('take a new secret, a test, and their end', async () => {
    const { hooks, owner, record, sent } = await withWebhooks()
    const { webhook: { id }, secret } = await hooks.create(owner, { url, types: ['pin'] })
    const renewed = await hooks.renewSecret(owner.id, id)
    const tried = await hooks.test(owner.id, id, { signal })

    assert.notEqual(renewed, secret)
    assert.deepEqual([tried.status, tried.type, sent[0]?.types], [200, 'test', ['test']])
    const { headers, body } = sent[0]!.request
    assert.equal(
      headers['webhook-signature'],
      signatureOf(renewed, { id: headers['webhook-id'] ?? '', timestamp: Number(headers['webhook-timestamp']), body })
    )
    assert.deepEqual(await hooks.deliveries(owner.id, id, { limit: 5 }), [tried])

    await hooks.remove(owner.id, id)
    await record(['pin.created'])
    assert.deepEqual([await hooks.list(owner.id), sent.length], [[], 1])
  })

  it('go to no private address, and are twenty at most', async () => {
    const { peer, hooks, owner, events, deliver } = await withWebhooks()
    const { webhook: { id } } = await hooks.create(owner, { url, types: [] })
    for (const wrong of ['http://127.0.0.1/', 'http://[::1]:80/', 'ftp://example.com', 'https://u:p@example.com/', 'nonsense']) {
      await assert.rejects(hooks.create(owner, { url: wrong, types: [] }), withCode('INVALID_ARGUMENT'), wrong)
      await assert.rejects(hooks.change(owner.id, id, { url: wrong }), withCode('INVALID_ARGUMENT'), wrong)
    }
    const inside = sqlWebhooks({ privateAllowed: false }, {
      ...peer, deliver, random: systemRandom, lookup: (_name, _options, done) => { done(null, [{ address: '10.0.0.1', family: 4 }]) }
    })
    await assert.rejects(inside.create(owner, { url, types: [] }), withCode('INVALID_ARGUMENT'))
    for (let n = 1; n < 20; n++) await hooks.create(owner, { url, types: [] })
    await assert.rejects(hooks.create(owner, { url, types: [] }), withCode('CONFLICT'))
    assert.ok(events != null)
  })

  it('keep the newest hundred tries, and go with their owner', async () => {
    const { peer, hooks, owner } = await withWebhooks()
    const { webhook: { id } } = await hooks.create(owner, { url, types: [] })
    for (let n = 0; n < 130; n++) await hooks.test(owner.id, id, { signal })
    assert.ok((await hooks.deliveries(owner.id, id, { limit: 1000 })).length <= 101)

    await peer.database.transaction(tx => tx.deleteFrom('users').where('id', '=', owner.id).execute())
    assert.deepEqual(await hooks.list(owner.id), [])
  })
})
