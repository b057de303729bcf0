import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { parseCid } from '../../src/model/cid.ts'
import { assertLikeExample } from '../support/document-example.ts'
import { runService, uploadForm } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import type { ServicePeer } from '../support/service-peer.ts'
import { servicePeer } from '../support/service-peer.ts'

/**
 * The two documents that the service was made after, each from its first line to its last against one fresh peer: every route, body, code,
 * header and command. Examples stand here as there; `added` names what our answers have besides. A comment says where and why we differ.
 * What the two leave open is tested elsewhere: test/e2e/service-rest.test.ts and service-pinning.test.ts; their commands of Kubo run with
 * Kubo in test/interop/service-remote-pinning.test.ts; their pages are opened by a browser in test/browser.
 */

interface Asked { method?: string, key?: string | undefined, bearer?: boolean, json?: unknown, body?: string | FormData }
interface Answered { status: number, headers: Headers, body: any } // any: JSON of whatever was asked

const gib = 2 ** 30
const registration = { email: 'user@example.com', password: 'securePassword123' }
/** What a file's entry has besides. */
const fileFields = ['state', 'error', 'kind', 'origin', 'group', 'meta', 'view_count', 'last_accessed_at', 'info']
const below = (path: string, fields: readonly string[]): string[] => fields.map(field => `${path}.${field}`)

let peer: ServicePeer

async function freshPeer (): Promise<void> {
  peer = await servicePeer({ registration: 'open', mail: { log: true } })
  await peer.start()
}
const removePeer = async (): Promise<void> => peer?.remove()

