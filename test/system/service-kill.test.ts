import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { jsonLines, peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { serviceReady } from '../support/service-peer.ts'

/** A peer whose service is killed in the middle of its work, and what has to be so afterwards. */
let peer: PeerProcess
let api: string
let key: string

const start = async (): Promise<void> => {
  await peer.start()
  await serviceReady(api)
}

before(async () => {
  const [port] = await freePorts(1)
  peer = await peerProcess(json => {
    json.api.service = {
      http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}`, registration: 'open', rate_limits: { per_key: '', per_address: '' }
    }
  })
  api = `http://127.0.0.1:${port}`
  await start()
  key = (
    await call('/api/v1/users/register', { method: 'POST', json: { email: 'user@example.com', password: 'securePassword123' } })
  ).data.api_key
}, { timeout: quietMs(60_000) })

after(async () => { await peer?.remove() })

// any: JSON of whatever was asked
async function call (path: string, { json, ...init }: RequestInit & { json?: unknown } = {}): Promise<any> {
  const headers = { ...(key == null ? {} : { 'x-api-key': key }), ...(json == null ? {} : { 'content-type': 'application/json' }) }
  const response = await fetch(`${api}${path}`, {
    redirect: 'manual', headers, ...(json == null ? {} : { body: JSON.stringify(json) }), ...init
  })
  const text = await response.text()
  return text.startsWith('{') ? JSON.parse(text) : { status: response.status }
}

async function stage (sizeBytes: number, name: string): Promise<string> {
  const form = new FormData()
  form.append('file', new Blob([randomBytes(sizeBytes)]), name)
  return (await call('/api/v1/files/upload?pin=on-access', { method: 'POST', body: form })).data.cid
}

const states = async (): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const { state } of (await call('/api/v1/files')).data) counts[state] = (counts[state] ?? 0) + 1
  return counts
}
const stagedObjects = async (): Promise<number> => {
  const entries = await readdir(join(peer.folder, 'staging'), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isFile() && entry.name !== 'id').length
}
const pinset = async (): Promise<number> => (await jsonLines(await fetch(`${peer.url}/allocations?filter=all`))).length

describe('a service that is killed', { timeout: quietMs(240_000) }, () => {
  it('finishes the imports that it had begun, and leaves nothing in staging', async () => {
    const cids = await Promise.all(Array.from({ length: 12 }, async (_, at) => stage(2_000_000, `kill-${at}`)))
    for (const cid of cids) assert.equal((await call(`/api/gateway/${cid}`)).status, 302)

    await peer.end('SIGKILL')
    await start()
    await pollUntil(async () => (await states())['pinned'] === cids.length, { withinMs: 60_000, what: 'the pins' })
    await pollUntil(async () => await stagedObjects() === 0, { withinMs: 30_000, what: 'an empty staging folder' })

    assert.equal(await pinset(), cids.length)
  })

  it('lets a reader wait for a large file that is only now imported', async () => {
    const cid = await stage(60_000_000, 'large')
    const redirect = await fetch(`${api}/api/gateway/${cid}`, { redirect: 'manual' })

    const content = await fetch(new URL(redirect.headers.get('location') ?? '', api))
    const { byteLength } = await content.arrayBuffer()

    assert.deepEqual([redirect.status, content.status, byteLength], [302, 200, 60_000_000])
    await call(`/api/v1/files/${cid}`, { method: 'DELETE' })
  })

  it('goes on with a deletion behind the last batch, and counts each file once', async () => {
    await Promise.all(Array.from({ length: 300 }, async (_, at) => stage(100, `old-${at}`)))
    const kept = await stage(100, 'kept')
    const { data: { task_id: task } } = await call('/api/v1/files/delete/bulk', { method: 'POST', json: { filter: { q: 'old-' } } })

    await peer.end('SIGKILL')
    await start()
    let answer: any
    await pollUntil(async () => {
      answer = await call(`/api/v1/tasks/${task}/status`)
      return answer.data.state === 'SUCCESS'
    }, { withinMs: 90_000, what: 'the task' })

    assert.deepEqual([answer.data.result.deleted, await states()], [300, { pinned: 12, staged: 1 }])
    await call(`/api/v1/files/${kept}`, { method: 'DELETE' })
  })

  it('leaves nothing of an account that is emptied', async () => {
    const { data: { task_id: task } } = await call('/api/v1/files/delete/bulk', { method: 'POST', json: { filter: {} } })
    await pollUntil(
      async () => (await call(`/api/v1/tasks/${task}/status`)).data.state === 'SUCCESS', { withinMs: 60_000, what: 'the task' }
    )
    await pollUntil(async () => await pinset() === 0, { withinMs: 30_000, what: 'an empty pinset' })

    const { data } = await call('/api/v1/users/status')
    assert.deepEqual([data.file_count, data.total_size_bytes], [0, 0])
  })

  it('ends an account that was being deleted, and gives its export before', async () => {
    await stage(100, 'staged')
    const form = new FormData()
    form.append('file', new Blob(['pinned']), 'pinned.txt')
    const { data: { cid } } = await call('/api/v1/files/upload', { method: 'POST', body: form })
    await call('/api/pinning/pins', { method: 'POST', json: { cid: 'bafkqaa3gn5xq', name: 'by the API' } })
    const { data: { task_id: task } } = await call('/api/v1/users/me/export', { method: 'POST' })
    await pollUntil(
      async () => (await call(`/api/v1/tasks/${task}/status`)).data.state === 'SUCCESS', { withinMs: 60_000, what: 'the export' }
    )
    const exported = await call(`/api/v1/users/me/export/${task}`)

    const started = await call('/api/v1/users/me', { method: 'DELETE', json: { password: 'securePassword123' } })
    await peer.end('SIGKILL')
    await start()
    const credentials = { email: 'user@example.com', password: 'securePassword123' }
    await pollUntil(async () => (await call('/api/v1/users/register', { method: 'POST', json: credentials })).status === 201, {
      everyMs: 500, withinMs: 120_000, what: 'an address that is free again'
    })

    assert.equal(started.status, 202)
    assert.deepEqual(
      exported.files.map((file: any) => [file.original_filename, file.origin]).toSorted(),
      [['by the API', 'pins'], ['pinned.txt', 'upload'], ['staged', 'upload']]
    )
    assert.deepEqual(
      [exported.account.email, exported.pins.length, exported.groups, exported.files.some((file: any) => file.cid === cid)],
      ['user@example.com', 1, [], true]
    )
    assert.doesNotMatch(JSON.stringify(exported), /"(password_hash|secret_hash|staging_key)"|argon2/)
    await pollUntil(async () => await pinset() === 0 && await stagedObjects() === 0, { withinMs: 30_000, what: 'nothing left' })
  })
})
