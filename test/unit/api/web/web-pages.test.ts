import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { pagePolicy } from '../../../../src/api/web/policy.ts'
import type { WebFiles, WebPage } from '../../../../src/api/web/web-files.ts'
import { webPages } from '../../../../src/api/web/web-pages.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { RequestContext } from '../../../../src/http/request-context.ts'
import { parseTarget } from '../../../../src/http/routing/path.ts'

const page = (path: string, sites = ['service'], files: string[] = []): WebPage => ({ path, sites, files })

const files: WebFiles = {
  index: '<!doctype html><head><meta name="helia-cluster" content=""></head><body></body>',
  pages: [
    page('/'), page('/files'), page('/files/:cid', ['service'], ['assets/file-1.js', 'assets/file-1.css']),
    page('/docs/*', ['service', 'cluster']), page('/cluster', ['cluster'])
  ],
  assets: new Map([
    ['assets/index-1.js', {
      contentType: 'text/javascript; charset=utf-8', plain: Buffer.from('plain'),
      coded: new Map([['br' as const, Buffer.from('br')], ['gzip' as const, Buffer.from('gz')]])
    }],
    ['assets/icon-1.svg', { contentType: 'image/svg+xml', plain: Buffer.from('<svg/>'), coded: new Map() }]
  ])
}

describe('the policy of pages', () => {
  it('lets content of the gateway be shown, and nothing else from elsewhere', () => {
    const own = pagePolicy('')
    const withGateway = pagePolicy('https://ipfs.example')

    assert.doesNotMatch(own, /http/)
    assert.match(withGateway, /img-src 'self' data: blob: https:\/\/ipfs\.example;/)
    assert.match(withGateway, /script-src 'self';/)
  })
})

describe('web pages', () => {
  let url: string
  const pages = webPages({
    files, site: () => ({ kind: 'service', gateway: 'https://ipfs.example/', name: '"><script>x</script>$&' }), clock: systemClock
  })
  const server = createServer((request, response) => {
    const target = parseTarget(request.url ?? '/') ?? { path: '/', query: '' }
    const context = new RequestContext({ request, response, target })
    if (!pages.answer(context)) response.writeHead(404).end()
  })
  before(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => { server.close() })
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => fetch(url + path, init)

  it('have one document, that tells what serves them, and what the page needs', async () => {
    const answer = await ask('/files/bafy')
    const text = await answer.text()

    assert.equal(answer.status, 200)
    assert.match(
      text, /<link rel="modulepreload" href="\/assets\/file-1\.js">\n<link rel="stylesheet" href="\/assets\/file-1\.css">\n<\/head>/
    )
    assert.ok(!text.includes('<script>'))
    assert.ok(text.includes('$&#38;') || text.includes('$&amp;'), text)
    assert.match(answer.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  })

  it('are asked for each time, and answered with nothing when they are known', async () => {
    const first = await ask('/')
    const again = await ask('/', { headers: { 'if-none-match': first.headers.get('etag') ?? '' } })

    assert.deepEqual([first.headers.get('cache-control'), again.status, await again.text()], ['no-cache', 304, ''])
  })

  it('answer only their own paths, of their own site, and only to who reads', async () => {
    const statuses = await Promise.all(
      [
        ask('/none'), ask('/cluster'), ask('/docs/a'), ask('/assets/none.js'), ask('/files', { method: 'POST' }),
        ask('/files', { method: 'HEAD' })
      ].map(async answer => (await answer).status)
    )

    assert.deepEqual(statuses, [404, 404, 200, 404, 404, 200])
  })

  it('say so to a browser that was led to none, and leave programs and the APIs their own answer', async () => {
    const visit = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }
    const answer = await ask('/none', visit)

    assert.deepEqual(
      [answer.status, answer.headers.get('content-type'), answer.headers.get('vary')], [404, 'text/html; charset=utf-8', 'Accept']
    )
    assert.match(await answer.text(), /<meta name="helia-cluster"/)
    const others = await Promise.all(
      [
        ask('/none'), ask('/none', { ...visit, method: 'POST' }), ask('/api/none', visit), ask('/ipfs', visit),
        ask('/assets/none.js', visit)
      ]
    )
    assert.deepEqual(others.map(({ headers }) => headers.get('content-type')), [null, null, null, null, null])
  })

  it('send files as small as the client takes them', async () => {
    const sent = async (coding: string): Promise<string> => {
      const answer = await ask('/assets/index-1.js', { headers: { 'accept-encoding': coding }, method: 'HEAD' })
      return answer.headers.get('content-encoding') ?? 'plain'
    }

    assert.deepEqual(
      [await sent('gzip, br'), await sent('gzip'), await sent('br;q=0, gzip'), await sent('identity')], ['br', 'gzip', 'gzip', 'plain']
    )
  })

  it('have an icon where browsers look for one', async () => {
    assert.equal((await ask('/favicon.ico')).headers.get('content-type'), 'image/svg+xml')
  })
})