async function ask (path: string, { method = 'GET', key, bearer = false, json, body }: Asked = {}): Promise<Answered> {
  const response = await fetch(`${peer.service}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(key == null ? {} : bearer ? { authorization: `Bearer ${key}` } : { 'x-api-key': key }),
      ...(json == null && typeof body !== 'string' ? {} : { 'content-type': 'application/json' })
    },
    ...(body == null ? json == null ? {} : { body: JSON.stringify(json) } : { body })
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

/** A file as `multipart/form-data`, in the part `file`. */
function report (content: string): FormData {
  const form = new FormData()
  form.append('file', new Blob([content], { type: 'application/pdf' }), 'report.pdf')
  return form
}

/** A command of a document, with what its reader puts in: our address, a key, an ID. Prints the status on a line of its own. */
async function shell (command: string, given: Record<string, string>): Promise<{ status: number, body: any }> { // any: JSON
  const filled = Object.entries({ 'https://your-service.com': peer.service, ...given }).reduce((text, [placeholder, value]) => {
    assert.ok(text.includes(placeholder), `the command says ${placeholder}`)
    return text.replaceAll(placeholder, value)
  }, command)
  const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', `${filled} -sS -w '\\n%{http_code}'`])
  const end = stdout.lastIndexOf('\n')
  const text = stdout.slice(0, end)
  return { status: Number(stdout.slice(end + 1)), body: text === '' ? null : JSON.parse(text) }
}

/** Content that is in the IPFS network already: the peer's own node has it, nobody has pinned it. */
async function inNetwork (content: string): Promise<string> {
  const form = uploadForm([{ name: 'x', bytes: Buffer.from(content) }])
  const answer = await fetch(`${peer.url}/add?no-pin=true`, { method: 'POST', body: form })
  return JSON.parse(await answer.text()).cid
}
const inPinset = async (cid: string): Promise<boolean> => (await fetch(`${peer.url}/allocations/${cid}`)).status === 200

describe('the document of the pinning service', { timeout: 120_000 }, () => {
  let account: string
  let key: string

  before(freshPeer, { timeout: 60_000 })
  after(removePeer)

  const pinning = async (path: string, asked: Asked = {}): Promise<Answered> =>
    ask(`/api/pinning${path}`, { key, bearer: true, ...asked })
  const pinned = async (id: string): Promise<void> => pollUntil(
    async () => (await pinning(`/pins/${id}`)).body.status === 'pinned', { what: 'the pin' }
  )
  const add = async (content: string, more: Record<string, unknown> = {}): Promise<any> => ( // any: JSON of the answer
    await pinning('/pins', { method: 'POST', json: { cid: await inNetwork(content), ...more } })
  ).body

  it('Quick Start: an account with 1 GB, a key with permissions, and pinning may begin', async () => {
    account = (await ask('/api/v1/users/register', { method: 'POST', json: registration })).body.data.api_key
    const { body: { data } } = await ask('/api/v1/users/status', { key: account })
    // "1 GB" is 1 GiB: nobody gets less than was said
    assert.equal(data.quota_bytes, gib)

    const made = await ask('/api/v1/users/me/keys', {
      method: 'POST', key: account, json: { name: 'Quick Start', permissions: ['pins:read', 'pins:write', 'files:read', 'files:write', 'account:read'] }
    })
    assert.equal(made.status, 201)
    key = made.body.data.api_key
  })

  it('Authentication: a key in the header Authorization, which may do what it was given', async () => {
    assert.equal((await ask('/api/pinning/pins')).status, 401)
    assert.equal((await ask('/api/pinning/pins', { key, bearer: true })).status, 200)
    const reading = await ask('/api/v1/users/me/keys', { method: 'POST', key: account, json: { name: 'reads', permissions: ['pins:read'] } })
    const { api_key: readKey } = reading.body.data
    assert.equal((await ask('/api/pinning/pins', { key: readKey, bearer: true })).status, 200)
    const forbidden = await pinning('/pins', { method: 'POST', key: readKey, json: { cid: await inNetwork('forbidden') } })
    assert.equal(forbidden.status, 403)
  })

  it('List Pins: by CIDs, statuses, exact name and limit; 10 without, 1000 at most', async () => {
    const pins: any[] = [] // any: JSON of the answers
    for (let at = 0; at < 12; at++) pins.push(await add(`list ${at}`, { name: `list ${at}` }))
    for (const { requestid } of pins) await pinned(requestid)

    const listed = await shell(`curl "https://your-service.com/api/pinning/pins?status=pinned&limit=10" \\
  -H "Authorization: Bearer YOUR_API_KEY"`, { YOUR_API_KEY: key })

    assert.deepEqual([listed.status, listed.body.count, listed.body.results.length], [200, 12, 10])
    const found = async (query: string): Promise<string[]> => (
      await pinning(`/pins?${query}`)
    ).body.results.map((one: any) => one.pin.name) // any: as above
    const [first, second] = pins
    assert.deepEqual(await found(`cid=${first.pin.cid}&cid=${second.pin.cid}`), ['list 1', 'list 0'])
    assert.deepEqual(await found(`cid=${first.pin.cid},${second.pin.cid}`), ['list 1', 'list 0'])
    assert.deepEqual((await found('status=queued&status=pinning&status=pinned&status=failed&limit=1000')).length, 12)
    assert.deepEqual(await found('status=queued'), [])
    assert.deepEqual(await found('name=list%203'), ['list 3'])
    assert.deepEqual(await found('name=list'), [])
    assert.equal((await found('')).length, 10)
    assert.equal((await pinning('/pins?limit=1001')).status, 400)
  })

  it('Add Pin, Get Pin Status, Update Pin, Delete Pin', async () => {
    // QmXxx… and QmSourcePeerId are no CID and no peer: real ones stand in their places
    const cid = await inNetwork('my-document.pdf')
    const origins = ['/ip4/203.0.113.1/tcp/4001/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt']
    const before = (await ask('/api/v1/users/status', { key })).body.data.used_bytes

    const added = await pinning('/pins', { method: 'POST', json: { cid, name: 'my-document.pdf', origins, meta: { app: 'my-app' } } })

    assert.equal(added.status, 201)
    // the specification wants `pin` whole, with origins and meta, and lets `info` be there
    assertLikeExample(added.body, {
      requestid: 'clxyz456',
      status: 'queued',
      created: '2025-10-13T12:05:00Z',
      pin: { cid, name: 'my-document.pdf' },
      delegates: ['/dns4/cluster.example.com/tcp/4001/p2p/QmPeerId']
    }, { added: ['info', 'pin.origins', 'pin.meta'], exact: ['status', 'pin.cid'] })
    assert.deepEqual([added.body.pin.origins, added.body.pin.meta], [origins, { app: 'my-app' }])
    assert.ok(added.body.delegates.length > 0)

    const { requestid } = added.body
    await pinned(requestid)
    const one = await shell(`curl "https://your-service.com/api/pinning/pins/clxyz123" \\
  -H "Authorization: Bearer YOUR_API_KEY"`, { clxyz123: requestid, YOUR_API_KEY: key })
    assert.deepEqual([one.status, one.body.status, one.body.pin], [200, 'pinned', added.body.pin])

    // the document gives no code: the specification's
    const updated = await pinning(`/pins/${requestid}`, {
      method: 'POST', json: { cid, name: 'updated-name.jpg', meta: { app: 'my-app', tag: 'updated' } }
    })
    assert.deepEqual([updated.status, updated.body.requestid], [202, requestid])
    assert.deepEqual(updated.body.pin, { cid, name: 'updated-name.jpg', meta: { app: 'my-app', tag: 'updated' } })
    const otherCid = await pinning(`/pins/${requestid}`, { method: 'POST', json: { cid: await inNetwork('another'), name: 'x' } })
    assert.equal(otherCid.status, 400)
    assert.equal((await pinning(`/pins/${requestid}`)).body.pin.cid, cid)

    await pollUntil(async () => (await ask('/api/v1/users/status', { key })).body.data.used_bytes > before, { what: 'the size of the pin' })
    const removed = await shell(`curl -X DELETE "https://your-service.com/api/pinning/pins/clxyz123" \\
  -H "Authorization: Bearer YOUR_API_KEY"`, { clxyz123: requestid, YOUR_API_KEY: key })
    assert.equal(removed.status, 202)
    assert.deepEqual([await inPinset(cid), (await ask('/api/v1/users/status', { key })).body.data.used_bytes], [false, before])
  })

  it('Status Values: what nobody has is queued or pinning, never pinned', async () => {
    const nowhere = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'

    const { body } = await pinning('/pins', { method: 'POST', json: { cid: nowhere } })

    assert.equal(body.status, 'queued')
    await pollUntil(async () => (await pinning(`/pins/${body.requestid}`)).body.status === 'pinning', { what: 'somebody who fetches it' })
    assert.equal((await pinning(`/pins/${body.requestid}`, { method: 'DELETE' })).status, 202)
  })

  it('On-Demand Pinning and Gateway Access: staged, pinned when it is first asked for, redirected, counted', async () => {
    // "stored in MinIO": here in the staging area, a folder or a bucket of an S3 server, MinIO's too
    const upload = await ask('/api/v1/files/upload?pin=on-access', { method: 'POST', key, body: report('asked for later') })
    const { cid } = upload.body.data
    assert.deepEqual([upload.status, upload.body.data.pinned, await inPinset(cid)], [201, false, false])

    const redirect = await ask(`/api/gateway/${cid}`)

    assert.equal(redirect.status, 302)
    const content = await fetch(new URL(redirect.headers.get('location') ?? '', peer.service))
    assert.deepEqual([content.status, await content.text()], [200, 'asked for later'])
    const entry = async (): Promise<any> => (await ask(`/api/v1/files/${cid}`, { key })).body.data // any: JSON
    await pollUntil(async () => (await entry()).pinned === true, { what: 'the pin' })
    const { view_count: views, last_accessed_at: last } = await entry()
    assert.equal(views, 1)
    assert.match(last, /Z$/)
    const { peer_map: holders } = await (await fetch(`${peer.url}/pins/${cid}`)).json() as { peer_map: Record<string, { status: string }> }
    assert.deepEqual(Object.values(holders).map(({ status }) => status), ['pinned'])
  })

  it('Pin from CID: what is in the network becomes a file without an upload', async () => {
    const cid = await inNetwork('from a node of one\'s own')

    const { status, body } = await ask('/api/v1/files/from-cid', { method: 'POST', key, json: { cid, name: 'file.jpg' } })

    assert.ok(status === 201 || status === 202, JSON.stringify(body))
    await pollUntil(async () => (await ask(`/api/v1/files/${cid}`, { key })).body.data?.pinned === true, { what: 'the pin' })
    assert.equal(parseCid(cid).version, 0)
  })
})

describe('the document of the gateway\'s API', { timeout: 120_000 }, () => {
  let key: string
  let cid: string
  const content = 'a report'.repeat(25_600)

  before(freshPeer, { timeout: 60_000 })
  after(removePeer)

  const upload = async (text: string): Promise<Answered> => ask('/api/v1/files/upload', { method: 'POST', key, body: report(text) })

  it('POST /api/v1/users/register', async () => {
    const { status, body } = await ask('/api/v1/users/register', { method: 'POST', json: registration })

    assert.equal(status, 201)
    assertLikeExample(body, {
      status: 201,
      message: 'User registered successfully',
      data: { email: 'user@example.com', api_key: 'ak_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', created_at: '2026-03-14T12:00:00Z' }
    })
    key = body.data.api_key
  })

  it('POST /api/v1/users/renew/challenge, POST /api/v1/users/renew', async () => {
    const challenge = await ask('/api/v1/users/renew/challenge', { method: 'POST', json: { email: 'user@example.com' } })
    assert.equal(challenge.status, 200)
    assertLikeExample(challenge.body, { status: 200, message: 'Verification code sent to email' })

    // mail goes into the log here
    const code = (): string | undefined => /Your verification code is (\d{6})/.exec(peer.log())?.[1]
    await pollUntil(() => code() != null, { what: 'the letter' })
    const renewed = await ask('/api/v1/users/renew', { method: 'POST', json: { email: 'user@example.com', verification_code: code() } })
    assert.equal(renewed.status, 200)
    assertLikeExample(renewed.body, {
      status: 200, message: 'API key renewed successfully', data: { api_key: 'ak_yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy' }
    })
    assert.notEqual(renewed.body.data.api_key, key)
    key = renewed.body.data.api_key
  })

  it('GET /api/v1/users/status', async () => {
    const { status, body } = await ask('/api/v1/users/status', { key })

    assert.equal(status, 200)
    assertLikeExample(body, {
      status: 200, data: { email: 'user@example.com', created_at: '2026-03-14T12:00:00Z', file_count: 42, total_size_bytes: 10485760 }
    }, { added: below('data', ['used_bytes', 'quota_bytes', 'role', 'verified', 'files_by_state', 'pins_by_status']) })
  })

  it('POST /api/v1/files/upload', async () => {
    const { status, body } = await upload(content)

    assert.equal(status, 201)
    assertLikeExample(body, {
      status: 201,
      message: 'File uploaded successfully',
      data: {
        cid: 'bafkreih5aznjvttude6c3wbvqeebb6rlx7kibuzn7i56aklrbb2a5v53em',
        original_filename: 'report.pdf',
        size: 204800,
        content_type: 'application/pdf',
        pinned: true,
        uploaded_at: '2026-03-14T12:00:00Z'
      }
    }, { added: below('data', fileFields), exact: ['data.size'] })
    cid = body.data.cid
  })

  it('GET /api/v1/files/retrieve/{cid}', async () => {
    const { status, headers, body } = await ask(`/api/v1/files/retrieve/${cid}`, { key })

    assert.deepEqual([status, headers.get('content-type'), body], [200, 'application/pdf', content])
  })

  it('GET /api/v1/files', async () => {
    const { status, body } = await ask('/api/v1/files', { key })

    assert.equal(status, 200)
    // `next_cursor`: lists end at a thousand
    assertLikeExample(body, {
      status: 200,
      data: [{ cid: 'bafkreih5...', original_filename: 'report.pdf', size: 204800, pinned: true, uploaded_at: '2026-03-14T12:00:00Z' }]
    }, { added: ['next_cursor', ...below('data[]', ['content_type', ...fileFields])], exact: ['data[].size'] })
    assert.equal(body.data.length, 1)
  })

  it('POST /api/v1/files/{cid}/unpin, POST /api/v1/files/{cid}/pin', async () => {
    const unpinned = await ask(`/api/v1/files/${cid}/unpin`, { method: 'POST', key })
    const pinned = await ask(`/api/v1/files/${cid}/pin`, { method: 'POST', key })

    assert.deepEqual([unpinned.status, unpinned.body], [200, { status: 200, message: 'File unpinned successfully' }])
    assert.deepEqual([pinned.status, pinned.body], [200, { status: 200, message: 'File pinned successfully' }])
  })

  it('DELETE /api/v1/files/{cid}', async () => {
    const { status, body } = await ask(`/api/v1/files/${cid}`, { method: 'DELETE', key })

    assert.deepEqual([status, body], [200, { status: 200, message: 'File deleted successfully' }])
    await pollUntil(async () => !await inPinset(cid), { what: 'the pinset without it' })
    assert.equal((await ask(`/api/v1/files/${cid}`, { key })).status, 404)
  })

  it('POST /api/v1/files/delete/bulk', async () => {
    const cids = [(await upload('first')).body.data.cid, (await upload('second')).body.data.cid]

    const { status, body } = await ask('/api/v1/files/delete/bulk', { method: 'POST', key, json: { cids } })

    assert.deepEqual([status, body], [200, { status: 200, message: 'Files deleted successfully', data: { deleted: 2, failed: [] } }])
  })

  it('GET /api/v1/tasks/{task_id}/status', async () => {
    const cids = []
    for (const text of ['1', '2', '3']) cids.push((await upload(text)).body.data.cid)
    const started = await ask('/api/v1/files/delete/bulk', { method: 'POST', key, json: { cids, async: true } })
    const status = async (): Promise<Answered> => ask(`/api/v1/tasks/${started.body.data.task_id}/status`, { key })
    await pollUntil(async () => !['PENDING', 'STARTED'].includes((await status()).body.data.state), { what: 'the task' })

    const done = await status()

    assert.equal(done.status, 200)
    // tasks are rows of the service's database that any of its peers takes up: the same states as Celery's, without a broker
    assertLikeExample(done.body, {
      status: 200,
      data: {
        task_id: 'd4a2c6f8-...',
        state: 'SUCCESS',
        result: { deleted: 3 },
        created_at: '2026-03-14T12:00:00Z',
        completed_at: '2026-03-14T12:00:05Z'
      }
    }, { added: [...below('data', ['kind', 'progress', 'error', 'started_at']), 'data.result.failed'], exact: ['data.result.deleted'] })
  })

  it('Task States: those five', async () => {
    const { paths } = (await ask('/api/v1/openapi.json')).body
    const shown = JSON.stringify(paths['/api/v1/tasks/{task_id}/status'].get.responses['200'])

    assert.deepEqual(/"enum":(\[[^\]]*PENDING[^\]]*\])/.exec(shown)?.[1], '["PENDING","STARTED","SUCCESS","FAILURE","REVOKED"]')
  })

  describe('Error Codes', () => {
    const names: Record<number, string> = {
      400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 422: 'Unprocessable Entity',
      429: 'Too Many Requests'
    }
    const unknown = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'

    function assertEnvelope ({ status, body }: Answered, expected: number): void {
      assert.equal(status, expected, JSON.stringify(body))
      assert.deepEqual(Object.keys(body).toSorted(), ['error', 'message', 'status'])
      assert.deepEqual([body.status, body.error], [expected, names[expected]])
      assert.ok(body.message.length > 0)
    }

    it('400: malformed JSON, missing fields, an upload that is none', async () => {
      assertEnvelope(await ask('/api/v1/users/register', { method: 'POST', body: '{' }), 400)
      assertEnvelope(await ask('/api/v1/users/register', { method: 'POST', json: { email: 'user@example.com' } }), 400)
      assertEnvelope(await ask('/api/v1/files/upload', { method: 'POST', key, json: {} }), 400)
      assertEnvelope(await ask('/api/v1/files/upload', { method: 'POST', key, body: new FormData() }), 400)
    })

    it('401: no X-API-Key, or one that nobody was given', async () => {
      for (const wrong of [undefined, `ak_${'x'.repeat(32)}`]) {
        for (const [method, path] of [
          ['GET', 'users/status'], ['POST', 'files/upload'], ['GET', `files/retrieve/${unknown}`], ['GET', 'files'],
          ['DELETE', `files/${unknown}`], ['POST', 'files/delete/bulk'], ['POST', `files/${unknown}/pin`], ['POST', `files/${unknown}/unpin`],
          ['GET', 'tasks/d4a2c6f8-0000-4000-8000-000000000000/status']
        ] as const) assertEnvelope(await ask(`/api/v1/${path}`, { method, key: wrong }), 401)
      }
    })

    it('404: a CID or task that this user does not have', async () => {
      for (const [method, path] of [
        ['GET', `files/retrieve/${unknown}`], ['DELETE', `files/${unknown}`], ['POST', `files/${unknown}/pin`],
        ['POST', `files/${unknown}/unpin`], ['GET', 'tasks/d4a2c6f8-0000-4000-8000-000000000000/status']
      ] as const) assertEnvelope(await ask(`/api/v1/${path}`, { method, key }), 404)
    })

    it('409: an address that is registered, a file that is pinned', async () => {
      const { cid } = (await upload('pinned')).body.data

      assertEnvelope(await ask('/api/v1/users/register', { method: 'POST', json: registration }), 409)
      assertEnvelope(await ask(`/api/v1/files/${cid}/pin`, { method: 'POST', key }), 409)
    })

    it('422: well-formed, and refused for what it means', async () => {
      const json = { email: 'user@example.com', verification_code: '000000' }
      assertEnvelope(await ask('/api/v1/users/renew', { method: 'POST', json }), 422)
    })

    it('403: a key that was ended, and an account that is suspended', async () => {
      const made = await ask('/api/v1/users/me/keys', { method: 'POST', key, json: { name: 'short', permissions: ['files:read'] } })
      await ask(`/api/v1/users/me/keys/${made.body.data.id}`, { method: 'DELETE', key })
      assertEnvelope(await ask('/api/v1/files', { key: made.body.data.api_key }), 403)

      const { status, stderr } = await runService(['-c', peer.folder, 'user', 'suspend', 'user@example.com'])
      assert.equal(status, 0, stderr)
      await pollUntil(async () => (await ask('/api/v1/users/status', { key })).status !== 200, { what: 'the suspension' })
      assertEnvelope(await ask('/api/v1/users/status', { key }), 403)
    })

    it('429: too many requests, with Retry-After', async () => {
      let limited: Answered | undefined
      for (let tries = 0; tries < 100 && limited == null; tries++) {
        const answer = await ask('/api/v1/users/login', { method: 'POST', json: { email: 'user@example.com', password: 'wrong password' } })
        if (answer.status === 429) limited = answer
      }

      assert.ok(limited != null)
      assertEnvelope(limited, 429)
      assert.ok(Number(limited.headers.get('retry-after')) >= 1)
    })

    // 500 is what nobody can ask for: test/unit/api/service/front.test.ts makes a handler fail, and test/system/service-fuzz.test.ts finds none
  })
})
