import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { parseTime } from '../../../../src/model/time.ts'
import { openApiPath } from '../../../../src/http/routing/openapi.ts'
import { pinningRoutes } from '../../../../src/api/pinning/routes.ts'
import type { PinningHandlers } from '../../../../src/api/pinning/handlers.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'
import type { PinningPeer } from '../../../support/pinning-peer.ts'
import { FollowedCluster, pinningPeer } from '../../../support/pinning-peer.ts'
import { quietMs } from '../../../support/poll.ts'

const cid = (text: string): string => cidFor(text).toString()
const names = (body: any): string => body.results.map((one: any) => one.pin.name).join(' ')

describe('pinning service API', () => {
  let peer: PinningPeer
  const add = async (name: string, more: object = {}): Promise<any> => (
    await peer.json('POST /pins', { cid: cid(name), name, ...more })
  ).body

  beforeEach(async () => { peer = await pinningPeer() })
  afterEach(async () => peer.stop())

  it('accepts a pin with 202 and tells the same creation time ever after', async () => {
    await add('first')
    const added = await peer.json('POST /pins', {
      cid: cid('a'), name: 'a', meta: { k: 'v', b: '2' }, origins: ['/ip4/127.0.0.1/tcp/4001']
    })

    const got = await peer.json(`GET /pins/${cid('a')}`)
    const listed = await peer.json(`GET /pins?cid=${cid('a')}`)

    assert.equal(added.status, 202)
    assert.equal(added.body.status, 'queued')
    assert.match(added.body.created, /\.001Z$/)
    assert.deepEqual(got.body, { ...added.body, status: 'pinned' })
    assert.deepEqual(listed.body, { count: 1, results: [got.body] })
    assert.deepEqual(got.body.pin, { cid: cid('a'), name: 'a', origins: ['/ip4/127.0.0.1/tcp/4001'], meta: { b: '2', k: 'v' } })
    assert.deepEqual(
      [got.body.requestid, Object.keys(got.body)], [cid('a'), ['requestid', 'status', 'created', 'pin', 'delegates', 'info']]
    )
  })

  it('pages with before = the last one created, each pin once, with a true count', async () => {
    for (let at = 0; at < 25; at++) await add(`p${at}`)
    const pages: any[] = []

    for (let before = ''; pages.length < 3;) {
      const { body } = await peer.json(`GET /pins?${before === '' ? '' : `before=${before}`}`)
      pages.push(body)
      before = body.results.at(-1).created
    }

    assert.deepEqual(pages.map(page => [page.count, page.results.length]), [[25, 10], [15, 10], [5, 5]])
    assert.equal(names(pages[0]), 'p24 p23 p22 p21 p20 p19 p18 p17 p16 p15')
    assert.equal(new Set(pages.flatMap(page => page.results.map((one: any) => one.requestid))).size, 25)
    assert.equal(names((await peer.json(`GET /pins?after=${pages[0].results[1].created}`)).body), 'p24')
  })

  it('lists only pinned ones unless told otherwise, but finds any by name or CID', async () => {
    for (const [name, status] of [['f', 'pin_error'], ['q', 'pin_queued'], ['w', 'pinning'], ['s', 'sharded']] as const) {
      peer.cluster.statuses.set(cid(name), status)
      await add(name)
    }
    await add('ok')

    assert.equal(names((await peer.json('GET /pins')).body), 'ok')
    assert.equal(names((await peer.json('GET /pins?status=failed,queued')).body), 'q f')
    assert.equal(names((await peer.json('GET /pins?status=queued,pinning,pinned,failed')).body), 'ok w q f')
    assert.equal(names((await peer.json('GET /pins?name=w')).body), 'w')
    assert.equal(names((await peer.json('GET /pins?name=w&status=pinned')).body), '')
    assert.equal(names((await peer.json(`GET /pins?cid=${cid('q')},${cid('ok')}&status=failed`)).body), 'ok q')
    assert.equal((await peer.json(`GET /pins/${cid('s')}`)).status, 404)
  })

  it('matches names in four ways and meta by all pairs', async () => {
    await add('Tax 2029', { meta: { app: 'x', year: '2029' } })
    await add('tax 2029', { meta: { app: 'x' } })
    const found = async (query: string): Promise<string> => names((await peer.json(`GET /pins?${query}`)).body)

    assert.equal(await found('name=tax+2029'), 'tax 2029')
    assert.equal(await found('name=TAX+2029&match=iexact'), 'tax 2029 Tax 2029')
    assert.equal(await found('name=ax&match=partial'), 'tax 2029 Tax 2029')
    assert.equal(await found('name=T&match=partial'), 'Tax 2029')
    assert.equal(await found('name=X+20&match=ipartial'), 'tax 2029 Tax 2029')
    assert.equal(await found('meta=%7B%22app%22:%22x%22,%22year%22:%222029%22%7D'), 'Tax 2029')
    assert.equal(await found('meta=%7B%22app%22:%22y%22%7D'), '')
  })

  it('refuses options and bodies that are wrong, and does nothing', async () => {
    await add('a')
    peer.cluster.changes.length = 0
    const longName = 'n'.repeat(256)
    const queries = [
      'limit=0', 'limit=1001', 'limit=x', 'limit=-1', 'match=foo', 'status=foo', 'status=pinned,foo', 'before=yesterday', 'after=1',
      'meta=foo', 'meta=%7B%22a%22:1%7D', 'meta=%5B%5D', 'cid=xyz', `name=${longName}`,
      `cid=${Array.from({ length: 11 }, (_one, at) => cid(String(at))).join()}`
    ]
    const bodies = [
      '', '{', '[]', 'null', {}, { cid: null }, { cid: 5 }, { cid: 'xyz' }, { cid: cid('b'), name: 5 }, { cid: cid('b'), name: longName },
      { cid: cid('b'), origins: ['nope'] }, { cid: cid('b'), origins: 'x' }, { cid: cid('b'), meta: { a: 1 } }, { cid: cid('b'), meta: [] },
      ...[{ 'max-size': 'big' }, { 'max-size': '0' }, { 'max-size': '' }, { 'max-blocks': '1.5' }].map(meta => ({ cid: cid('b'), meta }))
    ]
    const requests: Array<[string, unknown?]> = [
      ...queries.map(query => [`GET /pins?${query}`] as [string]),
      ...bodies.flatMap(body => [['POST /pins', body], [`POST /pins/${cid('a')}`, body]] as Array<[string, unknown]>),
      ['GET /pins/xyz'], ['DELETE /pins/q'], ['POST /pins/zz', { cid: cid('b') }]
    ]

    for (const [request, body] of requests) {
      const answer = await peer.json(request, body)

      assert.equal(answer.status, 400, `${request} ${JSON.stringify(body)}`)
      assert.deepEqual([Object.keys(answer.body), typeof answer.body.error.reason], [['error'], 'string'])
    }
    assert.deepEqual(peer.cluster.changes, [])
  })

  it('takes names of 255 characters, whatever their bytes', async () => {
    const name = '😀'.repeat(255)

    const added = await peer.json('POST /pins', { cid: cid('a'), name })

    assert.deepEqual([added.status, added.body.pin.name], [202, name])
  })

  it('takes 20 origins, 1000 values and a body of a megabyte, 1000 results and 10 CIDs, and no more', { timeout: quietMs(10_000) }, async () => {
    const origins = (count: number): object => ({ origins: Array.from({ length: count }, (_, at) => `/ip4/127.0.0.1/tcp/${at + 1}`) })
    const meta = (count: number): object => ({ meta: Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v'])) })
    const sized = (sizeBytes: number): object => {
      const body = { cid: cid('a'), x: '' }
      return { x: 'x'.repeat(sizeBytes - JSON.stringify(body).length) }
    }
    const add = async (more: object): Promise<number> => (await peer.json('POST /pins', { cid: cid('a'), ...more })).status
    const list = async (query: string): Promise<number> => (await peer.json(`GET /pins?${query}`)).status
    const cids = (count: number): string => `cid=${Array.from({ length: count }, (_, at) => cid(String(at))).join()}`

    assert.deepEqual(await Promise.all([origins(20), meta(1000), sized(1024 * 1024)].map(add)), [202, 202, 202])
    peer.cluster.changes.length = 0
    assert.deepEqual(await Promise.all([origins(21), meta(1001), sized(1024 * 1024 + 1)].map(add)), [400, 400, 413])
    assert.deepEqual(
      await Promise.all(['limit=1000', 'limit=1001', cids(10), cids(11), `name=${'n'.repeat(255)}`, `name=${'n'.repeat(256)}`].map(list)),
      [200, 400, 200, 400, 200, 400]
    )
    assert.deepEqual(peer.cluster.changes, [])
  })

  it('replaces: the new pin takes over what the body does not say', async () => {
    await add('old', { meta: { app: 'x' }, origins: ['/ip4/127.0.0.1/tcp/1'] })

    const plain = await peer.json(`POST /pins/${cid('old')}`, { cid: cid('new') })
    const other = await peer.json(`POST /pins/${cid('new')}`, { cid: cid('newer'), name: 'n', meta: { app: 'y' } })

    assert.deepEqual([plain.status, other.status], [202, 202])
    assert.deepEqual(other.body.pin, { cid: cid('newer'), name: 'n', origins: ['/ip4/127.0.0.1/tcp/1'], meta: { app: 'y' } })
    assert.deepEqual([...peer.cluster.pins.keys()], [cid('newer')])
    assert.equal((await peer.json(`GET /pins/${cid('old')}`)).status, 404)
  })

  it('keeps a pin that is replaced by itself', async () => {
    await add('a', { meta: { app: 'x' } })

    const replaced = await peer.json(`POST /pins/${cid('a')}`, { cid: cid('a'), name: 'same' })

    assert.deepEqual(replaced.body.pin, { cid: cid('a'), name: 'same' })
    assert.equal((await peer.json(`GET /pins/${cid('a')}`)).body.pin.name, 'same')
  })

  it('replaces nothing by anything', async () => {
    const replaced = await peer.json(`POST /pins/${cid('gone')}`, { cid: cid('new') })

    assert.equal(replaced.status, 404)
    assert.equal(peer.cluster.pins.size, 0)
  })

  it('deletes with 202 and an empty body', async () => {
    await add('a')

    const deleted = await peer.ask(`DELETE /pins/${cid('a')}`)
    const again = await peer.json(`DELETE /pins/${cid('a')}`)

    assert.deepEqual([deleted.status, deleted.body.length], [202, 0])
    assert.deepEqual(again, { status: 404, body: { error: { reason: 'pin is not part of the pinset' } } })
    assert.deepEqual((await peer.json('GET /pins')).body, { count: 0, results: [] })
  })

  it('shows what came through other doors: the pinset is one', async () => {
    peer.cluster.hold(pinFor('from another peer', { metadata: { k: 'v' } }))

    const { body } = await peer.json('GET /pins')

    assert.equal(names(body), 'from another peer')
    assert.equal(parseTime(body.results[0].created), Date.UTC(2030, 0, 1))
  })

  it('gives addresses that can be dialled, loopback when there are no others', async () => {
    const info = await peer.cluster.info()
    peer.cluster.info = async () => ({ ...info, ipfs: { ...info.ipfs, addresses: ['/ip4/127.0.0.1/tcp/4001', '/ip4/0.0.0.0/tcp/4001'] } })

    const added = await add('a')

    assert.deepEqual(added.delegates, [`/ip4/127.0.0.1/tcp/4001/p2p/${info.ipfs.id}`])
  })

  it('asks for credentials, and gives a token for them', async () => {
    const guarded = await pinningPeer({ basicAuth: new Map([['carol', 'singing']]) })
    const basic = ['Authorization', `Basic ${Buffer.from('carol:singing').toString('base64')}`] as const

    const { token } = JSON.parse((await guarded.ask('POST /token', { headers: [basic] })).body.toString('utf8'))
    const statuses = await Promise.all(
      [guarded.ask('GET /pins'), guarded.ask('GET /pins', { headers: [['Authorization', `Bearer ${token}`]] }), guarded.ask('GET /health')]
    )

    assert.deepEqual(statuses.map(({ status }) => status), [401, 200, 204])
    assert.deepEqual(await peer.json('POST /token'), { status: 401, body: { error: { reason: 'unauthorized' } } })
    await guarded.stop()
  })

  it('has every route in docs/reference/pinning-api.md', () => {
    const rows = readFileSync('docs/reference/pinning-api.md', 'utf8').split('\n').filter(line => /^\| `[A-Z]+ \//.test(line)).map(
      line => line.split('|').slice(1, 3).map(cell => cell.trim()).join(' ')
    )

    assert.deepEqual(
      rows, pinningRoutes({} as PinningHandlers).map(({ method, path, doc }) => `\`${method} ${openApiPath(path)}\` ${doc.summary}`)
    )
  })
})

describe('the recorded answers of Go\'s pinning service', () => {
  const recorded = ['pinsvc', 'pinsvc-auth'].flatMap(group => JSON.parse(readFileSync(`test/vectors/rest/${group}.json`, 'utf8')) as any[])
  const changed: Record<string, number> = {
    'pinsvc-add-no-cid': 400, 'pinsvc-add-null-cid': 400, 'pinsvc-put': 405, 'pinsvc-delete-root': 405, 'pinsvc-list-limit-0': 400,
    'pinsvc-list-limit-5000': 400, 'pinsvc-list-match-bogus': 400, 'pinsvc-get-after-replace-same': 200
  }
  const wanted = ({ name, request, response }: any): number =>
    changed[name] ?? (
      request.method === 'POST' && response.status === 200 && request.path.startsWith('/pins')
        ? 202
        : response.status === 500
        ? 400
        : response.status
    )

  it('come with the same status and the same keys, but for what is meant to differ', async () => {
    const cluster = new FollowedCluster()
    const plain = await pinningPeer({ cluster })
    const guarded = await pinningPeer({ cluster, basicAuth: new Map([['carol', 'singing']]) })
    const problems: string[] = []
    const cases = recorded.filter(
      ({ name, request }) =>
        name.startsWith('pinsvc-auth-') || request.method !== 'GET' || !/^\/pins\/(Qm|baf)|[?&]name=/.test(request.path)
    )

    for (const { name, request, response, ...rest } of cases.filter(
      one => one.server.startsWith('pinsvc') && !one.name.includes('plain-http')
    )) {
      const reply = await (name.startsWith('pinsvc-auth') ? guarded : plain).ask(
        `${request.method} ${request.path}`,
        {
          headers: request.headers.filter(([key]: [string]) => key !== 'Content-Length'),
          ...(request.body == null ? {} : { body: request.body.text })
        }
      )
      const text = reply.body.toString('utf8')
      const status = wanted({ name, request, response, ...rest })
      if (reply.status !== status) problems.push(`${name}: ${reply.status} instead of ${status}: ${text}`)
      if (status === response.status && rest.messageOrigin === 'cluster' && text !== response.body.text) problems.push(`${name}: ${text}`)
    }

    assert.deepEqual(problems, [])
    assert.ok(cases.length > 25)
    await Promise.all([plain.stop(), guarded.stop()])
  })
})
