import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { gatewayRoutes } from '../../../../src/api/service/gateway/gateway.ts'
import { fileRoutes } from '../../../../src/api/service/v1/files.ts'
import { groupRoutes } from '../../../../src/api/service/v1/groups.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { Denylist } from '../../../../src/ipfs/denylist.ts'
import { openApiPath } from '../../../../src/http/routing/openapi.ts'
import { testReader } from '../../../support/dag-reader.ts'
import { pollUntil } from '../../../support/poll.ts'
import { servedRoutes } from '../../../support/service-callers.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import type { FilesWorld } from '../../../support/service-files.ts'
import { cidOf, filesWorld, stagedFolder } from '../../../support/service-files.ts'
import { addUser } from '../../../support/service-rows.ts'

interface Served extends FilesWorld { ask: (path: string, init?: RequestInit & { as?: string }) => Promise<Response> }

const content: RequestListener = (_request, response) => { response.end('the gateway') }

eachDatabase('routes of files', databases => {
  const serve = async (
    t: TestContext, { isOpen = false, gatewayUrl = '', denylist }: { isOpen?: boolean, gatewayUrl?: string, denylist?: Denylist } = {}
  ): Promise<Served> => {
    const { database } = await databases.open()
    for (const id of ['alice', 'bob']) await addUser(database, { id })
    const made = await filesWorld({ database, clock: systemClock })
    const { files } = made
    const { url, close } = await servedRoutes([
      ...fileRoutes({
        files, reader: testReader, clock: systemClock, usage: { flushViews: async () => {} }
      }), ...groupRoutes({ groups: files.groups }),
      ...gatewayRoutes({ gatewayUrl, isOpen }, { access: files.access, denylist, content })
    ])
    t.after(async () => {
      await close()
      await made.stop()
    })
    return {
      ...made,
      ask: async (path, { as = 'alice', ...init } = {}) => fetch(`${url}${path}`, {
        redirect: 'manual', ...init, headers: { 'x-api-key': as, ...init.headers }
      })
    }
  }
  const json = (method: string, body: unknown): RequestInit => ({
    method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' }
  })

  describe('list', () => {
    it('shows files as the documents have them, with more fields behind', async t => {
      const { ask, upload } = await serve(t)
      const { cid } = await upload('alice', 'hello', { filename: 'report.pdf', contentType: 'application/pdf', meta: { a: 'b' } })

      const answer = await (await ask('/api/v1/files')).json() as any // any: JSON

      const [{ uploaded_at: at, ...file }] = answer.data
      assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.deepEqual({ ...answer, data: undefined }, { status: 200, data: undefined, next_cursor: null })
      assert.deepEqual(file, {
        cid, original_filename: 'report.pdf', size: 5, content_type: 'application/pdf', pinned: false, state: 'staged', error: null,
        kind: 'file', origin: 'upload', group: null, meta: { a: 'b' },
        view_count: 0, last_accessed_at: null, info: {}
      })
    })

    it('is entered anywhere, and counts what fits when it is asked to', async t => {
      const { ask, upload } = await serve(t)
      for (const name of ['a', 'b', 'c', 'd']) await upload('alice', name, { filename: name })
      await upload('bob', 'e', { filename: 'e' })
      const list = async (query: string) => {
        const { data, total } = await (await ask(`/api/v1/files?sort=original_filename&limit=2&${query}`)).json() as any // any: JSON
        return { names: data.map((file: any) => file.original_filename), total } // any: JSON
      }

      assert.deepEqual(await list('offset=1&total=true'), { names: ['b', 'c'], total: 4 })
      assert.deepEqual(await list('offset=3'), { names: ['d'], total: undefined })
      assert.deepEqual(await list('offset=9&total=true&q=b'), { names: [], total: 1 })
    })

    it('says what a file waits for', async t => {
      const { ask, upload, clusterPins } = await serve(t)
      const { cid } = await upload('alice', 'hello', { blocks: true })
      await upload('alice', 'another')
      const info = { waiting_for: 'the next try', next_try: '2026-03-14T12:00:00Z' }
      await clusterPins.become(cid, 'failed', info)

      const { data } = await (await ask('/api/v1/files?sort=size_bytes')).json() as any // any: JSON
      const { data: one } = await (await ask(`/api/v1/files/${cid}`)).json() as any // any: JSON

      assert.deepEqual(data.map((file: any) => file.info), [info, {}]) // any: JSON
      assert.deepEqual(one.info, info)
    })

    it('takes filters, sorts and cursors', async t => {
      const { ask, upload } = await serve(t)
      for (const name of ['one', 'two', 'three']) await upload('alice', name, { filename: name, meta: { name } })
      const names = async (query: string): Promise<string[]> => (
        (await (await ask(`/api/v1/files?${query}`)).json()) as any
      ).data.map((file: any) => file.original_filename)

      const first = await (await ask('/api/v1/files?limit=2&sort=original_filename')).json() as any

      assert.deepEqual(first.data.map((file: any) => file.original_filename), ['one', 'three'])
      assert.deepEqual(await names(`limit=2&sort=original_filename&cursor=${first.next_cursor}`), ['two'])
      assert.deepEqual(
        [
          await names('q=TW'), await names(`meta=${encodeURIComponent('{"name":"one"}')}`), await names('state=pinned'),
          await names('sort=-size_bytes')
        ].map(list => list[0]),
        ['two', 'one', undefined, 'three']
      )
    })

    it('answers 400 for what is no query of it', async t => {
      const { ask } = await serve(t)

      const statuses = await Promise.all(
        [
          'limit=0', 'limit=1001', 'limit=x', 'sort=x', 'state=x', 'meta=x', 'meta=[]', 'cursor=x', 'q=a&q=b'
        ].map(async query => (await ask(`/api/v1/files?${query}`)).status)
      )

      assert.deepEqual(new Set(statuses), new Set([400]))
    })
  })

  describe('retrieve', () => {
    it('gives content with its type, to keep', async t => {
      const { ask, upload } = await serve(t)
      const { cid } = await upload('alice', '<script>', { filename: 'ü".html', contentType: 'text/html' })

      const response = await ask(`/api/v1/files/retrieve/${cid}`)

      assert.deepEqual([response.status, await response.text()], [200, '<script>'])
      assert.deepEqual(
        ['content-type', 'content-length', 'etag', 'content-disposition'].map(name => response.headers.get(name)),
        ['text/html', '8', `"${cid}"`, "attachment; filename=\"__.html\"; filename*=UTF-8''%C3%BC%22.html"]
      )
      assert.match(response.headers.get('content-security-policy') ?? '', /sandbox/)
    })

    it('gives ranges, heads, and nothing to who has it', async t => {
      const { ask, upload } = await serve(t)
      const { cid } = await upload('alice', 'hello world')
      const get = async (headers: Record<string, string>, method = 'GET'): Promise<unknown[]> => {
        const response = await ask(`/api/v1/files/retrieve/${cid}`, { headers, method })
        return [response.status, response.headers.get('content-range'), response.headers.get('content-length'), await response.text()]
      }

      assert.deepEqual(await get({ range: 'bytes=6-' }), [206, 'bytes 6-10/11', '5', 'world'])
      assert.deepEqual(await get({ range: 'bytes=-3' }), [206, 'bytes 8-10/11', '3', 'rld'])
      assert.deepEqual((await get({ range: 'bytes=11-' })).slice(0, 2), [416, 'bytes */11'])
      assert.deepEqual(await get({}, 'HEAD'), [200, null, '11', ''])
      assert.equal((await get({ 'if-none-match': `"${cid}"` }))[0], 304)
    })

    it('gives a directory as a tar', async t => {
      const { ask, staging, database, files } = await serve(t)
      const { cid, sections } = await stagedFolder({ 'a.txt': 'one' })
      await staging.put('folder', (async function * () { yield sections })())
      await database.transaction(async tx => files.accept(tx, {
        user: 'alice', workspace: 'w-alice', cid, kind: 'directory', filename: 'pictures', contentType: '', sizeBytes: 3, group: null,
        meta: {}, stored: { kind: 'staged', key: 'folder', want: false }
      }))

      const response = await ask(`/api/v1/files/retrieve/${cid}`)
      const bytes = Buffer.from(await response.arrayBuffer())

      assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/x-tar'])
      assert.deepEqual(
        [bytes.toString('latin1', 0, 9), bytes.toString('latin1', 512, 526), bytes.toString('latin1', 1024, 1027)],
        ['pictures\0', 'pictures/a.txt', 'one']
      )
    })
  })

  describe('pin, unpin, delete', () => {
    it('say what the documents say', async t => {
      const { ask, upload, clusterPins } = await serve(t)
      clusterPins.first = 'pinned'
      const { cid } = await upload('alice', 'hello', { blocks: true })
      const answers: unknown[] = []
      for (
        const [method, path] of [
          ['POST', `${cid}/pin`], ['POST', `${cid}/unpin`], ['POST', `${cid}/pin`], ['DELETE', cid], ['DELETE', cid], ['GET', cid]
        ] as const
      ) {
        answers.push(await (await ask(`/api/v1/files/${path}`, { method })).json())
      }

      const missing = { status: 404, error: 'Not Found', message: 'there is no file with this CID' }
      assert.deepEqual(answers, [
        { status: 409, error: 'Conflict', message: 'the file is already pinned' }, {
          status: 200, message: 'File unpinned successfully'
        }, { status: 200, message: 'File pinned successfully' },
        { status: 200, message: 'File deleted successfully' }, missing, missing
      ])
    })

    it('import what is only staged', async t => {
      const { ask, upload, clusterPins } = await serve(t)
      clusterPins.first = 'pinned'
      const { cid } = await upload('alice', 'hello')

      assert.equal((await ask(`/api/v1/files/${cid}/pin`, { method: 'POST' })).status, 200)
    })

    it('in bulk: at once, and as a task', async t => {
      const { ask, upload } = await serve(t)
      const cids = await Promise.all(['a', 'b', 'c'].map(async text => (await upload('alice', text)).cid))

      const atOnce = await (await ask('/api/v1/files/delete/bulk', json('POST', { cids: cids.slice(0, 1) }))).json()
      const later = await ask('/api/v1/files/delete/bulk', json('POST', { cids: cids.slice(1), async: true }))
      const many = await ask('/api/v1/files/delete/bulk', json('POST', { cids: Array.from({ length: 101 }, (_, at) => `${at}`) }))
      const filtered = await ask('/api/v1/files/delete/bulk', json('POST', { filter: { q: 'nothing' } }))

      assert.deepEqual(atOnce, { status: 200, message: 'Files deleted successfully', data: { deleted: 1, failed: [] } })
      assert.deepEqual([later.status, many.status, filtered.status], [202, 202, 202])
      await pollUntil(async () => ((await (await ask('/api/v1/files')).json()) as any).data.length === 0, { what: 'the deletion' })
    })

    it('pins and unpins in bulk, at once and as a task', async t => {
      const { ask, upload, tasks, row } = await serve(t)
      const cids: string[] = []
      for (const name of ['one', 'two', 'three']) cids.push((await upload('alice', name, { filename: name })).cid)
      const { cid: bobs } = await upload('bob', 'not yours')
      const [first = '', second = '', third = ''] = cids

      const pinned = await (await ask('/api/v1/files/pin/bulk', json('POST', { cids: [first, bobs] }))).json() as any // any: JSON
      const later = await (await ask('/api/v1/files/pin/bulk', json('POST', { filter: { except: [third] } }))).json() as any // any: JSON
      const unpinned = await (await ask('/api/v1/files/unpin/bulk', json('POST', { cids: [third] }))).json() as any // any: JSON

      assert.deepEqual(pinned.data, { changed: [first], failed: [{ cid: bobs, error: 'there is no file with this CID' }] })
      assert.deepEqual(
        [later.status, (await tasks.finished('alice', later.data.task_id)).result], [202, JSON.stringify({ changed: 1, failed: [] })]
      )
      assert.deepEqual(unpinned.data, { changed: [], failed: [] })
      const states = await Promise.all(cids.map(async cid => (await row('alice', cid)).state))
      assert.equal(states[2], 'staged')
      assert.ok(states.slice(0, 2).every(state => state === 'importing' || state === 'pinning'), `${first} ${second} ${states}`)
    })

    it('answer 400 for a body that is neither list nor filter', async t => {
      const { ask } = await serve(t)

      const statuses = await Promise.all(
        [
          {}, { cids: [] }, { cids: 'x' }, { cids: [1] }, { filter: { x: 1 } }, { filter: null }
        ].map(async body => (await ask('/api/v1/files/delete/bulk', json('POST', body))).status)
      )

      assert.deepEqual(new Set(statuses), new Set([400]))
    })
  })

  it('pins by CID', async t => {
    const { ask, clusterPins } = await serve(t)
    clusterPins.first = 'pinned'
    const cid = await cidOf('elsewhere')

    const first = await ask('/api/v1/files/from-cid', json('POST', { cid, name: 'x.txt', meta: { a: 'b' } }))
    const second = await ask('/api/v1/files/from-cid', json('POST', { cid }))
    const nonsense = await ask('/api/v1/files/from-cid', json('POST', { cid: 'x' }))

    const { message, data } = await first.json() as any
    assert.deepEqual(
      [first.status, message, data.cid, data.original_filename, data.pinned, data.origin],
      [201, 'File pinned successfully', cid, 'x.txt', true, 'cid']
    )
    assert.deepEqual([second.status, nonsense.status], [409, 400])
  })

  it('changes name, group and metadata', async t => {
    const { ask, upload } = await serve(t)
    const { cid } = await upload('alice', 'hello')
    const { data: group } = await (await ask('/api/v1/groups', json('POST', { name: 'letters' }))).json() as any

    const changed = await (
      await ask(`/api/v1/files/${cid}`, json('PATCH', { original_filename: 'b.txt', group: group.id, meta: { x: 'y' } }))
    ).json() as any
    const refused = await ask(`/api/v1/files/${cid}`, json('PATCH', { group: 'nobody' }))
    await ask(`/api/v1/groups/${group.id}`, { method: 'DELETE' })
    const after = await (await ask(`/api/v1/files/${cid}`)).json() as any

    assert.deepEqual(
      [changed.data.original_filename, changed.data.group, changed.data.meta, refused.status, after.data.group],
      ['b.txt', group.id, { x: 'y' }, 404, null]
    )
  })

  it('keeps names of groups apart', async t => {
    const { ask } = await serve(t)
    const make = async (name: string): Promise<Response> => ask('/api/v1/groups', json('POST', { name }))
    const { data } = await (await make('a')).json() as any
    await make('b')

    const statuses = [
      (await make('a')).status, (await ask(`/api/v1/groups/${data.id}`, json('PATCH', { name: 'b' }))).status,
      (await ask(`/api/v1/groups/${data.id}`, json('PATCH', { name: 'c' }))).status, (await make(' ')).status
    ]

    assert.deepEqual(statuses, [409, 409, 200, 400])
    assert.deepEqual(((await (await ask('/api/v1/groups')).json()) as any).data.map((group: any) => group.name), ['b', 'c'])
  })

  it('answers 405 with what is possible', async t => {
    const { ask } = await serve(t)

    const answers = await Promise.all([
      ['GET', 'upload'], ['GET', 'from-cid'], ['DELETE', 'from-cid'], ['GET', 'delete/bulk'], ['POST', 'retrieve/x']
    ].map(async ([method = '', path = '']) => {
      const { status, headers } = await ask(`/api/v1/files/${path}`, { method })
      return [path, status, headers.get('allow')]
    }))

    assert.deepEqual(
      answers,
      [
        ['upload', 404, null], ['from-cid', 405, 'OPTIONS, POST'], ['from-cid', 405, 'OPTIONS, POST'],
        ['delete/bulk', 405, 'OPTIONS, POST'], ['retrieve/x', 405, 'GET, HEAD, OPTIONS']
      ]
    )
  })

  it('asks keys for their permissions', async t => {
    const { ask, upload } = await serve(t)
    const { cid } = await upload('alice', 'hello')

    const statuses = await Promise.all(
      [['GET', ''], ['GET', `/${cid}`], ['POST', `/${cid}/unpin`], ['DELETE', `/${cid}`]].map(
        async ([method = '', path]) => (await ask(`/api/v1/files${path}`, { method, as: 'alice:files:read' })).status
      )
    )

    assert.deepEqual(statuses, [200, 200, 403, 403])
  })

  describe('gateway', () => {
    it('imports on first access, counts the view, and redirects at once', async t => {
      const { ask, upload, row, views } = await serve(t)
      const { cid } = await upload('alice', 'hello')

      const { status, headers } = await ask(`/api/gateway/${cid}`)
      const { state } = await row('alice', cid)

      assert.deepEqual(
        [status, headers.get('location'), headers.get('cache-control'), views], [302, `/ipfs/${cid}`, 'no-store', [`alice ${cid}`]]
      )
      assert.notEqual(state, 'staged')
    })

    it('takes two slashes for one, as all routes do', async t => {
      const { ask, upload } = await serve(t)
      const { cid } = await upload('alice', 'hello')

      const answers = [await ask(`//api//gateway//${cid}`), await ask(`/api/gateway//${cid}/a%20b?x=1`)]

      assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers.get('location')]), [[302, `/ipfs/${cid}`], [302, `/ipfs/${cid}/a%20b?x=1`]]
      )
    })

    it('keeps path and query, on the gateway that is configured', async t => {
      const { ask, upload } = await serve(t, { gatewayUrl: 'https://ipfs.example/' })
      const { cid } = await upload('alice', 'hello')

      const { headers } = await ask(`/api/gateway/${cid}/a%20b/c%2Fd?download=true`)

      assert.equal(headers.get('location'), `https://ipfs.example/ipfs/${cid}/a%20b/c%2Fd?download=true`)
    })

    it('neither imports nor counts for HEAD; later parts and what a client has count nothing', async t => {
      const { ask, upload, row, views } = await serve(t)
      const { cid } = await upload('alice', 'hello')
      const head = await ask(`/api/gateway/${cid}`, { method: 'HEAD' })
      const { state } = await row('alice', cid)
      const get = async (headers: Record<string, string>): Promise<[number, number]> => {
        const { status } = await ask(`/api/gateway/${cid}`, { headers })
        return [status, views.length]
      }

      assert.deepEqual([head.status, state, views.length], [302, 'staged', 0])
      assert.deepEqual(await get({ 'if-none-match': `"${cid}"` }), [304, 0])
      assert.deepEqual(await get({ range: 'bytes=100-' }), [302, 0])
      assert.deepEqual(await get({ range: 'bytes=-100' }), [302, 0])
      assert.deepEqual(await get({ range: 'bytes=0-99' }), [302, 1])
      assert.deepEqual(await get({}), [302, 2])
    })

    it('knows what somebody here has, and no more unless it is open', async t => {
      const cid = await cidOf('nobody has this')
      const closed = await serve(t)
      const open = await serve(t, { isOpen: true })

      assert.deepEqual(
        [(await closed.ask(`/api/gateway/${cid}`)).status, (await open.ask(`/api/gateway/${cid}`)).status, (
          await open.ask('/api/gateway/x')
        ).status, (await open.ask('/api/gateway/')).status],
        [404, 302, 400, 400]
      )
    })

    it('refuses what is denied', async t => {
      const refused: string[] = []
      const denial = (reason: 'policy' | 'legal') => ({ reason, list: 'x', rule: 'x:1' })
      const legal = await cidOf('legal')
      const denylist: Denylist = {
        count: () => 2,
        checkCid: cid => cid.toString() === legal ? denial('legal') : undefined,
        checkPath: path => path.endsWith('/secret') ? denial('policy') : undefined,
        refused: ({ reason }) => { refused.push(reason) }
      }
      const { ask, upload, views } = await serve(t, { denylist })
      const { cid } = await upload('alice', 'legal')
      const other = (await upload('alice', 'another')).cid

      const statuses = [(await ask(`/api/gateway/${cid}`)).status, (await ask(`/api/gateway/${other}/secret`)).status]

      assert.deepEqual([cid, statuses, refused, views], [legal, [451, 410], ['legal', 'policy'], []])
    })

    it('serves content itself', async t => {
      const { ask } = await serve(t)

      assert.equal(await (await ask('/ipfs/bafkqaaa/x')).text(), 'the gateway')
    })
  })
})

it('has every route in docs/reference/service-files.md', () => {
  const nothing = {} as never // routes are made without calling anything
  const routes = [...fileRoutes(nothing), ...groupRoutes({ groups: nothing }), ...gatewayRoutes({ gatewayUrl: '', isOpen: false }, nothing)]

  const rows = readFileSync('docs/reference/service-files.md', 'utf8').split('\n').filter(line => /^\| `[A-Z]+ \//.test(line))

  assert.deepEqual(rows, routes.map(({ method, path, access, doc }) => {
    const permission = typeof access === 'object' ? `\`${access.permission}\`` : 'everybody'
    return `| \`${method} ${openApiPath(path)}\` | ${doc.summary} | ${permission} | ${doc.responses.map(({ status }) => status).join(' ')} |`
  }))
})
