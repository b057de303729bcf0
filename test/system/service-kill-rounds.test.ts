import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { serviceDatabaseFile } from '../../src/node/service/service-database.ts'
import { freePorts } from '../support/free-ports.ts'
import { jsonLines, peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { serviceReady } from '../support/service-peer.ts'

/** `KILL_ROUNDS=100 node --test test/system/service-kill-rounds.test.ts` kills more often. */
const rounds = Number(process.env['KILL_ROUNDS'] ?? 3)
let seed = Number(process.env['KILL_SEED'] ?? 1)

/** Repeats itself for a seed. */
function chance (below: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
  return (seed >> 8) % below
}

let peer: PeerProcess
let api: string
let key: string

async function call (path: string, { json, ...init }: RequestInit & { json?: unknown } = {}): Promise<any> { // any: JSON of whatever
  const headers = { ...(key == null ? {} : { 'x-api-key': key }), ...(json == null ? {} : { 'content-type': 'application/json' }) }
  const body = json == null ? {} : { body: JSON.stringify(json) }
  const response = await fetch(`${api}${path}`, { redirect: 'manual', headers, ...body, ...init })
  const text = await response.text()
  return text.startsWith('{') ? JSON.parse(text) : { status: response.status }
}

const start = async (): Promise<void> => {
  await peer.start()
  await serviceReady(api)
}

async function upload (text: string, pin: 'now' | 'on-access'): Promise<string | undefined> {
  const form = new FormData()
  form.append('file', new Blob([text.repeat(1 + chance(20_000))]), text)
  return (await call(`/api/v1/files/upload?pin=${pin}`, { method: 'POST', body: form })).data?.cid
}

const cids: string[] = []
/** Those whose blocks were made: what was only staged, and deleted, nobody has any more. */
const made: string[] = []

/** One of the things that users do; what comes of it isn't looked at. */
async function act (): Promise<void> {
  const cid = cids[chance(Math.max(1, cids.length))] ?? 'none'
  const what = chance(9)
  if (what <= 2) {
    const cid = await upload(`text ${chance(1_000_000)} `, what === 0 ? 'now' : 'on-access')
    if (cid != null) cids.push(cid)
    if (cid != null && what === 0) made.push(cid)
  } else if (what === 3) await call(`/api/gateway/${cid}`)
  else if (what === 4) await call(`/api/v1/files/${cid}/pin`, { method: 'POST' })
  else if (what === 5) await call(`/api/v1/files/${cid}/unpin`, { method: 'POST' })
  else if (what === 6) await call(`/api/v1/files/${cid}`, { method: 'DELETE' })
  else if (what === 7)
    await call('/api/pinning/pins', { method: 'POST', json: { cid: made[chance(Math.max(1, made.length))] ?? 'none', name: 'a pin' } })
  else await call('/api/v1/files/delete/bulk', { method: 'POST', json: { cids: cids.slice(-3), async: chance(2) === 0 } })
}

interface Found { rows: Record<string, unknown>[] }

/** What the tables say, read beside the peer. */
function ask (sql: string): Found['rows'] {
  const file = serviceDatabaseFile(peer.folder)
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return database.prepare(sql).all() as Found['rows']
  } finally {
    database.close()
  }
}

const atRest = (): boolean => {
  const [{ busy }] = ask(`select (select count(*) from files where state in ('importing', 'pinning'))
    + (select count(*) from files where state = 'pinned' and staging_key is not null)
    + (select count(*) from cluster_pins where applied = 0) + (select count(*) from tasks where state in ('PENDING', 'STARTED'))
    + (select count(*) from pins where status in ('queued', 'pinning')) as busy`) as [{ busy: number }]
  return busy === 0
}

/** Names of what lies in the staging area, half-written things included. */
async function staged (): Promise<Set<string>> {
  const entries = await readdir(join(peer.folder, 'staging'), { recursive: true, withFileTypes: true })
  return new Set(entries.filter(entry => entry.isFile() && entry.name !== 'id').map(({ name }) => name))
}

