import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { serviceReady } from '../support/service-peer.ts'

/**
 * The REST part of the service beyond what its documents spell out (service-documents.test.ts): accounts, files, tasks, errors. Each
 * answer is compared whole, so that nothing the documents don't know slips in, but for fields that are marked as added.
 */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const apiKey = /^ak_[0-9A-Za-z]{32,}$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const names: Record<number, string> = {
  400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 409: 'Conflict',
  413: 'Payload Too Large', 422: 'Unprocessable Entity', 429: 'Too Many Requests'
}

let peer: PeerProcess
let api: string

before(async () => {
  const [port] = await freePorts(1)
  peer = await peerProcess(json => {
    json.api.service = {
      http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}`,
      quota_bytes: 3_000_000,
      registration: 'open',
      admins: ['root@example.com'],
      mail: { log: true }
    }
  })
  api = `http://127.0.0.1:${port}`
  await peer.start()
  await serviceReady(api)
}, { timeout: quietMs(60_000) })

after(async () => { await peer?.remove() })

interface Ask {
  method?: string, key?: string | undefined, body?: unknown, form?: FormData, headers?: Record<string, string>, bearer?: boolean
}
interface Answered { status: number, body: any, headers: Headers } // any: JSON of whatever was asked

async function ask (path: string, { method = 'GET', key, body, form, headers = {}, bearer = false }: Ask = {}): Promise<Answered> {
  const response = await fetch(`${api}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(key == null ? {} : bearer ? { authorization: `Bearer ${key}` } : { 'x-api-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers
    },
    ...(form != null ? { body: form } : body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers }
}

const post = async (path: string, body: unknown, more: Ask = {}): Promise<Answered> => ask(path, { method: 'POST', body, ...more })

/** The envelope of every error, exactly. */
function assertRefused ({ status, body }: Answered, expected: number): void {
  assert.equal(status, expected, JSON.stringify(body))
  assert.deepEqual(Object.keys(body).toSorted(), ['error', 'message', 'status'])
  assert.deepEqual([body.status, body.error, typeof body.message, body.message.length > 0], [expected, names[expected], 'string', true])
}

const register = async (email: string): Promise<string> => (
  await post('/api/v1/users/register', { email, password: 'securePassword123' })
).body.data.api_key

function formOf (content: string | Uint8Array, name = 'report.pdf', type = 'application/pdf'): FormData {
  const form = new FormData()
  form.append('file', new Blob([content as string], { type }), name)
  return form
}

const upload = async (key: string, content: string | Uint8Array, {
  name = 'report.pdf', type = 'application/pdf', query = '' } = {
}): Promise<Answered> =>
  ask(`/api/v1/files/upload${query}`, { method: 'POST', key, form: formOf(content, name, type) })

/** The last code that was sent to an address. */
async function codeFor (email: string): Promise<string> {
  let code: string | undefined
  await pollUntil(() => {
    const at = peer.log().lastIndexOf(email)
    code = at < 0 ? undefined : /\b(\d{6})\b/.exec(peer.log().slice(Math.max(0, at - 2000)))?.[1]
    return code != null
  }, { what: 'the code' })
  return code ?? ''
}

describe('users', { timeout: quietMs(60_000) }, () => {
  it('registers, and shows the key once', async () => {
    const { status, body } = await post('/api/v1/users/register', { email: 'user@example.com', password: 'securePassword123' })

    assert.equal(status, 201)
    assert.deepEqual({ ...body, data: Object.keys(body.data).toSorted() }, {
      status: 201, message: 'User registered successfully', data: ['api_key', 'created_at', 'email']
    })
    assert.equal(body.data.email, 'user@example.com')
    assert.match(body.data.api_key, apiKey)
    assert.match(body.data.created_at, rfc3339)
  })

  it('refuses an address that is taken, in any case', async () => {
    assertRefused(await post('/api/v1/users/register', { email: 'USER@example.com', password: 'securePassword123' }), 409)
  })

  it('tells the state of the account', async () => {
    const key = await register('status@example.com')

    const { status, body } = await ask('/api/v1/users/status', { key })

    assert.equal(status, 200)
    assert.equal(body.status, 200)
    const { email, created_at: createdAt, file_count: count, total_size_bytes: bytes } = body.data
    assert.deepEqual([email, count, bytes], ['status@example.com', 0, 0])
    assert.match(createdAt, rfc3339)
  })

  it('renews the key with a code: the old one is forbidden from then on', async () => {
    const email = 'renew@example.com'
    const old = await register(email)

    const challenge = await post('/api/v1/users/renew/challenge', { email })
    const renewed = await post('/api/v1/users/renew', { email, verification_code: await codeFor(email) })

    assert.deepEqual([challenge.status, challenge.body], [200, { status: 200, message: 'Verification code sent to email' }])
    assert.deepEqual(
      [renewed.status, { ...renewed.body, data: Object.keys(renewed.body.data) }],
      [200, { status: 200, message: 'API key renewed successfully', data: ['api_key'] }]
    )
    assert.match(renewed.body.data.api_key, apiKey)
    assert.equal((await ask('/api/v1/users/status', { key: renewed.body.data.api_key })).status, 200)
    assertRefused(await ask('/api/v1/users/status', { key: old }), 403)
  })

  it('says the same to a challenge for an address that nobody has', async () => {
    const { status, body } = await post('/api/v1/users/renew/challenge', { email: 'nobody@example.com' })

    assert.deepEqual([status, body], [200, { status: 200, message: 'Verification code sent to email' }])
  })
})

describe('files', { timeout: quietMs(120_000) }, () => {
  const content = 'a report'.repeat(1000)
  let key: string
  let cid: string

  before(async () => { key = await register('files@example.com') })

  it('uploads a file as multipart, and pins it', async () => {
    const { status, body } = await upload(key, content)

    assert.equal(status, 201, JSON.stringify(body))
    const { cid: made, original_filename: name, size, content_type: type, pinned, uploaded_at: at } = body.data
    assert.deepEqual([body.status, body.message], [201, 'File uploaded successfully'])
    assert.deepEqual([name, size, type, pinned], ['report.pdf', content.length, 'application/pdf', true])
    assert.match(made, /^bafkrei[a-z2-7]{52}$/)
    assert.match(at, rfc3339)
    cid = made
  })

  it('gives the bytes back with their type', async () => {
    const response = await fetch(`${api}/api/v1/files/retrieve/${cid}`, { headers: { 'x-api-key': key } })

    assert.deepEqual([response.status, response.headers.get('content-type'), await response.text()], [200, 'application/pdf', content])
  })

  it('lists the files', async () => {
    const { status, body } = await ask('/api/v1/files', { key })

    assert.deepEqual([status, body.status, body.data.length, body.next_cursor], [200, 200, 1, null])
    const [{ cid: listed, original_filename: name, size, pinned, uploaded_at: at }] = body.data
    assert.deepEqual([listed, name, size, pinned], [cid, 'report.pdf', content.length, true])
    assert.match(at, rfc3339)
  })

  it('counts them in the account', async () => {
    const { body } = await ask('/api/v1/users/status', { key })

    assert.deepEqual([body.data.file_count, body.data.total_size_bytes], [1, content.length])
  })

  it('refuses to pin what is pinned', async () => {
    assertRefused(await ask(`/api/v1/files/${cid}/pin`, { method: 'POST', key }), 409)
  })

  it('unpins and pins', async () => {
    const unpinned = await ask(`/api/v1/files/${cid}/unpin`, { method: 'POST', key })
    const between = await ask('/api/v1/files', { key })
    const pinned = await ask(`/api/v1/files/${cid}/pin`, { method: 'POST', key })

    assert.deepEqual([unpinned.status, unpinned.body], [200, { status: 200, message: 'File unpinned successfully' }])
    assert.equal(between.body.data[0].pinned, false)
    assert.deepEqual([pinned.status, pinned.body], [200, { status: 200, message: 'File pinned successfully' }])
  })

  it('counts the same bytes once', async () => {
    const again = await upload(key, content)
    const { body } = await ask('/api/v1/files', { key })

    assert.deepEqual([again.status, again.body.data.cid, body.data.length], [201, cid, 1])
  })

  it('deletes one', async () => {
    const { status, body } = await ask(`/api/v1/files/${cid}`, { method: 'DELETE', key })

    assert.deepEqual([status, body], [200, { status: 200, message: 'File deleted successfully' }])
    assertRefused(await ask(`/api/v1/files/retrieve/${cid}`, { key }), 404)
    assertRefused(await ask(`/api/v1/files/${cid}`, { method: 'DELETE', key }), 404)
  })

  it('deletes many in one request', async () => {
    const cids = [(await upload(key, 'one')).body.data.cid, (await upload(key, 'two')).body.data.cid]

    const { status, body } = await post('/api/v1/files/delete/bulk', { cids }, { key })

    assert.deepEqual([status, body], [200, { status: 200, message: 'Files deleted successfully', data: { deleted: 2, failed: [] } }])
  })

  it('tells which of many could not be deleted', async () => {
    const made = (await upload(key, 'three')).body.data.cid

    const { body } = await post('/api/v1/files/delete/bulk', { cids: [made, cid] }, { key })

    assert.deepEqual(body.data, { deleted: 1, failed: [cid] })
  })

  it('is open to a bearer token, too', async () => {
    assert.equal((await ask('/api/v1/files', { key, bearer: true })).status, 200)
  })
})

describe('tasks', { timeout: quietMs(60_000) }, () => {
  it('deletes in the background, and tells how it went', async () => {
    const key = await register('tasks@example.com')
    const cids: string[] = []
    for (const text of ['1', '2', '3']) cids.push((await upload(key, text)).body.data.cid)

    const started = await post('/api/v1/files/delete/bulk', { cids, async: true }, { key })
    const { task_id: id } = started.body.data
    let answer: Answered | undefined
    await pollUntil(async () => {
      answer = await ask(`/api/v1/tasks/${id}/status`, { key })
      return !['PENDING', 'STARTED'].includes(answer.body.data.state)
    }, { what: 'the task' })

    assert.equal(started.status, 202)
    assert.match(id, uuid)
    const { task_id: shown, state, result, created_at: createdAt, completed_at: completedAt } = answer?.body.data ?? {}
    assert.deepEqual([answer?.status, answer?.body.status, shown, state, result.deleted], [200, 200, id, 'SUCCESS', 3])
    assert.match(createdAt, rfc3339)
    assert.match(completedAt, rfc3339)
    assert.deepEqual((await ask('/api/v1/files', { key })).body.data, [])
  })

  it('is somebody else\'s for everybody else', async () => {
    const [key, other] = [await register('owner@example.com'), await register('other@example.com')]
    const { body } = await post('/api/v1/files/delete/bulk', { filter: {} }, { key })

    assertRefused(await ask(`/api/v1/tasks/${body.data.task_id}/status`, { key: other }), 404)
  })
})

describe('errors', { timeout: quietMs(120_000) }, () => {
  let key: string
  before(async () => { key = await register('errors@example.com') })

  it('400: JSON that is none, fields that are missing or wrong', async () => {
    for (const body of [
      '{', '[]', '{}', '{"email":"x"}', '{"email":7,"password":"securePassword123"}',
      '{"email":"no address","password":"securePassword123"}', 'null'
    ]) {
      assertRefused(await post('/api/v1/users/register', body), 400)
    }
    for (const body of ['{"cids":[]}', '{"cids":"x"}', '{"cids":[1]}', '{}']) assertRefused(
      await post('/api/v1/files/delete/bulk', body, { key }), 400
    )
    assertRefused(await ask('/api/v1/files/upload', { method: 'POST', key, body: {} }), 400)
    assertRefused(await ask('/api/v1/files/upload', { method: 'POST', key, form: new FormData() }), 400)
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=x', 'sort=x', 'state=x', 'meta=x']) assertRefused(
      await ask(`/api/v1/files?${query}`, { key }), 400
    )
  })

  it('401: no key, or one that never was, on every route that wants one', async () => {
    const routes = [
      'GET /api/v1/users/status', 'POST /api/v1/files/upload', 'GET /api/v1/files', 'GET /api/v1/files/retrieve/bafkreih5',
      'DELETE /api/v1/files/bafkreih5', 'POST /api/v1/files/delete/bulk',
      'POST /api/v1/files/bafkreih5/pin', 'POST /api/v1/files/bafkreih5/unpin',
      'GET /api/v1/tasks/d4a2c6f8-0000-4000-8000-000000000000/status'
    ]
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ')
      assertRefused(await ask(path, { method }), 401)
      assertRefused(await ask(path, { method, key: `ak_${'x'.repeat(32)}` }), 401)
    }
  })

  it('404: CIDs, tasks and paths that are not there for this user', async () => {
    const other = await register('errors-other@example.com')
    const { cid } = (await upload(other, 'of the other')).body.data
    for (const path of [`retrieve/${cid}`, cid]) assertRefused(await ask(`/api/v1/files/${path}`, { key }), 404)
    for (const path of [`${cid}/pin`, `${cid}/unpin`]) assertRefused(await ask(`/api/v1/files/${path}`, { method: 'POST', key }), 404)
    assertRefused(await ask(`/api/v1/files/${cid}`, { method: 'DELETE', key }), 404)
    assertRefused(await ask('/api/v1/tasks/d4a2c6f8-0000-4000-8000-000000000000/status', { key }), 404)
    assertRefused(await ask('/api/v1/nothing', { key }), 404)
    assert.equal((await ask(`/api/v1/files/retrieve/${cid}`, { key: other })).body, 'of the other')
  })

  it('405: a method that the path does not have', async () => {
    const refused = await ask('/api/v1/files/upload', { method: 'GET', key })
    assertRefused(refused, 405)
    assert.match(refused.headers.get('allow') ?? '', /\bPOST\b/)
    assertRefused(await ask('/api/v1/files', { method: 'DELETE', key }), 405)
  })

  it('413: a JSON body that is too large', async () => {
    const refused = await post('/api/v1/files/delete/bulk', { cids: ['x'.repeat(1_100_000)] }, { key })
    assert.deepEqual([refused.status, refused.body.status], [413, 413])
  })

  it('422: what is well-formed and can not be done: an upload over the quota', async () => {
    const before = (await ask('/api/v1/users/status', { key })).body.data

    assertRefused(await upload(key, new Uint8Array(3_500_000)), 422)

    const after = (await ask('/api/v1/users/status', { key })).body.data
    assert.deepEqual([after.file_count, after.total_size_bytes], [before.file_count, before.total_size_bytes])
    assertRefused(await post('/api/v1/users/renew', { email: 'errors@example.com', verification_code: '000000' }), 422)
  })

  it('429: too many tries from one address, with the time to wait', async () => {
    let limited: Answered | undefined
    for (let tries = 0; tries < 100 && limited == null; tries++) {
      const answer = await post('/api/v1/users/login', { email: 'errors@example.com', password: 'wrongPassword123' })
      if (answer.status === 429) limited = answer
    }

    assert.ok(limited != null)
    assertRefused(limited, 429)
    assert.ok(Number(limited.headers.get('retry-after')) >= 1)
  })
})

describe('on-demand pinning and the gateway', { timeout: quietMs(60_000) }, () => {
  it('pins what was staged on first access, redirects at once, and counts the view', async () => {
    const key = await register('gateway@example.com')
    const { cid, pinned } = (await upload(key, 'read me', { query: '?pin=on-access', name: 'read.txt', type: 'text/plain' })).body.data
    const head = await ask(`/api/gateway/${cid}`, { method: 'HEAD' })
    const before = (await ask(`/api/v1/files/${cid}`, { key })).body.data

    const redirect = await ask(`/api/gateway/${cid}`)
    const content = await fetch(new URL(redirect.headers.get('location') ?? '', api))

    assert.deepEqual([pinned, head.status, before.state, before.view_count], [false, 302, 'staged', 0])
    assert.equal(redirect.status, 302)
    assert.deepEqual([content.status, await content.text()], [200, 'read me'])
    await pollUntil(async () => (await ask(`/api/v1/files/${cid}`, { key })).body.data.pinned === true, { what: 'the pin' })
    const after = (await ask(`/api/v1/files/${cid}`, { key })).body.data
    assert.equal(after.view_count, 1)
    assert.match(after.last_accessed_at, rfc3339)
  })

  it('knows nothing of what nobody here has', async () => {
    assertRefused(await ask('/api/gateway/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'), 404)
  })
})
