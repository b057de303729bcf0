import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../support/poll.ts'
import { anyPostgres, postgresMissing } from '../support/postgres-server.ts'
import { anyEmail, servicePeer, type ServicePeer } from '../support/service-peer.ts'

/** Two real peers of one cluster on one PostgreSQL and one staging area are one service. */
describe('two peers on one database', { skip: postgresMissing ?? false }, () => {
  let database: string
  let postgres: Awaited<ReturnType<typeof anyPostgres>>
  let staging: string
  let first: ServicePeer
  let second: ServicePeer
  let key: string

  before(async () => {
    postgres = await anyPostgres()
    staging = await mkdtemp(join(tmpdir(), 'helia-cluster-staging-'))
    const secret = randomBytes(32).toString('hex')
    database = await postgres.server.createDatabase()
    const section = { database: { url: database }, staging: { folder: staging }, rate_limits: { login: '6/1m' } }
    const peer = async (): Promise<ServicePeer> => servicePeer(section, json => { json.cluster.secret = secret })
    first = await peer()
    second = await peer()
    await first.start()
    const { addresses } = await (await fetch(`${first.url}/id`)).json() as { addresses: string[] }
    await second.start(['--bootstrap', addresses.join(',')])
    key = await first.register(anyEmail())
  })
  after(async () => {
    for (const peer of [first, second]) await peer?.remove()
    await postgres?.release()
    await rm(staging, { recursive: true, force: true })
  })

  // any: whatever it answers
  const ask = async (
    peer: ServicePeer, path: string, { method = 'GET', body, as = key }: { method?: string, body?: unknown, as?: string } = {}
  ): Promise<{ status: number, json: any }> => {
    const isForm = body instanceof FormData
    const headers = { 'x-api-key': as, ...(isForm || body == null ? {} : { 'content-type': 'application/json' }) }
    const response = await fetch(`${peer.service}${path}`, {
      method, headers, ...(body == null ? {} : { body: isForm ? body : JSON.stringify(body) })
    })
    return { status: response.status, json: await response.json().catch(() => null) }
  }
  const upload = async (peer: ServicePeer, text: string): Promise<string> => {
    const form = new FormData()
    form.append('file', new Blob([text]), `${text}.txt`)
    const { status, json } = await ask(peer, '/api/v1/files/upload?pin=on-access', { method: 'POST', body: form })
    assert.equal(status, 201, JSON.stringify(json))
    return json.data.cid as string
  }
  const listed = async (peer: ServicePeer): Promise<string[]> => (await ask(peer, '/api/v1/files')).json.data.map(
    (file: { cid: string }) => file.cid
  ).toSorted()

  it('know the same keys, files and figures', async () => {
    const cids = [await upload(first, 'of the first'), await upload(second, 'of the second')].toSorted()

    assert.deepEqual(await listed(first), cids)
    assert.deepEqual(await listed(second), cids)
    assert.equal((await ask(second, '/api/v1/users/status')).json.data.file_count, 2)
    const content = await fetch(`${second.service}/api/v1/files/retrieve/${cids[0]}`, { headers: { 'x-api-key': key } })
    assert.match(await content.text(), /^of the (first|second)$/)
  })

  it('refuse a key everywhere as soon as it is revoked anywhere', async () => {
    const { json: { data } } = await ask(first, '/api/v1/users/me/keys', { method: 'POST', body: { name: 'short-lived' } })
    assert.equal((await ask(second, '/api/v1/users/status', { as: data.api_key })).status, 200)

    await ask(first, `/api/v1/users/me/keys/${data.id}`, { method: 'DELETE' })

    await pollUntil(
      async () => (await ask(second, '/api/v1/users/status', { as: data.api_key })).status === 403,
      { withinMs: 2000, what: 'the refusal of the other peer' }
    )
  })

  it('count one limit together', async () => {
    const guess = async (peer: ServicePeer): Promise<number> => (
      await ask(peer, '/api/v1/users/login', { method: 'POST', body: { email: 'nobody@example.com', password: 'a guess' } })
    ).status

    const statuses: number[] = []
    for (let at = 0; at < 8; at++) statuses.push(await guess(at % 2 === 0 ? first : second))

    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 401, 429, 429])
  })

  it('let no third one serve that keeps uploads elsewhere', async () => {
    const third = await servicePeer({ database: { url: database } })
    try {
      const started = third.start()
      started.catch(() => {})
      const status = async (): Promise<number | undefined> => (
        await fetch(`${third.service}/api/v1/users/status`, { headers: { 'x-api-key': key } }).catch(() => undefined)
      )?.status

      await pollUntil(() => /keeps uploads in its folder/.test(third.log()), { withinMs: 30_000, what: 'the refusal in the log' })

      assert.equal(await status(), 503)
    } finally {
      await third.remove()
    }
  })

  it('do not pass the quota together', async () => {
    const before = await listed(first)
    await postgres.server.query('update users set quota_bytes = used_bytes + 3000', database.slice(database.lastIndexOf('/') + 1))

    const results = await Promise.all(Array.from({ length: 12 }, async (_one, at) => {
      const form = new FormData()
      form.append('file', new Blob([`${at}`.padEnd(1000)]), `${at}.txt`)
      return (await ask(at % 2 === 0 ? first : second, '/api/v1/files/upload?pin=on-access', { method: 'POST', body: form })).status
    }))

    assert.ok(results.every(status => status === 201 || status === 422), `${results}`)
    assert.ok(results.filter(status => status === 201).length <= 3, `${results}`)
    assert.equal((await listed(second)).length, before.length + results.filter(status => status === 201).length)
  })

  it('go on when one of them is killed, with its tasks too', async () => {
    const cids = await listed(first)
    const { status, json } = await ask(first, '/api/v1/files/delete/bulk', { method: 'POST', body: { cids, async: true } })
    assert.equal(status, 202)

    await first.end('SIGKILL')

    await pollUntil(
      async () => (await ask(second, `/api/v1/tasks/${json.data.task_id}/status`)).json.data.state === 'SUCCESS',
      { withinMs: 60_000, everyMs: 200, what: 'the end of the task' }
    )
    assert.deepEqual(await listed(second), [])
    assert.equal((await ask(second, '/api/v1/users/status')).json.data.file_count, 0)
    await upload(second, 'after the kill')
  })
})
