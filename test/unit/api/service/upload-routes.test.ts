import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pollUntil } from '../../../support/poll.ts'
import type { TestPeer } from '../../../support/service-database.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'
import type { UploadFront } from '../../../support/upload-front.ts'
import { uploadFront } from '../../../support/upload-front.ts'
import type { UploadPeer } from '../../../support/upload-peer.ts'
import { uploadPeer } from '../../../support/upload-peer.ts'

const hello = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
const nothing = { uploads: 0, reservations: 0, staged: [] }

interface Envelope { status: number, message?: string, error?: string, data: Record<string, unknown> }

eachDatabase('upload routes', databases => {
  let peer: TestPeer
  let side: UploadPeer
  let front: UploadFront
  let user: string

  beforeEach(async () => {
    peer = await databases.open()
    side = await uploadPeer(peer)
    front = await uploadFront(side.uploads)
    user = await addUser(peer.database, { quota_bytes: 1_000_000 })
  })

  afterEach(async () => {
    await front.close()
    await side.stop()
  })

  const send = async (path: string, init: RequestInit & { as?: string | null } = {}): Promise<Response> =>
    fetch(`${front.url}${path}`, {
      ...init, headers: { ...init.headers as Record<string, string>, ...(init.as === null ? {} : { 'x-api-key': init.as ?? user }) }
    })
  const json = async (response: Response): Promise<Envelope> => await response.json() as Envelope
  const formOf = (files: Record<string, string>, fields: Record<string, string> = {}): FormData => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    for (const [name, content] of Object.entries(files)) form.append('file', new Blob([content], { type: 'text/plain' }), name)
    return form
  }

  describe('in one request', () => {
    it('answer as the documents say', async () => {
      const response = await send('/api/v1/files/upload', { method: 'POST', body: formOf({ 'report.txt': 'hello world' }) })

      assert.equal(response.status, 201)
      const { status, message, data } = await json(response)
      assert.deepEqual([status, message], [201, 'File uploaded successfully'])
      assert.deepEqual(
        [data.cid, data.original_filename, data.size, data.content_type, data.pinned], [hello, 'report.txt', 11, 'text/plain', true]
      )
      assert.match(String(data.uploaded_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    })

    it('take their options from the query or the form', async () => {
      const byQuery = await json(await send('/api/v1/files/upload?pin=on-access', { method: 'POST', body: formOf({ a: '1' }) }))
      const byForm = await json(
        await send('/api/v1/files/upload', { method: 'POST', body: formOf({ b: '2' }, { pin: 'on-access', meta: '{"k":"v"}' }) })
      )

      assert.deepEqual(
        [byQuery.data.pinned, byQuery.data.state, byForm.data.state, byForm.data.meta], [false, 'staged', 'staged', { k: 'v' }]
      )
    })

    it('take a directory', async () => {
      const { data } = await json(
        await send(
          '/api/v1/files/upload?directory=true', { method: 'POST', body: formOf({ 'site/index.html': '<p>', 'site/a/b.css': 'b' }) }
        )
      )

      assert.deepEqual([data.kind, data.original_filename, data.size], ['directory', 'site', 4])
      assert.ok(side.blocks.has(String(data.cid)))
    })

    it('fit exactly into the quota, whatever the form has around them', async () => {
      const { status } = await json(
        await send('/api/v1/files/upload', { method: 'POST', body: formOf({ ['a'.repeat(200)]: 'x'.repeat(1_000_000) }) })
      )
      const refused = await send('/api/v1/files/upload', { method: 'POST', body: formOf({ b: 'x' }) })

      assert.equal(status, 201)
      assert.equal(refused.status, 422)
      assert.deepEqual([(await json(refused)).error], ['Unprocessable Entity'])
    })

    it('are refused by their length before they are sent', async () => {
      const { status, sent } = await sendMuch(`${front.url}/api/v1/files/upload`, { user, length: 5_000_000_000 })

      assert.equal(status, 422)
      assert.ok(sent < 5_000_000, `${sent} bytes were sent`)
      assert.deepEqual(await side.leftovers(), nothing)
    })

    it('tell what is wrong with a form', async () => {
      const wrong: Array<[init: RequestInit, status: number]> = [
        [{ body: '{}', headers: { 'content-type': 'application/json' } }, 400],
        [{ body: formOf({}) }, 400],
        [{ body: formOf({ a: '1', b: '2' }) }, 400],
        [{ body: formOf({ a: '1' }, { pin: 'later' }) }, 400],
        [{ body: formOf({ a: '1' }, { group: 'nobodys' }) }, 404],
        [
          {
            body: '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut',
            headers: { 'content-type': 'multipart/form-data; boundary=x' }
          },
          400
        ]
      ]
      for (const [init, expected] of wrong) {
        const response = await send('/api/v1/files/upload', { method: 'POST', ...init })
        const { status, error, message } = await json(response)

        assert.deepEqual([response.status, status, typeof error, typeof message], [expected, expected, 'string', 'string'])
      }
      assert.equal((await send('/api/v1/files/upload', { method: 'POST', body: formOf({ a: '1' }), as: null })).status, 401)
      assert.deepEqual(await side.leftovers(), nothing)
    })

    it('leave nothing when the client goes away', async () => {
      const hasBegun = async (): Promise<boolean> => (await side.leftovers()).uploads === 1
      for (const query of ['', '?pin=on-access', '?pin=on-access&directory=true']) {
        await cutUpload(`${front.url}/api/v1/files/upload${query}`, { user, bytes: 300_000, hasBegun })
        await pollUntil(async () => (await side.leftovers()).uploads === 0)
      }

      await pollUntil(async () => (await side.leftovers()).staged.length === 0)
      assert.deepEqual(await side.leftovers(), nothing)
      assert.equal((await side.account(user)).used_bytes, 0)
    })
  })

  describe('of several requests (tus)', () => {
    const tus = { 'tus-resumable': '1.0.0' }
    const bytes = Buffer.from('hello world')
    const encoded = (text: string): string => Buffer.from(text).toString('base64')
    const create = async (headers: Record<string, string> = {}, path = '/api/v1/uploads', as: string | null = user): Promise<Response> =>
      send(path, {
        method: 'POST', as,
        headers: {
          ...tus, 'upload-length': String(bytes.length),
          'upload-metadata': `filename ${encoded('näme.txt')},filetype ${encoded('text/plain')},pin ${encoded('on-access')}`, ...headers
        }
      })
    const patch = async (path: string, offset: number, body: Buffer, as: string | null = user): Promise<Response> =>
      send(path, {
        method: 'PATCH', as, body: new Uint8Array(body),
        headers: { ...tus, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }
      })
    const pathOf = (response: Response): string => new URL(response.headers.get('location') ?? '').pathname

    it('go on where they were, and become a file', async () => {
      const created = await create()
      const path = pathOf(created)

      const first = await patch(path, 0, bytes.subarray(0, 5))
      const head = await send(path, { method: 'HEAD', headers: tus })
      const last = await patch(path, 5, bytes.subarray(5))
      const { data } = await json(await send(path))

      assert.equal(created.status, 201)
      assert.match(created.headers.get('location') ?? '', new RegExp(`^${front.url}/api/v1/uploads/[0-9A-Za-z]{22}$`))
      assert.deepEqual([first.status, first.headers.get('upload-offset'), first.headers.get('tus-resumable')], [204, '5', '1.0.0'])
      assert.deepEqual(
        [head.status, head.headers.get('upload-offset'), head.headers.get('upload-length'), head.headers.get('cache-control')],
        [200, '5', '11', 'no-store']
      )
      assert.deepEqual([last.status, last.headers.get('x-upload-state'), last.headers.get('x-upload-cid')], [204, 'done', hello])
      assert.deepEqual([data.state, data.cid, data.name, data.content_type], ['done', hello, 'näme.txt', 'text/plain'])
      assert.deepEqual((await side.files(user)).map(file => file.original_filename), ['näme.txt'])
    })

    it('keep what came when the client goes away', async () => {
      const path = pathOf(await create({ 'upload-length': '1000000' }))

      await cutPatch(`${front.url}${path}`, { user, bytes: 200_000, length: 1_000_000 })

      await pollUntil(async () => (await send(path, { method: 'HEAD', headers: tus })).headers.get('upload-offset') === '200000')
    })

    it('refuse another offset, another version, too much, and what does not fit', async () => {
      const path = pathOf(await create())

      assert.equal((await patch(path, 3, bytes)).status, 409)
      assert.equal((await send(path, { method: 'HEAD' })).status, 412)
      assert.equal((await send(path, { method: 'HEAD', headers: { 'tus-resumable': '0.2.2' } })).status, 412)
      assert.equal((await patch(path, 0, Buffer.alloc(20))).status, 413)
      assert.equal((await create({ 'upload-length': '1000001' })).status, 422)
      assert.equal((await send('/api/v1/uploads/nothing', { method: 'HEAD', headers: tus })).status, 404)
      assert.equal((await create({ 'upload-metadata': `directory ${encoded('true')}` })).status, 400)
      assert.match((await json(await patch(path, 3, bytes))).message ?? '', /\w/)
    })

    it('take nothing more once they have all of their bytes', async () => {
      const path = pathOf(await create())
      await patch(path, 0, bytes)

      const more = await patch(path, bytes.length, bytes)
      const again = await patch(path, 0, bytes)
      const none = await patch(path, bytes.length, Buffer.alloc(0))

      assert.deepEqual([more.status, again.status, none.status], [409, 409, 409])
      assert.equal((await json(more)).error, 'Conflict')
    })

    it('are for nobody else', async () => {
      const path = pathOf(await create())
      const other = await addUser(peer.database)

      const answers = [
        await send(path, { as: other }), await send(path, { as: other, method: 'HEAD', headers: tus }), await patch(path, 0, bytes, other),
        await send(path, { as: other, method: 'DELETE', headers: tus })
      ]

      assert.deepEqual(answers.map(({ status }) => status), [404, 404, 404, 404])
      assert.deepEqual((await json(await send('/api/v1/uploads', { as: other }))).data, [])
    })

    it('end when their owner says so', async () => {
      const path = pathOf(await create())
      await patch(path, 0, bytes.subarray(0, 5))

      const removed = await send(path, { method: 'DELETE', headers: tus })

      assert.equal(removed.status, 204)
      assert.equal((await send(path, { method: 'HEAD', headers: tus })).status, 404)
      assert.deepEqual(await side.leftovers(), nothing)
    })

    it('may bring their first bytes along, and tell their length later', async () => {
      const first = await send('/api/v1/uploads', {
        method: 'POST', body: new Uint8Array(bytes),
        headers: { ...tus, 'upload-length': '11', 'content-type': 'application/offset+octet-stream' }
      })
      const later = await create({ 'upload-defer-length': '1', 'upload-length': '' }).then(
        async response => response.status === 201
          ? response
          : await send('/api/v1/uploads', { method: 'POST', headers: { ...tus, 'upload-defer-length': '1' } })
      )
      const path = pathOf(later)
      const head = await send(path, { method: 'HEAD', headers: tus })
      const last = await send(path, {
        method: 'PATCH', body: new Uint8Array(bytes),
        headers: { ...tus, 'upload-offset': '0', 'upload-length': '11', 'content-type': 'application/offset+octet-stream' }
      })

      assert.deepEqual([first.status, first.headers.get('upload-offset')], [201, '11'])
      assert.equal(head.headers.get('upload-defer-length'), '1')
      assert.deepEqual([last.status, last.headers.get('x-upload-cid')], [204, hello])
    })
  })

  describe('with a link', () => {
    const make = async (body: Record<string, unknown> = {}): Promise<Record<string, unknown>> =>
      (
        await json(
          await send('/api/v1/links', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
        )
      ).data
    const pathOf = (url: unknown): string => new URL(String(url)).pathname

    it('need no key, and show nothing of the account', async () => {
      const link = await make({ max_bytes: 20, content_types: ['text/*'] })

      const limits = await json(await send(`/api/v1/links/${String(link.secret)}/limits`, { as: null }))
      const tooLarge = await send(pathOf(link.url), { method: 'POST', as: null, body: formOf({ a: 'x'.repeat(21) }) })
      const response = await send(pathOf(link.url), { method: 'POST', as: null, body: formOf({ a: 'hello world' }) })
      const again = await send(pathOf(link.url), { method: 'POST', as: null, body: formOf({ b: 'b' }) })

      assert.deepEqual([limits.data.max_bytes, limits.data.uses], [20, 0])
      assert.equal(tooLarge.status, 413)
      assert.equal(response.status, 201)
      assert.deepEqual(
        Object.keys((await json(response)).data), ['cid', 'original_filename', 'size', 'content_type', 'pinned', 'uploaded_at']
      )
      assert.equal(again.status, 404)
      assert.equal((await side.files(user)).length, 1)
    })

    it('say what they are for, and have a page whose address keeps the secret from servers', async () => {
      const link = await make({ name: ' Pictures of the party ' })

      const limits = await json(await send(`/api/v1/links/${String(link.secret)}/limits`, { as: null }))
      const listed = await json(await send('/api/v1/links'))
      const page = new URL(String(link.page_url))

      assert.deepEqual(
        [limits.data.name, (listed.data as unknown as Array<{ name: string }>)[0]?.name], ['Pictures of the party', 'Pictures of the party']
      )
      assert.deepEqual([page.origin, page.pathname, page.hash], [front.url, '/send', `#${String(link.secret)}`])
    })

    it('take resumable uploads, and show only those that came with them', async () => {
      const tus = { 'tus-resumable': '1.0.0' }
      const link = await make()
      const mine = await send('/api/v1/uploads', { method: 'POST', headers: { ...tus, 'upload-length': '5' } })
      const base = pathOf(link.resumable_url)

      const theirs = await send(base, { method: 'POST', as: null, headers: { ...tus, 'upload-length': '11' } })
      const path = new URL(theirs.headers.get('location') ?? '').pathname
      const last = await send(path, {
        method: 'PATCH', as: null, body: 'hello world',
        headers: { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
      })
      const foreign = `${base}/${(mine.headers.get('location') ?? '').split('/').at(-1)}`

      assert.equal(theirs.status, 201)
      assert.equal(last.headers.get('x-upload-cid'), hello)
      assert.equal((await json(await send(path, { as: null }))).data.cid, hello)
      assert.equal((await send(foreign, { as: null })).status, 404)
      assert.equal((await send(foreign, { as: null, method: 'HEAD', headers: tus })).status, 404)
      assert.equal((await send(base, { method: 'POST', as: null, headers: { ...tus, 'upload-length': '11' } })).status, 404)
    })

    it('are not in the log', async () => {
      const link = await make()

      await send(pathOf(link.url), { method: 'POST', as: null, body: formOf({ a: 'a' }) })
      const refused = await send(pathOf(link.url), { method: 'POST', as: null, body: formOf({ a: 'a' }) })
      await pollUntil(() => front.logged().filter(line => line.includes('/upload')).length >= 3)

      assert.equal(refused.status, 404)
      assert.deepEqual(front.logged().filter(line => line.includes(String(link.secret))), [])
    })

    it('are listed and revoked by their owner alone', async () => {
      const link = await make({ max_uses: 5 })
      const other = await addUser(peer.database)

      assert.equal((await send(`/api/v1/links/${String(link.id)}`, { method: 'DELETE', as: other })).status, 404)
      assert.equal((await send(`/api/v1/links/${String(link.id)}`, { method: 'DELETE' })).status, 200)
      assert.equal((await send(pathOf(link.url), { method: 'POST', as: null, body: formOf({ a: 'a' }) })).status, 404)
      const { data } = await json(await send('/api/v1/links'))
      assert.ok(!JSON.stringify(data).includes(String(link.secret)))
    })
  })

  it('tell their progress as events, to their owner', async () => {
    const stop = new AbortController()
    const other = await addUser(peer.database)
    const [mine, theirs] = [user, other].map(as => send('/api/v1/uploads/events', { as, signal: stop.signal }))
    const reader = (await mine)?.body?.getReader()
    await (await theirs)?.body?.getReader().read()
    await reader?.read()

    await send('/api/v1/files/upload?pin=on-access', { method: 'POST', body: formOf({ a: 'hello world' }) })
    let text = ''
    while (!text.includes('"done"')) text += Buffer.from((await reader?.read())?.value ?? new Uint8Array(0)).toString()
    stop.abort()

    assert.match(text, new RegExp(`event: progress\\ndata: .*"state":"done","bytes":11,.*"cid":"${hello}"`))
  })
})

/** Announces much, and stops sending when the answer comes. */
async function sendMuch (url: string, { user, length }: { user: string, length: number }): Promise<{ status: number, sent: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number, sent: number }>()
  let sent = 0
  const request = httpRequest(url, {
    method: 'POST', headers: { 'x-api-key': user, 'content-type': 'multipart/form-data; boundary=x', 'content-length': length }
  })
  request.once('response', response => {
    resolve({ status: response.statusCode ?? 0, sent })
    request.destroy()
  })
  request.on('error', reject)
  const piece = Buffer.alloc(65_536)
  const more = (): void => {
    while (!request.destroyed && sent < length && request.write(piece)) sent += piece.length
    request.once('drain', more)
  }
  request.write('--x\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n')
  more()
  return await promise
}

/** Sends the beginning of an upload, and is gone. */
async function cutUpload (
  url: string, { user, bytes, hasBegun }: { user: string, bytes: number, hasBegun: () => Promise<boolean> }
): Promise<void> {
  await cut(
    hasBegun, url, { method: 'POST', headers: { 'x-api-key': user, 'content-type': 'multipart/form-data; boundary=x' } },
    Buffer.concat([Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="d/big"\r\n\r\n'), Buffer.alloc(bytes)])
  )
}

async function cutPatch (url: string, { user, bytes, length }: { user: string, bytes: number, length: number }): Promise<void> {
  await cut(
    async () => true, url,
    { method: 'PATCH', headers: {
      'x-api-key': user, 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream',
      'content-length': length
    } },
    Buffer.alloc(bytes)
  )
}

async function cut (
  hasBegun: () => Promise<boolean>, url: string, options: { method: string, headers: Record<string, string | number> }, body: Buffer
): Promise<void> {
  const request = httpRequest(url, options)
  const { promise, resolve } = Promise.withResolvers<void>()
  request.on('error', () => resolve())
  await new Promise(done => request.write(body, done))
  await pollUntil(hasBegun)
  request.destroy(new Error('gone'))
  await promise
}