/** What nothing stands for, anywhere: objects, rows, pins. */
async function orphans (): Promise<Found['rows']> {
  const live = new Set(
    ask('select staging_key from files where staging_key is not null union select staging_key from uploads').map(row => row['staging_key'])
  )
  const pinned = new Set(ask("select cid from cluster_pins where want = 'pin'").map(({ cid }) => cid))
  const pinset = (await jsonLines(await fetch(`${peer.url}/allocations?filter=all`))).map(({ cid }) => cid)
  return [
    ...[...await staged()].filter(key => !live.has(key)).map(object => ({ object })),
    ...pinset.filter(cid => !pinned.has(cid)).map(pin => ({ pin })),
    ...ask('select id as upload, state from uploads'),
    ...ask('select id as reservation, purpose, bytes from reservations'),
    ...ask("select cid as cluster_pin, want, owners from cluster_pins where owners = 0 or want <> 'pin' or applied = 0"),
    ...ask(`select cid as holding from holdings h where not exists (select 1 from files f where f.user_id = h.user_id and f.cid = h.cid)
      and not exists (select 1 from pins p where p.user_id = h.user_id and p.cid = h.cid)`),
    ...ask("select id as task, kind, state from tasks where state in ('PENDING', 'STARTED')")
  ]
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
  const json = { email: 'user@example.com', password: 'securePassword123' }
  key = (await call('/api/v1/users/register', { method: 'POST', json })).data.api_key
}, { timeout: quietMs(60_000) })

after(async () => { await peer?.remove() })

describe('a service that is killed while it is used', { timeout: quietMs(60_000 + rounds * 60_000) }, () => {
  it(`keeps tables, quota, staging and pinset in step (${rounds} rounds)`, async () => {
    for (let round = 0; round < rounds; round++) {
      const acting = Array.from({ length: 4 }, async () => { for (let n = 0; n < 12; n++) await act().catch(() => {}) })
      await new Promise(resolve => setTimeout(resolve, 50 + chance(600)))
      await peer.end('SIGKILL')
      await Promise.all(acting)
      await start()
    }
    await pollUntil(atRest, { everyMs: 200, withinMs: 120_000, what: 'a service at rest' })

    assert.deepEqual(ask(`select u.id from users u where used_bytes <> (select coalesce(sum(size_bytes), 0) from holdings where user_id = u.id)
      + (select coalesce(sum(bytes), 0) from reservations where user_id = u.id)`), [], 'used bytes')
    assert.deepEqual(ask(`select cid, holders from holdings h where holders <>
      (select count(*) from files f where f.user_id = h.user_id and f.cid = h.cid and origin <> 'pins'
        and (staging_key is not null or state in ('staged', 'importing', 'pinning', 'pinned')))
      + (select count(*) from pins p where p.user_id = h.user_id and p.cid = h.cid and status <> 'failed')`), [], 'holders')
    assert.deepEqual(ask(`select cid, owners from cluster_pins c where want = 'pin' and owners <>
      (select count(*) from files f where f.cid = c.cid and owns_pin = 1) + (select count(*) from pins p where p.cid = c.cid)`), [], 'owners')
    const wanted = ask("select cid from cluster_pins where want = 'pin' order by cid").map(({ cid }) => cid)
    const pinset = (await jsonLines(await fetch(`${peer.url}/allocations?filter=all`))).map(({ cid }) => cid).toSorted()
    assert.deepEqual(pinset, wanted, 'the pinset')
    const lying = await staged()
    const lost = ask('select staging_key from files where staging_key is not null').filter(row => !lying.has(String(row['staging_key'])))
    assert.deepEqual(lost, [], 'staged bytes')

    // once more, in order: the reconciliation of this start has nothing left to find
    await peer.end('SIGTERM')
    await start()
    let left: Found['rows'] = [{ nobody: 'has looked' }]
    const isClean = async (): Promise<boolean> => {
      left = await orphans()
      return left.length === 0
    }
    await pollUntil(isClean, { everyMs: 200, withinMs: 60_000 }).catch(() => {})
    assert.deepEqual(left, [], 'orphans')
    const [{ users }] = ask('select count(*) as users from users') as [{ users: number }]
    assert.equal(users, 1)
  })
})
