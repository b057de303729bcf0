import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { operationsOf, sampleOf, textOf } from '../support/service-documents.ts'
import type { Operation } from '../support/service-documents.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { password, serviceProcess } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'

/**
 * Two users, every route: one tries what the other's things are called. The routes come from the documents, which come from the table that
 * is served; a route whose path has something new in braces fails here until it is said whose that is.
 */
let service: ServiceProcess
let alice: string
let bob: string
let things: Awaited<ReturnType<typeof makeThings>>

/** Everybody may: what the secret in the path is good for, and what is public. */
const forEverybody = [
  '/api/v1/links/{secret}/limits', '/api/v1/links/{secret}/upload', '/api/gateway/{path}', '/ipfs/{path}', '/ipns/{path}'
]
const usual = 'not the password of anybody'

const ask = async (
  path: string,
  { method = 'GET', key, body, headers = {} }: {
    method?: string, key?: string, body?: string | FormData, headers?: Record<string, string>
  } = {}
): Promise<{ status: number, text: string, headers: Headers }> => {
  const response = await fetch(`${service.api}${path}`, {
    method, redirect: 'manual', headers: { ...(key == null ? {} : { 'x-api-key': key }), ...headers }, ...(body == null ? {} : { body })
  })
  return { status: response.status, text: await textOf(response), headers: response.headers }
}
const make = async (path: string, body: unknown, key: string, method = 'POST'): Promise<any> => { // any: whatever was made
  const { status, text } = await ask(path, { method, key, body: JSON.stringify(body) })
  assert.ok(status < 300, `${path}: ${status} ${text}`)
  return JSON.parse(text)
}

/** One of each. */
async function makeThings (key: string) {
  const form = new FormData()
  form.append('file', new Blob(['of alice alone']), 'secret-name.txt')
  const uploaded = JSON.parse((await ask('/api/v1/files/upload', { method: 'POST', key, body: form })).text)
  const group = await make('/api/v1/groups', { name: 'group of alice' }, key)
  const own = await make('/api/v1/users/me/keys', { name: 'key of alice' }, key)
  const link = await make('/api/v1/links', {}, key)
  const pin = await make(
    '/api/pinning/pins', { cid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', name: 'pin of alice' }, key
  )
  const task = await make('/api/v1/users/me/export', {}, key)
  const tus = await ask('/api/v1/uploads', { method: 'POST', key, headers: { 'tus-resumable': '1.0.0', 'upload-length': '100' } })
  await ask('/api/v1/users/login', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: 'alice@example.com', password })
  })
  const sessions = JSON.parse((await ask('/api/v1/users/me/sessions', { key })).text)
  const webhook = await make('/api/v1/webhooks', { url: 'https://93.184.215.14/hook' }, key)
  await make(`/api/v1/webhooks/${webhook.data.id}`, { state: 'paused' }, key, 'PATCH')
  const status = JSON.parse((await ask('/api/v1/users/status', { key })).text)
  return {
    email: status.data.email as string,
    cid: uploaded.data.cid as string,
    group: group.data.id as string,
    key: own.data.id as string,
    link: link.data.id as string,
    requestid: pin.requestid as string,
    task: task.data.task_id as string,
    webhook: webhook.data.id as string,
    session: sessions.data[0].id as string,
    upload: tus.headers.get('location')?.split('/').at(-1) ?? ''
  }
}

before(async () => {
  service = await serviceProcess({ registration: 'open' })
  await service.start()
  alice = await service.register('alice@example.com')
  bob = await service.register('bob@example.com')
  things = await makeThings(alice)
  await pollUntil(
    async () => (await ask(`/api/v1/tasks/${things.task}/status`, { key: alice })).text.includes('SUCCESS'), { what: 'the export' }
  )
}, { timeout: quietMs(60_000) })

after(async () => { await service?.peer.remove() })

/** All rows that belong to a user, but for what changes with time. */
function rowsOf (email: string): Record<string, unknown[]> {
  const db = new DatabaseSync(join(service.peer.folder, 'service/service.sqlite'), { readOnly: true })
  try {
    const { id } = db.prepare('select id from users where email = ?').get(email) as { id: string }
    const tables = (
      db.prepare("select name from sqlite_master where type = 'table'").all() as Array<{ name: string }>
    ).map(({ name }) => name)
    const owned = tables.filter(
      table => !['audit', 'usage_days', 'events', 'event_heads'].includes(table)
        && db.prepare('select name from pragma_table_info(?)').all(table).some(column => column.name === 'user_id')
    )
    const changing = new Set(['last_used_at', 'view_count', 'last_accessed_at', 'views', 'info', 'status'])
    const plain = (row: Record<string, unknown>): Record<string, unknown> =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !changing.has(column)))
    return Object.fromEntries(owned.map(table => [table, db.prepare(`select * from ${table} where user_id = ?`).all(id).map(plain)]))
  } finally {
    db.close()
  }
}

