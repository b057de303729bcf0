import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { parseCid } from '../../src/model/cid.ts'
import { OtherService } from '../support/remote-pins.ts'
import { anyCid } from '../support/service-cluster.ts'
import { uploadForm } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import type { ServicePeer } from '../support/service-peer.ts'
import { anyEmail, inlineCid, servicePeer } from '../support/service-peer.ts'

interface Answer { status: number, body: any } // any: JSON of the answer

/** A user's way to `/api/pinning`. */
function client (peer: ServicePeer, key: string) {
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(`${peer.service}${path}`, {
      method, headers: { authorization: `Bearer ${key}`, ...(body == null ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body == null ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }
  const status = async (id: string): Promise<string> => (await call('GET', `/api/pinning/pins/${id}`)).body.status
  const pinned = async (id: string): Promise<void> => pollUntil(async () => await status(id) === 'pinned', { what: 'the pin' })
  return { call, pinned, key }
}

describe('/api/pinning of a real peer, as its document tells', () => {
  let peer: ServicePeer
  let mine: ReturnType<typeof client>
  let yours: ReturnType<typeof client>

  before(async () => {
    peer = await servicePeer({ registration: 'open', webhooks_private: true })
    await peer.start()
    mine = client(peer, await peer.register(anyEmail()))
    yours = client(peer, await peer.register(anyEmail()))
  })
  after(async () => { await peer.remove() })

  const added = async (content: string): Promise<string> => {
    const answer = await fetch(
      `${peer.url}/add?no-pin=true&cid-version=1&raw-leaves=true`,
      { method: 'POST', body: uploadForm([{ name: 'x', bytes: Buffer.from(content) }]) }
    )
    return JSON.parse((await answer.text()).trim()).cid
  }
  const inPinset = async (cid: string): Promise<boolean> => (await fetch(`${peer.url}/allocations/${cid}`)).status === 200

  it('needs a key in the Authorization header', async () => {
    const without = await fetch(`${peer.service}/api/pinning/pins`)
    const wrong = await fetch(`${peer.service}/api/pinning/pins`, {
      headers: { authorization: 'Bearer ak_00000000000000000000000000000000' }
    })

    for (const answer of [without, wrong]) {
      assert.equal(answer.status, 401)
      assert.equal(typeof (await answer.json() as any).error.reason, 'string')
    }
  })

  it('adds a pin: 201, queued, with time, pin and delegates, and it becomes pinned', async () => {
    const cid = await added('adds a pin')

    const { status, body } = await mine.call('POST', '/api/pinning/pins', {
      cid, name: 'my-document.pdf', origins: ['/ip4/203.0.113.1/tcp/4001/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt'],
      meta: { app: 'my-app' }
    })
    await mine.pinned(body.requestid)
    const { body: found } = await mine.call('GET', `/api/pinning/pins/${body.requestid}`)

    assert.equal(status, 201)
    assert.deepEqual(Object.keys(body).toSorted(), ['created', 'delegates', 'info', 'pin', 'requestid', 'status'])
    assert.equal(body.status, 'queued')
    assert.match(body.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/)
    assert.deepEqual(body.pin, {
      cid, name: 'my-document.pdf', origins: ['/ip4/203.0.113.1/tcp/4001/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt'],
      meta: { app: 'my-app' }
    })
    assert.ok(body.delegates.length > 0 && body.delegates.every((one: string) => one.includes('/p2p/')))
    assert.ok(!body.requestid.includes(cid))
    assert.deepEqual([found.requestid, found.created, found.pin], [body.requestid, body.created, body.pin])
    assert.ok(await inPinset(cid))
  })

  it('lists pins with filters, newest first, ten without a limit', async () => {
    for (let at = 0; at < 12; at++) {
      await mine.call('POST', '/api/pinning/pins', {
        cid: inlineCid(`list ${at}`), name: `list ${at}`, meta: { list: 'yes', at: String(at) }
      })
    }
    await pollUntil(
      async () => (await mine.call('GET', '/api/pinning/pins?status=pinned&meta=%7B%22list%22%3A%22yes%22%7D')).body.count === 12
    )

    const { status, body } = await mine.call('GET', '/api/pinning/pins?status=pinned&limit=10&meta=%7B%22list%22%3A%22yes%22%7D')
    const oldest = body.results.at(-1).created
    const { body: rest } = await mine.call('GET', `/api/pinning/pins?status=pinned&meta=%7B%22list%22%3A%22yes%22%7D&before=${oldest}`)
    const { body: named } = await mine.call('GET', '/api/pinning/pins?name=list%203')
    const { body: byCid } = await mine.call(
      'GET', `/api/pinning/pins?cid=${parseCid(inlineCid('list 1'))},${inlineCid('list 2')}&cid=${inlineCid('list 3')}`
    )

    assert.deepEqual([status, body.count, body.results.length], [200, 12, 10])
    assert.deepEqual(
      [...body.results, ...rest.results].map(({ pin }: any) => pin.name), Array.from({ length: 12 }, (_, at) => `list ${11 - at}`)
    )
    assert.deepEqual([rest.count, named.count, byCid.count], [2, 1, 3])
  })

  it('lists only what is pinned when no status is asked for', async () => {
    const { body } = await mine.call('POST', '/api/pinning/pins', { cid: anyCid(), name: 'nowhere to be found' })

    const { body: plain } = await mine.call('GET', '/api/pinning/pins?name=nowhere%20to%20be%20found')
    const { body: under } = await mine.call('GET', '/api/pinning/pins?name=nowhere%20to%20be%20found&status=queued,pinning,failed')
    await pollUntil(async () => (await mine.call('GET', `/api/pinning/pins/${body.requestid}`)).body.info.waiting_for != null)
    const { body: { info } } = await mine.call('GET', `/api/pinning/pins/${body.requestid}`)

    assert.deepEqual([plain.count, plain.results, under.count], [0, [], 1])
    assert.match(info.since, /Z$/)
    await mine.call('DELETE', `/api/pinning/pins/${body.requestid}`)
  })

  it('refuses limits, CIDs, bodies and names that are wrong with 400 and a reason', async () => {
    const many = Array.from({ length: 11 }, (_, at) => inlineCid(`${at}`)).join(',')
    const wrong = [
      '?limit=0', '?limit=1001', `?cid=${many}`, '?status=gone', '?cid=x', '?before=yesterday', '?match=like&name=x', '?meta=x'
    ]
    const bodies = [
      '{', '[]', '{}', '{"cid":"x"}', JSON.stringify({ cid: inlineCid('a'), name: 'x'.repeat(256) }),
      JSON.stringify({ cid: inlineCid('a'), origins: ['x'] }), JSON.stringify({ cid: inlineCid('a'), meta: { a: 1 } })
    ]

    const answers = [
      ...await Promise.all(wrong.map(async query => mine.call('GET', `/api/pinning/pins${query}`))),
      ...await Promise.all(bodies.map(async body => mine.call('POST', '/api/pinning/pins', body)))
    ]

    assert.deepEqual(answers.map(({ status }) => status), answers.map(() => 400))
    for (const { body } of answers) assert.deepEqual([body.error.reason, typeof body.error.details], ['BAD_REQUEST', 'string'])
    assert.equal((await mine.call('GET', '/api/pinning/pins?limit=1000')).status, 200)
  })

  it('replaces name, origins and meta, and keeps the CID', async () => {
    const cid = inlineCid('updates')
    const { body } = await mine.call('POST', '/api/pinning/pins', { cid, name: 'old.jpg', meta: { app: 'my-app' } })

    const update = await mine.call(
      'POST', `/api/pinning/pins/${body.requestid}`, { cid, name: 'updated-name.jpg', meta: { app: 'my-app', tag: 'updated' } }
    )
    const other = await mine.call('POST', `/api/pinning/pins/${body.requestid}`, { cid: inlineCid('other') })
    const { body: found } = await mine.call('GET', `/api/pinning/pins/${body.requestid}`)

    assert.deepEqual([update.status, other.status], [202, 400])
    assert.deepEqual(found.pin, { cid: parseCid(cid).toString(), name: 'updated-name.jpg', meta: { app: 'my-app', tag: 'updated' } })
    assert.deepEqual([found.requestid, found.created], [body.requestid, body.created])
  })

  it('removes a pin: 202, gone from the cluster at once, and from the use of the account', async () => {
    const cid = await added('x'.repeat(5000))
    const use = async (): Promise<number> => (await mine.call('GET', '/api/v1/users/status')).body.data.used_bytes
    const before = await use()
    const { body } = await mine.call('POST', '/api/pinning/pins', { cid })
    await mine.pinned(body.requestid)
    await pollUntil(async () => await use() === before + 5000, { what: 'the use of the account' })

    const { status, body: none } = await mine.call('DELETE', `/api/pinning/pins/${body.requestid}`)

    assert.deepEqual([status, none, await inPinset(cid), await use()], [202, null, false, before])
    assert.equal((await mine.call('GET', `/api/pinning/pins/${body.requestid}`)).status, 404)
    assert.equal((await mine.call('DELETE', `/api/pinning/pins/${body.requestid}`)).status, 404)
  })

  it('never removes what was in the pinset before', async () => {
    const cid = parseCid(inlineCid('of the operator')).toString()
    await fetch(`${peer.url}/pins/${cid}?name=operator`, { method: 'POST' })
    const { body } = await mine.call('POST', '/api/pinning/pins', { cid, name: 'mine' })
    await mine.pinned(body.requestid)

    await mine.call('DELETE', `/api/pinning/pins/${body.requestid}`)

    assert.equal((await (await fetch(`${peer.url}/allocations/${cid}`)).json() as any).name, 'operator')
  })

  it('shows its pins in the list of files, and takes them away with the entry there', async () => {
    const cid = parseCid(inlineCid('also a file')).toString()
    const { body } = await mine.call('POST', '/api/pinning/pins', { cid, name: 'also a file' })
    await mine.pinned(body.requestid)
    const entry = async (): Promise<any> => (await mine.call('GET', '/api/v1/files')).body.data.find((file: any) => file.cid === cid)

    const listed = await entry()
    const { status } = await mine.call('DELETE', `/api/v1/files/${cid}`)

    assert.deepEqual([listed.original_filename, listed.pinned, status, await entry()], ['also a file', true, 200, undefined])
    assert.equal((await mine.call('GET', `/api/pinning/pins/${body.requestid}`)).status, 404)
    await pollUntil(async () => !await inPinset(cid), { what: 'the pinset without it' })
  })

  it('shows nobody the pins of others', async () => {
    const { body } = await mine.call('POST', '/api/pinning/pins', { cid: inlineCid('secret'), name: 'secret' })
    const path = `/api/pinning/pins/${body.requestid}`

    const answers = [
      await yours.call('GET', path), await yours.call('POST', path, { cid: inlineCid('secret'), name: 'x' }),
      await yours.call('DELETE', path)
    ]

    assert.deepEqual(answers.map(({ status, body }) => [status, body.error.reason]), answers.map(() => [404, 'NOT_FOUND']))
    assert.equal((await yours.call('GET', '/api/pinning/pins?status=queued,pinning,pinned,failed')).body.count, 0)
    assert.equal((await mine.call('GET', path)).status, 200)
  })

  it('asks for the permission of the key', async () => {
    const keyWith = async (...permissions: string[]): Promise<string> => (
      await mine.call('POST', '/api/v1/users/me/keys', { name: 'k', permissions })
    ).body.data.api_key
    const reading = client(peer, await keyWith('pins:read'))
    const writing = client(peer, await keyWith('pins:write'))

    const forbidden = [
      await reading.call('POST', '/api/pinning/pins', { cid: inlineCid('p') }), await writing.call('GET', '/api/pinning/pins')
    ]

    assert.deepEqual(forbidden.map(({ status, body }) => [status, body.error.reason]), [[403, 'FORBIDDEN'], [403, 'FORBIDDEN']])
    assert.equal((await reading.call('GET', '/api/pinning/pins')).status, 200)
    assert.equal((await writing.call('POST', '/api/pinning/pins', { cid: inlineCid('p') })).status, 201)
  })

  it('answers in its own words where there is nothing, and for other methods', async () => {
    assert.deepEqual((await mine.call('GET', '/api/pinning/nothing')).body.error.reason, 'NOT_FOUND')
    assert.equal((await mine.call('PUT', '/api/pinning/pins', {})).status, 405)
    assert.equal((await mine.call('GET', '/api/pinning/pins/')).status, 200)
  })

  it('takes over pins of another service beside a kill, each once, and exports them', { timeout: quietMs(180_000) }, async t => {
    const other = new OtherService(2200)
    for (const pin of other.pins) pin.pin.cid = parseCid(inlineCid(pin.requestid)).toString()
    const endpoint = await other.start()
    t.after(async () => other.stop())
    const user = client(peer, await peer.register(anyEmail()))
    const count = async (): Promise<number> => (
      await user.call('GET', '/api/pinning/pins?status=queued,pinning,pinned,failed&limit=1')
    ).body.count

    const { status, body } = await user.call('POST', '/api/v1/pins/import', { endpoint, token: other.token })
    await pollUntil(async () => await count() > 300, { everyMs: 5, what: 'some pins' })
    await peer.end('SIGKILL')
    await peer.start()
    const task = async (): Promise<any> => (await user.call('GET', `/api/v1/tasks/${body.data.task_id}/status`)).body.data
    await pollUntil(async () => (await task()).state === 'SUCCESS', { withinMs: 150_000, what: 'the import' })

    assert.equal(status, 202)
    assert.equal(await count(), 2200)
    const lines = (
      await (await fetch(`${peer.service}/api/v1/pins/export`, { headers: { authorization: `Bearer ${user.key}` } })).text()
    ).trim().split('\n').map(line => JSON.parse(line))
    assert.deepEqual([lines.length, new Set(lines.map(({ pin }) => pin.name)).size], [2200, 2200])
    await pollUntil(
      async () => (await user.call('GET', '/api/pinning/pins?limit=1')).body.count === 2200, { withinMs: 60_000, what: 'all pinned' }
    )
  })
})
