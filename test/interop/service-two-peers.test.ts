import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../support/poll.ts'
import { postgresMissing, PostgresServer } from '../support/postgres-server.ts'
import { findS3Server, startS3Server } from '../support/s3-server.ts'
import type { S3Server } from '../support/s3-server.ts'
import { password, serviceProcess } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'

const found = findS3Server()
const missing = postgresMissing ?? ('missing' in found ? found.missing : null)

/** Two peers of one cluster, one PostgreSQL, one bucket: one service. In the end one of the peers is killed in the middle of its work. */
describe('a service of two peers on PostgreSQL and S3', { skip: missing ?? false, timeout: 150_000 }, () => {
  let postgres: PostgresServer
  let s3: S3Server
  let peers: [ServiceProcess, ServiceProcess]
  let key: string

  before(async () => {
    if ('missing' in found) return
    postgres = await PostgresServer.create()
    s3 = await startS3Server(found.program)
    const { endpoint, bucket, region, accessKey, secretKey } = s3.settings
    const section = {
      registration: 'open', database: { url: await postgres.createDatabase() },
      staging: { s3: { endpoint, bucket, region, access_key: accessKey, secret_key: secretKey } }
    }
    const inOneCluster = (json: any): void => { // any: service.json
      json.cluster.secret = 'ab'.repeat(32)
      json.consensus.crdt.trusted_peers = ['*']
    }
    peers = [await serviceProcess(section, inOneCluster), await serviceProcess(section, inOneCluster)]
    await peers[0].start()
    await peers[1].start(['--bootstrap', await addressOf(peers[0])])
    key = await peers[0].register('user@example.com')
  }, { timeout: 90_000 })

  after(async () => {
    for (const { peer } of peers ?? []) await peer.remove()
    await s3?.close()
    await postgres?.remove()
  })

  const addressOf = async ({ peer }: ServiceProcess): Promise<string> => {
    const { addresses } = await (await fetch(`${peer.url}/id`)).json() as { addresses: string[] }
    return addresses.find(address => address.startsWith('/ip4/127.0.0.1/')) ?? ''
  }
  // any: JSON of whatever was asked
  const ask = async (at: 0 | 1, path: string, init: RequestInit & { key?: string } = {}): Promise<{ status: number, body: any }> => {
    const response = await fetch(`${peers[at].api}${path}`, { redirect: 'manual', ...init, headers: { 'x-api-key': init.key ?? key } })
    const body = await response.text()
    return { status: response.status, body: body.startsWith('{') ? JSON.parse(body) : body }
  }
  // any: as above
  const post = async (at: 0 | 1, path: string, body: unknown, more: { key?: string } = {}): Promise<{ status: number, body: any }> =>
    ask(at, path, { method: 'POST', body: JSON.stringify(body), ...more })
  const upload = async (at: 0 | 1, name: string, content: string, query = ''): Promise<{ cid: string }> => {
    const form = new FormData()
    form.append('file', new Blob([content]), name)
    const { status, body } = await ask(at, `/api/v1/files/upload${query}`, { method: 'POST', body: form })
    assert.equal(status, 201, JSON.stringify(body))
    return body.data
  }

  it('knows on one what was made on the other, and forgets within a second what ended there', async () => {
    const own = (await post(0, '/api/v1/users/me/keys', { name: 'own' })).body.data
    assert.equal((await ask(1, '/api/v1/users/status', { key: own.api_key })).status, 200)

    await ask(0, `/api/v1/users/me/keys/${own.id}`, { method: 'DELETE' })

    await pollUntil(
      async () => (await ask(1, '/api/v1/users/status', { key: own.api_key })).status === 403,
      { everyMs: 10, withinMs: 1500, what: 'the revocation' }
    )
    assert.equal((await post(1, '/api/v1/users/login', { email: 'user@example.com', password })).status, 200)
  })

  it('gives on one what is staged by the other, and pins it when it is read', async () => {
    const { cid } = await upload(0, 'staged.txt', 'staged by the first', '?pin=on-access')
    assert.equal((await ask(1, `/api/v1/files/${cid}`)).body.data.state, 'staged')
    assert.equal((await ask(1, `/api/v1/files/retrieve/${cid}`)).body, 'staged by the first')

    assert.equal((await ask(1, `/api/gateway/${cid}`)).status, 302)

    await pollUntil(async () => (await ask(0, `/api/v1/files/${cid}`)).body.data.state === 'pinned', { what: 'the pin' })
  })

  it('keeps one quota, whichever peer takes the bytes', async () => {
    const { body: { data: { used_bytes: before } } } = await ask(0, '/api/v1/users/status')

    await Promise.all(
      [
        upload(0, 'a', 'a'.repeat(1000)), upload(1, 'b', 'b'.repeat(1000)), upload(0, 'c', 'c'.repeat(1000)),
        upload(1, 'c', 'c'.repeat(1000))
      ]
    )

    for (const at of [0, 1] as const) assert.equal((await ask(at, '/api/v1/users/status')).body.data.used_bytes, before + 3000)
  })

  it('orders pins that both make at once, each with a time of its own', async () => {
    const { cid } = await upload(0, 'pinned', 'pinned often')

    const made = await Promise.all(
      Array.from({ length: 12 }, async (_one, at) => post(at % 2 as 0 | 1, '/api/pinning/pins', { cid, name: `pin ${at}` }))
    )

    assert.ok(made.every(({ status }) => status === 201 || status === 202), JSON.stringify(made.find(({ status }) => status > 202)))
    assert.equal(new Set(made.map(({ body }) => body.created)).size, 12)
    const names = async (at: 0 | 1): Promise<string[]> => (
      await ask(at, '/api/pinning/pins?limit=20&status=queued,pinning,pinned,failed')
    ).body.results.map((one: any) => one.pin.name)
    assert.deepEqual(await names(0), await names(1))
  })

  it('answers 503 while the database or the bucket is away, and comes back by itself', async () => {
    const awayTo = async (path: string, init: RequestInit = {}): Promise<void> => {
      const response = await fetch(`${peers[0].api}${path}`, { ...init, headers: { 'x-api-key': key } })
      assert.equal(response.status, 503, await response.text())
      assert.match(response.headers.get('retry-after') ?? '', /^\d+$/)
    }
    const form = (): FormData => {
      const form = new FormData()
      form.append('file', new Blob(['while it is away']), 'away.txt')
      return form
    }
    const files = async (at: 0 | 1): Promise<string[]> => (await ask(at, '/api/v1/files')).body.data.map((file: any) => file.cid)
    const { cid } = await upload(0, 'said.txt', 'what was said stays', '?pin=on-access')
    const said = await files(0)
    await postgres.stop()
    await pollUntil(async () => (await ask(0, '/api/v1/users/status')).status === 503, { what: 'the loss of the database' })
    await awayTo('/api/v1/users/register', { method: 'POST', body: JSON.stringify({ email: 'late@example.com', password }) })
    await awayTo('/api/v1/files/upload', { method: 'POST', body: form() })
    await postgres.start()
    for (const at of [0, 1] as const) {
      await pollUntil(async () => (await ask(at, '/api/v1/users/status')).status === 200, { what: 'the database' })
    }

    for (const at of [0, 1] as const) assert.deepEqual(await files(at), said)

    await s3.pause()
    await awayTo('/api/v1/files/upload?pin=on-access', { method: 'POST', body: form() })
    await awayTo(`/api/v1/files/retrieve/${cid}`)
    await s3.resume()
    for (const at of [0, 1] as const) assert.deepEqual(await files(at), said)
    await pollUntil(async () => (await ask(1, `/api/v1/files/retrieve/${cid}`)).body === 'what was said stays', { what: 'the bucket' })

    await upload(0, 'away.txt', 'while it is away')
    assert.equal((await post(1, '/api/v1/users/register', { email: 'late@example.com', password })).status, 201)
  })

  it('goes on when one is killed in the middle of its work: tasks end, nothing that was said is lost', async () => {
    const cids: string[] = []
    for (let at = 0; at < 30; at++) cids.push((await upload(0, `kept ${at}`, `kept ${at}`, '?pin=on-access')).cid)
    const doomed = await Promise.all(
      Array.from({ length: 5 }, async (_one, at) => upload(0, `doomed ${at}`, `doomed ${at}`, '?pin=on-access'))
    )
    const { body: { data: { task_id: task } } } = await post(0, '/api/v1/files/delete/bulk', {
      cids: doomed.map(({ cid }) => cid), async: true
    })

    await peers[0].peer.end('SIGKILL')

    await pollUntil(
      async () => (await ask(1, `/api/v1/tasks/${task}/status`)).body.data.state === 'SUCCESS',
      { withinMs: 60_000, what: 'the task of the one that died' }
    )
    for (const cid of cids) assert.match((await ask(1, `/api/v1/files/retrieve/${cid}`)).body, /^kept \d+$/)
    for (const { cid } of doomed) assert.equal((await ask(1, `/api/v1/files/${cid}`)).status, 404)
    await peers[0].start(['--bootstrap', await addressOf(peers[1])])
    await pollUntil(async () => (await ask(0, `/api/v1/files/${cids[0]}`)).status === 200, { what: 'the one that died' })
    assert.equal((await ask(0, '/api/v1/users/status')).body.data.used_bytes, (await ask(1, '/api/v1/users/status')).body.data.used_bytes)
  })
})