/** Alice's thing that a path names; undefined when nobody has said what that is. */
function nameFor ({ path }: Operation, param: string): string | undefined {
  const known: Array<[pattern: RegExp, name: string]> = [
    [/^\/api\/v1\/users\/me\/keys\/\{id\}/, things.key],
    [/^\/api\/v1\/users\/me\/sessions\/\{id\}/, things.session],
    [/^\/api\/v1\/users\/me\/export\/\{task_id\}/, things.task],
    [/^\/api\/v1\/tasks\/\{task_id\}/, things.task],
    [/^\/api\/v1\/groups\/\{id\}/, things.group],
    [/^\/api\/v1\/uploads\/\{id\}/, things.upload],
    [/^\/api\/v1\/links\/\{id\}/, things.link],
    [/^\/api\/v1\/webhooks\/\{id\}/, things.webhook],
    [/^\/api\/v1\/files\/(retrieve\/)?\{cid\}/, things.cid],
    [/^\/api\/v1\/admin\/users\/\{id\}/, 'anybody'],
    [/^\/api\/v1\/admin\/invites\/\{id\}/, 'anybody'],
    [/^\/api\/v1\/admin\/tasks\/\{task_id\}/, things.task],
    [/^\/api\/pinning\/pins\/\{requestid\}/, things.requestid]
  ]
  return param === 'secret' ? undefined : known.find(([pattern]) => pattern.test(path))?.[1]
}

const mine = (name: string): unknown => (
  {
    cid: things.cid, cids: [things.cid], group: things.group, email: 'carol@example.com', password: usual, old_password: usual,
    new_password: usual
  } as Record<string,
  unknown>
)[name]

async function tryAs (key: string, operation: Operation): Promise<{ status: number, text: string }> {
  const path = operation.path.replace(/\{(\w+)\}/g, (_all, param: string) => encodeURIComponent(nameFor(operation, param) ?? 'x'))
  const headers: Record<string, string> = operation.path.includes('/uploads')
    ? { 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
    : {}
  const body = operation.body == null ? operation.upload == null ? undefined : 'bytes' : JSON.stringify(sampleOf(operation.body, mine))
  return ask(path, { method: operation.method, key, headers, ...(body == null ? {} : { body }) })
}

describe('two users of the service', { timeout: quietMs(60_000) }, () => {
  it("can't see, change or remove what is the other's, on any route", async () => {
    const operations = (await operationsOf(service.api)).filter(({ path }) => !forEverybody.includes(path))
    assert.ok(operations.length > 40, `${operations.length} routes`)
    const before = rowsOf('alice@example.com')

    const wrong: string[] = []
    for (const operation of operations) {
      const { method, path, params } = operation
      const isBesideLink = params.includes('secret')
      if (!isBesideLink) for (const param of params) assert.ok(nameFor(operation, param) != null, `${method} ${path}: whose is {${param}}?`)
      const { status, text } = await tryAs(bob, operation)
      const names = Object.values(things).filter(thing => thing !== things.cid && text.includes(thing))
      const isHidden = params.length === 0 || (path.startsWith('/api/v1/admin/') ? status === 403 : status === 404)
      if (!isHidden || status >= 500 || names.length > 0) wrong.push(`${method} ${path}: ${status} ${text.slice(0, 200)}`)
      assert.deepEqual(rowsOf('alice@example.com'), before, `${method} ${path} changed something of the other's`)
    }

    assert.deepEqual(wrong, [])
  })

  it('find their own things on the same routes', async () => {
    const operations = await operationsOf(service.api)
    const reading = operations.filter(
      ({ method, path, params }) => method === 'GET' && params.length > 0 && !params.includes('secret') && !forEverybody.includes(path)
        && !path.startsWith('/api/v1/admin/')
    )
    assert.ok(reading.length >= 5)

    for (const operation of reading) assert.equal((await tryAs(alice, operation)).status, 200, `${operation.method} ${operation.path}`)
  })

  it('are asked who they are on every route that is not open', async () => {
    for (const operation of await operationsOf(service.api)) {
      if (operation.isOpen) continue
      const { status } = await tryAs('', operation)
      assert.equal(status, 401, `${operation.method} ${operation.path}`)
    }
  })
})
