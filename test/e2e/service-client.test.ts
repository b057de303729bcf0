import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ServiceClient, ServiceError } from '../../src/client/service/service-client.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { servicePeer } from '../support/service-peer.ts'
import type { ServicePeer } from '../support/service-peer.ts'

/** The typed client against a real peer: everything that the service's documents have can be called with it. */
let peer: ServicePeer
const called = new Set<string>()
const recording: typeof fetch = async (input, init) => {
  called.add(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname}`)
  return fetch(input, init)
}
const clientOf = (key?: string): ServiceClient =>
  new ServiceClient({ url: peer.service, fetch: recording, ...(key == null ? {} : { key }) })
const refused = (status: number) => (err: unknown): boolean => err instanceof ServiceError && err.status === status
const text = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => Buffer.concat(await Array.fromAsync(bytes)).toString()
const password = 'a long password'
let client: ServiceClient

before(async () => {
  peer = await servicePeer({ mail: { log: true } })
  await peer.start()
  const { api_key: key } = await clientOf().account.register({ email: 'user@example.com', password })
  client = clientOf(key)
}, { timeout: quietMs(60_000) })

after(async () => { await peer?.remove() })

describe('the client of the service', () => {
  it('tends an account and its keys', async () => {
    const created = await client.account.createKey({ name: 'reads', permissions: ['files:read'] })
    const reader = clientOf(created.api_key)

    await assert.rejects(reader.account.status(), refused(403))
    await client.account.revokeKey(created.id)

    const [status, keys, usage] = await Promise.all([client.account.status(), client.account.keys(), client.account.usage({ days: 2 })])
    assert.equal(status.email, 'user@example.com')
    assert.notEqual(keys.find(({ id }) => id === created.id)?.revoked_at, null)
    assert.equal(usage.length, 2)
    await client.account.changePassword({ old_password: password, new_password: password })
    assert.equal((await client.account.login({ email: 'user@example.com', password })).role, 'user')
    const [session] = await client.account.sessions()
    assert.deepEqual([session?.current, session?.address], [false, '127.0.0.1'])
    await client.account.endSession(session?.id ?? '')
    assert.deepEqual(await client.account.sessions(), [])
    await client.account.endOtherSessions()
    await client.account.logout().catch(() => {}) // a session is a cookie, which only browsers keep
    for (const mails of [client.account.mailVerification, client.account.mailRenewal, client.account.mailPasswordReset]) {
      await mails.call(client.account, 'nobody@example.com')
    }
    const proof = { email: 'user@example.com', verification_code: '000000' }
    await assert.rejects(client.account.verify(proof), ServiceError)
    await assert.rejects(client.account.renew(proof), ServiceError)
    await assert.rejects(client.account.resetPassword({ ...proof, new_password: password }), ServiceError)
  })

  it('uploads files and folders of any name, lists, reads, changes and deletes them', async () => {
    const group = await client.groups.create('letters')
    const file = await client.files.upload({ path: 'ein "Brief" + 1.txt', content: 'hello' }, { group: group.id, meta: { app: 'test' } })
    const folder = await client.files.uploadDirectory((async function * () {
      for (let n = 0; n < 3; n++) yield { path: `folder/sub/${n}.txt`, content: (async function * () { yield Buffer.from(`file ${n}`) })() }
    })())

    assert.equal(file.original_filename, 'ein "Brief" + 1.txt')
    assert.equal(await text(client.files.retrieve(file.cid, { range: [1, 3] })), 'ell')
    assert.match(await text(client.files.retrieve(folder.cid)), /sub\/2\.txt/)
    assert.deepEqual((await Array.fromAsync(client.files.list({ limit: 1 }), one => one.cid)).toSorted(), [file.cid, folder.cid].toSorted())
    assert.deepEqual(
      (await client.files.page({ q: 'brief', meta: { app: 'test' }, sort: 'size_bytes' })).data.map(({ cid }) => cid), [file.cid]
    )
    assert.equal((await client.files.change(file.cid, { original_filename: 'letter.txt', group: null })).group, null)
    await client.files.unpin(file.cid)
    await client.files.pin(file.cid)
    await assert.rejects(client.files.pin(file.cid), refused(409))
    assert.deepEqual(await client.files.unpinMany([file.cid]), { changed: [file.cid], failed: [] })
    const { task_id: pinning } = await client.files.pinWhere({ q: 'letter', except: [folder.cid] })
    await pollUntil(async () => (await client.files.get(file.cid)).state === 'pinned')
    assert.deepEqual((await client.tasks.status(pinning)).kind, 'files-pins')
    assert.deepEqual(await client.files.pinMany([file.cid]), { changed: [], failed: [] })
    assert.equal('task_id' in await client.files.unpinWhere({ q: 'nothing like it' }), true)
    assert.deepEqual((await client.files.page({ offset: 1, limit: 1, total: true })).total, 2)
    assert.equal((await client.files.get(file.cid)).state, 'pinned')
    await assert.rejects(client.files.fromCid({ cid: file.cid }), refused(409))
    await client.groups.rename(group.id, 'post')
    assert.deepEqual((await client.groups.list()).map(({ name }) => name), ['post'])
    await client.groups.delete(group.id)
    await client.files.delete(file.cid)
    assert.deepEqual(await client.files.deleteMany([folder.cid, file.cid]), { deleted: 1, failed: [file.cid] })
    const { task_id: task } = await client.files.deleteWhere({})
    await pollUntil(async () => (await client.tasks.status(task)).state === 'SUCCESS')
    assert.equal((await client.tasks.list({ limit: 5 })).some(one => one.task_id === task), true)
    await assert.rejects(client.tasks.revoke(task), refused(409))
  })

  it('goes on with uploads, and uploads by a link', async () => {
    const content = new Blob([Buffer.alloc(300_000, 7)])
    const events = client.uploads.events()
    const first = events.next()
    const id = await client.uploads.create({ name: 'ein Bild.bin', type: 'image/png', sizeBytes: content.size })
    const offsets: number[] = []

    await assert.rejects(client.uploads.send(id, content, { chunkBytes: 100_000, onProgress: offset => {
      offsets.push(offset)
      if (offset === 100_000) throw new Error('gone')
    } }), /gone/)
    await client.uploads.send(id, content, { chunkBytes: 100_000, onProgress: offset => offsets.push(offset) })
    await pollUntil(async () => (await client.uploads.status(id)).state === 'done')

    assert.deepEqual(offsets, [100_000, 200_000, 300_000])
    assert.equal((await first).value?.id, id)
    await events.return()
    assert.equal((await client.uploads.list()).some(one => one.id === id), true)
    const other = await client.uploads.create({ name: 'never.bin', sizeBytes: 10 })
    await client.uploads.delete(other)
    const link = await client.links.create({ max_bytes: 1000, content_types: ['application/octet-stream'], max_uses: 2 })
    const anybody = clientOf()
    assert.equal((await anybody.links.limits(link.secret)).max_bytes, 1000)
    await anybody.links.upload(link.secret, { path: 'theirs.bin', content: Buffer.of(1, 2) })
    const byLink = anybody.links.resumable(link.secret)
    const theirs = await byLink.create({ name: 'more.bin', type: 'application/octet-stream', sizeBytes: 3 })
    await byLink.send(theirs, new Blob([Buffer.of(1, 2, 3)]))
    await byLink.delete(theirs).catch(() => {}) // it may be finished already
    await client.links.revoke(link.id)
    assert.equal((await client.links.list())[0]?.uses, 2)
  })

  it('hears what happens, and has it sent elsewhere', async () => {
    const heard: string[] = []
    const end = new AbortController()
    const listening = (async () => {
      for await (const { type, data } of client.events({ after: 'oldest', types: ['file'], signal: end.signal })) {
        heard.push(`${type} ${String(data.name)}`)
      }
    })().catch(() => {})
    await client.files.upload({ path: 'heard.txt', content: 'heard of' })
    await pollUntil(() => heard.includes('file.created heard.txt'))
    end.abort()
    await listening

    // an address for documentation: nobody is there
    const { id, secret } = await client.webhooks.create({ url: 'http://192.0.2.1/hook', types: ['pin'] })
    assert.notEqual((await client.webhooks.renewSecret(id)).secret, secret)
    assert.equal((await client.webhooks.change(id, { state: 'paused' })).state, 'paused')
    const tested = client.webhooks.test(id, { signal: end.signal })
    await assert.rejects(tested)
    await assert.rejects(client.webhooks.create({ url: 'http://127.0.0.1/' }), refused(400))
    assert.deepEqual(await client.webhooks.deliveries(id), [])
    assert.equal((await client.webhooks.list()).length, 1)
    await client.webhooks.remove(id)
  })

  it('pins, imports, exports and ends the account', async () => {
    const { cid } = await client.files.upload({ path: 'pinned.txt', content: 'pinned' })
    const pin = await client.pins.add({ cid, name: 'a pin', meta: { app: 'test' } })
    assert.equal((await client.pins.get(pin.requestid)).pin.name, 'a pin')
    await client.pins.change(pin.requestid, { cid, name: 'another' })
    await pollUntil(async () => (await client.pins.page({ name: 'another' })).count === 1)
    assert.deepEqual(
      await Array.fromAsync(client.pins.list({ status: ['queued', 'pinning', 'pinned'], cid: [cid] }), one => one.pin.name), ['another']
    )
    assert.match(await text(client.pins.export()), new RegExp(cid))
    await client.pins.delete(pin.requestid)
    await assert.rejects(client.pins.import({ endpoint: 'http://127.0.0.1:9/', token: 'x' }), ServiceError)
    const { admin } = client
    const asks = [
      admin.users(), admin.user('x'), admin.change('x', { quota_bytes: 1 }), admin.usage('x'), admin.invite(), admin.invites(),
      admin.revokeInvite('x'), admin.audit(), admin.tasks(), admin.revokeTask('x')
    ]
    await Promise.all(asks.map(async ask => assert.rejects(ask, refused(403))))
    const { task_id: task } = await client.account.export()
    await pollUntil(async () => (await client.tasks.status(task)).state === 'SUCCESS')
    assert.match(await text(client.account.exported(task)), /user@example\.com/)
    await client.account.delete(password)
  })

  it('has a method for everything in the documents', async () => {
    const documents = await Promise.all(
      ['/api/v1/openapi.json', '/api/pinning/openapi.json'].map(
        async path => (await fetch(peer.service + path)).json() as Promise<{ paths: Record<string, Record<string, unknown>> }>
      )
    )
    const routes = documents.flatMap(
      ({ paths }) =>
        Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`))
    )
    const forOthers = /^HEAD |openapi\.json$|\/api\/gateway\/|\/ip[fn]s\//

    const missing = routes.filter(
      route => !forOthers.test(route) && !Array.from(called).some(
        one => new RegExp(`^${route.replaceAll('/', '\\/').replace(/\{\w+\}/g, '[^/]+')}$`).test(one)
      )
    )

    assert.deepEqual(missing, [])
  })
})
