import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { matchRedirect, maxRedirectsBytes, parseRedirects } from '../../../../src/api/gateway/location/redirects-file.ts'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { directoryBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { quietMs } from '../../../support/poll.ts'
import { busyMs } from '../../../support/busy-time.ts'

const rulesOf = (lines: string): ReturnType<typeof parseRedirects> => parseRedirects(Buffer.from(lines))

describe('_redirects files', () => {
  for (const [rule, path, to, status] of [
    ['/a /b', '/a', '/b', 301],
    ['/a /b 302', '/a/', '/b', 302],
    ['/a https://example.org/x 307 # why', '/a', 'https://example.org/x', 307],
    ['/p/:year/:title /a/:title/:year', '/p/2022/hello', '/a/hello/2022', 301],
    ['/s/* /t/:splat 200', '/s/x/y', '/t/x/y', 200],
    ['/* /index.html 200', '/anything', '/index.html', 200],
    ['/s/* /t/:splat', '/s', '/t/', 301],
    ['/* /t/:splat', '/\\evil.example/ä b?/x', '/t/%5Cevil.example/%C3%A4%20b%3F/x', 301],
    ['/:name /t/:name 200', '/ä b', '/t/ä b', 200],
    ['# comment\r\n\r\n/a /b 451\r\n/a /c', '/a', '/b', 451]
  ] as const) {
    it(`leads ${path} by ${JSON.stringify(rule)}`, () => {
      assert.deepEqual(matchRedirect(rulesOf(rule), path), { to, status })
    })
  }

  it('has no rule for other paths', () => {
    assert.equal(matchRedirect(rulesOf('/a /b\n/p/:x /y'), '/p/q/r'), undefined)
  })

  for (const line of [
    '/a', 'a /b', '/a b', '/a /b 301!', '/a /b 418', '/a /b 200 Country=de', '/a*b /c', '/*/x /c', '/a javascript:alert'
  ]) {
    it(`refuses ${line}`, () => {
      assert.throws(() => rulesOf(`/ok /fine\n${line}`), { code: 'INVALID_DATA', message: /could not parse _redirects: line 2/ })
    })
  }

  it('reads a line with as many blanks as fit in time that is linear, and comments behind any of them', () => {
    const blanks = ' '.repeat(maxRedirectsBytes - 10)
    const begun = busyMs()

    assert.deepEqual(rulesOf(`/a${blanks}/b#c`), [{ from: ['a'], to: '/b#c', status: 301 }])
    assert.deepEqual(rulesOf(`/a /b${blanks}#c`), rulesOf('/a /b'))
    assert.ok(busyMs() - begun < 500)
  })

  it('takes 64 KiB and not a byte more', () => {
    const line = '/a /b\n'
    const full = line + '#'.repeat(maxRedirectsBytes - line.length)

    assert.equal(rulesOf(full).length, 1)
    assert.throws(() => rulesOf(`${full}#`), { code: 'INVALID_DATA', message: /size cannot exceed/ })
  })
})

describe('what the gateway answers for missing paths', { timeout: quietMs(20_000) }, () => {
  let peer: GatewayPeer
  let site: Block
  let page: Block
  let legacy: Block

  const at = async (host: string, path: string, headers: Record<string, string> = {}): Promise<{
    status: number, headers: IncomingMessage['headers'], body: string
  }> => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(peer.url, { path, headers: { host, ...headers } }, resolve).once('error', reject).end()
    })
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
  }

  before(async () => {
    peer = await gatewayPeer()
    page = await rawBlock('<h1>page</h1>')
    const redirects = await rawBlock('/moved /page.html?from=rule\n/gone/* /page.html 410\n/app/* /page.html 200\n/loop /nowhere 200\n')
    const broken = await rawBlock('/moved /page.html 301!')
    site = await directoryBlock({ _redirects: redirects, 'page.html': page })
    const bad = await directoryBlock({ _redirects: broken, 'page.html': page })
    legacy = await directoryBlock({ 'ipfs-404.html': page, site, bad })
    peer.blocks.keep(page, redirects, broken, site, bad, legacy)
  })

  after(async () => peer.stop())

  it('redirects on a host of its own, with the query of both', async () => {
    const answer = await at(`${site.cid}.ipfs.localhost`, '/moved?x=1')

    assert.equal(answer.status, 301)
    assert.equal(answer.headers.location, '/page.html?from=rule&x=1')
  })

  it('shows another page in place, with its own ETag and status', async () => {
    const rewritten = await at(`${site.cid}.ipfs.localhost`, '/app/anything')
    const gone = await at(`${site.cid}.ipfs.localhost`, '/gone/x')
    const known = await at(`${site.cid}.ipfs.localhost`, '/app/anything', { 'if-none-match': `"${page.cid}"` })

    assert.deepEqual([rewritten.status, rewritten.body, rewritten.headers.etag], [200, '<h1>page</h1>', `"${page.cid}"`])
    assert.deepEqual([gone.status, gone.body], [410, '<h1>page</h1>'])
    assert.equal(known.status, 304)
  })

  it('ends where a rule leads nowhere', async () => {
    assert.equal((await at(`${site.cid}.ipfs.localhost`, '/loop')).status, 404)
  })

  it('has no rules on shared hosts, and none while the path exists', async () => {
    assert.equal((await at('127.0.0.1', `/ipfs/${site.cid}/moved`)).status, 404)
    assert.equal((await at(`${site.cid}.ipfs.localhost`, '/page.html')).status, 200)
  })

  it('says what is wrong with a file', async () => {
    const root = await directoryBlock({ _redirects: await rawBlock('/moved /page.html 301!'), 'page.html': page })
    const { status, body, headers } = await at(`${root.cid}.ipfs.localhost`, '/moved')

    assert.equal(status, 500)
    assert.match(body, /could not parse _redirects: line 1/)
    assert.equal(headers['cache-control'], undefined)
  })

  it('shows the nearest ipfs-404.html to who wants HTML', async () => {
    const html = await at('127.0.0.1', `/ipfs/${legacy.cid}/site/no/where`, { accept: 'text/html' })
    const other = await at('127.0.0.1', `/ipfs/${legacy.cid}/site/no/where`)

    assert.deepEqual([html.status, html.body], [404, '<h1>page</h1>'])
    assert.match(other.body, /no link named "no" under/)
  })

  it('lets no cache keep an ipfs-404.html, and gives all of it whatever part is asked for', async () => {
    const { status, headers } = await at('127.0.0.1', `/ipfs/${legacy.cid}/site/no/where`, { accept: 'text/html' })
    const part = await at('127.0.0.1', `/ipfs/${legacy.cid}/site/no/where`, { accept: 'text/html', range: 'bytes=0-2' })
    const again = await at('127.0.0.1', `/ipfs/${legacy.cid}/site/no/where`, { accept: 'text/html', 'if-none-match': `"${page.cid}"` })

    assert.equal(status, 404)
    assert.deepEqual(['cache-control', 'etag', 'last-modified'].map(name => headers[name]), [undefined, undefined, undefined])
    assert.deepEqual([part.status, part.body, again.status], [404, '<h1>page</h1>', 404])
  })
})
