import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { stream } from '../../../../src/api/service/answers.ts'
import { serviceRoute } from '../../../../src/api/service/service-route.ts'
import { ClusterError } from '../../../../src/base/errors.ts'
import type { InjectReply } from '../../../support/inject.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { sampleRoutes, testApi } from '../../../support/service-api.ts'

const json = ({ body }: InjectReply): any => JSON.parse(body.toString('utf8'))
const header = (reply: InjectReply, wanted: string): string | undefined =>
  reply.headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
const key = (secret: string): { headers: Array<[string, string]> } => ({ headers: [['X-API-Key', secret]] })
const cookie = ['Cookie', 'other=1; __Host-session=session'] as [string, string]
const login = (body: unknown) => ({ body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) })

/** The envelope of an error, and its status. */
function assertRefused (reply: InjectReply, status: number, name: string): void {
  assert.equal(reply.status, status)
  assert.deepEqual([json(reply).status, json(reply).error, typeof json(reply).message], [status, name, 'string'])
  assert.equal(header(reply, 'content-type'), 'application/json')
}

describe('errors of the service', () => {
  const { ask } = testApi(sampleRoutes)

  it('have the envelope for a path that there is not', async () => assertRefused(await ask('GET /api/v1/nothing'), 404, 'Not Found'))
  it('have the envelope outside of the APIs', async () => assertRefused(await ask('POST /nothing'), 404, 'Not Found'))
  it('have the envelope for a broken escape', async () => assertRefused(await ask('GET /api/v1/%zz'), 400, 'Bad Request'))

  it('have the envelope, and name the methods, for a method that there is not', async () => {
    const reply = await ask('DELETE /api/v1/files')

    assertRefused(reply, 405, 'Method Not Allowed')
    assert.equal(header(reply, 'allow'), 'GET, HEAD, OPTIONS, POST')
  })

  for (
    const [about, body] of [
      ['no JSON', '{'], ['nothing', ''], ['a field that is missing', '{}'], ['a field of another type', '{"name":1}'],
      ['too many levels', `${'['.repeat(100)}${']'.repeat(100)}`], ['U+0000', '{"name":"a\\u0000b"}'],
      ['half of a surrogate pair', '{"name":"a\\ud800"}'], ['the name __proto__', '{"name":"a","__proto__":"b"}'],
      ['bytes that are not UTF-8', Buffer.from([...Buffer.from('{"name":"'), 0xff, ...Buffer.from('"}')])]
    ] as const
  ) {
    it(
      `have the envelope for a body with ${about}`,
      async () => assertRefused(await ask('POST /api/v1/open', login(body)), 400, 'Bad Request')
    )
  }

  it('name the fields that are wrong', async () => assert.match(json(await ask('POST /api/v1/open', login('{}'))).message, /^name: /))
  it(
    'have the envelope for a body above 1 MiB',
    async () => assertRefused(await ask('POST /api/v1/open', login({ name: 'x'.repeat(2 ** 20) })), 413, 'Payload Too Large')
  )
  it(
    'have the envelope for U+0000 in a path',
    async () => assertRefused(await ask('GET /api/v1/files/a%00b', key('full')), 400, 'Bad Request')
  )
  it(
    'have the envelope for U+0000 in a query',
    async () => assertRefused(await ask('GET /api/v1/files?q=a%00b', key('full')), 400, 'Bad Request')
  )
  it(
    'have the envelope for a query of which something would be left out',
    async () => {
      for (const query of ['q=%zz', 'a;b', 'q=a;b=c']) assertRefused(await ask(`GET /api/v1/files?${query}`, key('full')), 400, 'Bad Request')
    }
  )
  it(
    'have the envelope for bytes that are not UTF-8 in a query',
    async () => assertRefused(await ask('GET /api/v1/files?q=%FF', key('full')), 400, 'Bad Request')
  )

  for (
    const [code, status, name] of [
      ['CONFLICT', 409, 'Conflict'], ['REJECTED', 422, 'Unprocessable Entity'], ['QUOTA_EXCEEDED', 422, 'Unprocessable Entity'],
      ['NOT_READY', 503, 'Service Unavailable'], ['RATE_LIMITED', 429, 'Too Many Requests']
    ] as const
  ) {
    it(`say ${status} for ${code}`, async () => assertRefused(await ask(`GET /api/v1/fails/${code}`), status, name))
  }

  it('say when to come back', async () => {
    assert.equal(header(await ask('GET /api/v1/fails/RATE_LIMITED'), 'retry-after'), '3')
    assert.equal(header(await ask('GET /api/v1/fails/NOT_READY'), 'retry-after'), '5')
  })

  it('say nothing of a fault, which is logged', async () => {
    const log = new NotedLogger()
    const noted = testApi(sampleRoutes, {}, { log })

    const reply = await noted.ask('GET /api/v1/fails/fault')

    assertRefused(reply, 500, 'Internal Server Error')
    assert.ok(!reply.body.includes('of ours'))
    assert.ok(log.lines.some(({ level, facts }) => level === 'error' && facts.err instanceof TypeError))
  })

  it('are in the words of the Pinning Service API below its path', async () => {
    assert.deepEqual(
      json(await ask('GET /api/pinning/pins/NOT_FOUND', key('full'))), { error: { reason: 'NOT_FOUND', details: 'there is no such item' } }
    )
    const full = await ask('GET /api/pinning/pins/QUOTA_EXCEEDED', key('full'))
    assert.deepEqual([full.status, json(full).error.reason], [409, 'INSUFFICIENT_FUNDS'])
    assert.equal(json(await ask('GET /api/pinning/nothing')).error.reason, 'NOT_FOUND')
    assert.equal(json(await ask('GET /api/pinning/pins/x')).error.reason, 'UNAUTHORIZED')
  })

  it('come to every request while the service refuses to serve', async () => {
    const refusing = testApi(sampleRoutes, {}, { refusal: () => new ClusterError('NOT_READY') })

    assertRefused(await refusing.ask('GET /api/v1/open'), 503, 'Service Unavailable')
  })
})

describe('paths of the service', () => {
  const { ask } = testApi(sampleRoutes)

  it('may have a slash at the end, or two for one', async () => {
    assert.equal((await ask('GET /api/v1/files/', key('full'))).status, 200)
    assert.equal((await ask('POST /api/v1//files', key('full'))).status, 200)
  })

  it('answer HEAD as GET without the body', async () => {
    const reply = await ask('HEAD /api/v1/open')

    assert.deepEqual([reply.status, reply.body.length], [200, 0])
  })

  it('tell their methods', async () => {
    const reply = await ask('OPTIONS /api/v1/keys')

    assert.deepEqual([reply.status, header(reply, 'allow')], [204, 'GET, HEAD, OPTIONS, POST'])
  })

  it('give a name of the query that comes twice as a list', async () => {
    assert.deepEqual(json(await ask('GET /api/v1/files?cid=a&cid=b&q=%2B+x', key('full'))).data, { cid: ['a', 'b'], q: '+ x' })
  })
})

describe('who may come in', () => {
  const { ask, credentials } = testApi(sampleRoutes, { trustedProxies: ['10.0.0.0/8'] })

  it('is asked for a key', async () => {
    const reply = await ask('GET /api/v1/files')

    assertRefused(reply, 401, 'Unauthorized')
    assert.equal(header(reply, 'www-authenticate'), 'Bearer')
  })

  it('gives a key as X-API-Key or as a bearer token', async () => {
    assert.equal((await ask('GET /api/v1/files', key('full'))).status, 200)
    assert.equal((await ask('GET /api/v1/files', { headers: [['Authorization', 'bearer full']] })).status, 200)
  })

  it('is unknown with a wrong key, and forbidden with one that was revoked', async () => {
    assertRefused(await ask('GET /api/v1/files', key('wrong')), 401, 'Unauthorized')
    assertRefused(await ask('GET /api/v1/files', { headers: [['Authorization', 'Basic YTpi']] }), 401, 'Unauthorized')
    assertRefused(await ask('GET /api/v1/files', key('revoked')), 403, 'Forbidden')
  })

  it('needs the permission of the route', async () => {
    assert.equal((await ask('GET /api/v1/files', key('reading'))).status, 200)
    assertRefused(await ask('POST /api/v1/files', key('reading')), 403, 'Forbidden')
    assertRefused(await ask('GET /api/v1/keys', key('reading')), 403, 'Forbidden')
  })

  it('is an admin for what only admins may', async () => {
    assertRefused(await ask('GET /api/v1/admin', key('full')), 403, 'Forbidden')
    assert.equal((await ask('GET /api/v1/admin', key('admin'))).status, 200)
  })

  it('may use open routes with a key that is no longer one', async () => {
    assert.equal(json(await ask('GET /api/v1/open', key('revoked'))).data, null)
    assert.equal(json(await ask('GET /api/v1/open', key('full'))).data, 'u1')
  })

  it(
    'hears 503 while nobody can be asked who it is',
    async () => assertRefused(await ask('GET /api/v1/files', key('away')), 503, 'Service Unavailable')
  )

  it('reads with a session from anywhere, and writes from pages of the service only', async () => {
    const write = async (...headers: Array<[string, string]>): Promise<number> => (
      await ask('POST /api/v1/keys', { headers: [cookie, ...headers] })
    ).status

    assert.equal((await ask('GET /api/v1/keys', { headers: [cookie] })).status, 200)
    assert.equal(await write(), 403)
    assert.equal(await write(['Origin', 'http://evil.example']), 403)
    assert.equal(await write(['Origin', 'https://inject']), 403)
    assert.equal(await write(['Origin', 'null']), 403)
    assert.equal(await write(['Sec-Fetch-Site', 'cross-site']), 403)
    assert.equal(await write(['Sec-Fetch-Site', 'same-site']), 403)
    assert.equal(await write(['Origin', 'http://inject']), 200)
    assert.equal(await write(['Sec-Fetch-Site', 'same-origin']), 200)
  })

  it('is not logged in by a page of another site', async () => {
    const enter = async (...headers: Array<[string, string]>): Promise<number> => (
      await ask('POST /api/v1/open', { ...login({ name: 'x' }), headers })
    ).status

    assert.equal(await enter(['Origin', 'http://evil.example'], ['Sec-Fetch-Site', 'cross-site']), 403)
    assert.equal(await enter(['Origin', 'null']), 403)
    assert.equal(await enter(['Origin', 'http://inject']), 200)
    assert.equal(await enter(), 200)
  })

  it('may not write with a key that a page of another site has put into a cookie', async () => {
    assert.equal(
      (await ask('POST /api/v1/keys', { headers: [['Cookie', '__Host-session=wrong'], ['Origin', 'http://inject']] })).status, 401
    )
  })

  it('is known by the address that the nearest trusted proxy tells', async () => {
    // without a socket the connection counts as one of this machine, as a unix socket does
    const ask1 = async (...headers: Array<[string, string]>): Promise<any> =>
      json(await ask('GET /api/v1/files/c', { headers: [['X-API-Key', 'full'], ...headers] })).data

    assert.equal((await ask1(['X-Forwarded-For', '203.0.113.9, 198.51.100.7, 10.1.2.3'])).address, '198.51.100.7')
    assert.equal((await ask1(['X-Forwarded-For', 'evil, [2001:db8::1]:443'])).address, '2001:db8::1')
    assert.equal((await ask1(['X-Forwarded-For', 'evil'])).address, '')
    assert.equal((await ask1(['X-Forwarded-Proto', 'https'], ['X-Forwarded-Host', 'pins.example'])).baseUrl, 'https://pins.example')
    assert.equal((await ask1(['X-Forwarded-Host', 'a"b'])).baseUrl, 'http://')
    assert.ok(credentials.asked.includes('full 198.51.100.7'))
  })
})

describe('limits of the service', () => {
  const once = { count: 1, perMs: 60_000 }
  const limits = { perKey: null, perAddress: null, tight: { 'sign-up': null, login: null, code: null } }
  const from = (address: string): [string, string] => ['X-Forwarded-For', address]

  it('are tight for log-ins of one address, whatever is in them', async () => {
    const { ask } = testApi(sampleRoutes, { limits: { ...limits, tight: { ...limits.tight, login: once } } })
    const login = async (address: string): Promise<InjectReply> => ask('POST /api/v1/open', { headers: [from(address)], body: '{' })

    assert.equal((await login('192.0.2.1')).status, 400)
    const second = await login('192.0.2.1')

    assertRefused(second, 429, 'Too Many Requests')
    assert.match(header(second, 'retry-after') ?? '', /^(59|60)$/)
    assert.equal((await login('192.0.2.2')).status, 400)
  })

  it('count one network of IPv6 as one address', async () => {
    const { ask } = testApi(sampleRoutes, { limits: { ...limits, perAddress: once } })
    const status = async (address: string): Promise<number> => (await ask('GET /api/v1/open', { headers: [from(address)] })).status

    assert.equal(await status('2001:db8:0:1::1'), 200)
    assert.equal(await status('2001:db8:0:1:ffff::2'), 429)
    assert.equal(await status('2001:db8:0:2::1'), 200)
  })

  it('count requests of each key, and keys that are wrong for their address', async () => {
    const { ask } = testApi(sampleRoutes, { limits: { ...limits, perKey: once, perAddress: once } })

    assert.deepEqual(
      [(await ask('GET /api/v1/files', key('full'))).status, (await ask('GET /api/v1/files', key('full'))).status], [200, 429]
    )
    assert.equal((await ask('GET /api/v1/files', key('reading'))).status, 200)
    assert.deepEqual([(await ask('GET /api/v1/files', key('x'))).status, (await ask('GET /api/v1/files', key('y'))).status], [401, 429])
  })
})

describe('what the service sends', () => {
  it('keeps stored content from running on its own origin, and counts it', async () => {
    const content = serviceRoute({
      method: 'GET', path: '/api/v1/content', access: { permission: 'files:read' }, doc: { tag: '', summary: '', responses: [] },
      handler: call => stream(call, {
        headers: [['Content-Type', 'text/html'], ['Content-Length', '5']], source: () => Readable.from([Buffer.from('hello')])
      })
    })
    const { ask, answered } = testApi([content])

    const reply = await ask('GET /api/v1/content', key('full'))
    const head = await ask('HEAD /api/v1/content', key('full'))

    assert.equal(reply.body.toString(), 'hello')
    assert.equal(header(reply, 'content-security-policy'), "default-src 'none'; sandbox")
    assert.equal(header(reply, 'x-content-type-options'), 'nosniff')
    assert.deepEqual([head.body.length, header(head, 'content-length')], [0, '5'])
    assert.deepEqual(answered, [['u1', 0], ['u1', 5], ['u1', 0]])
  })

  it('answers HEAD of a stream without an end, and lets go of the stream', async () => {
    const ended: string[] = []
    async function * endless (): AsyncGenerator<string> {
      try {
        for (;;) {
          yield 'again\n'
          await new Promise(resolve => setImmediate(resolve))
        }
      } finally {
        ended.push('ended')
      }
    }
    const routes = (['list', 'progress'] as const).map(style => serviceRoute({
      method: 'GET', path: `/api/v1/${style}`, access: { permission: 'files:read' }, doc: { tag: '', summary: '', responses: [] },
      handler: () => ({ kind: 'lines', style, contentType: 'text/event-stream', source: endless() })
    }))
    const { ask } = testApi(routes)

    const heads = [await ask('HEAD /api/v1/list', key('full')), await ask('HEAD /api/v1/progress', key('full'))]

    assert.deepEqual(
      heads.map(reply => [reply.status, header(reply, 'content-type'), reply.body.length]),
      [[200, 'text/event-stream', 0], [200, 'text/event-stream', 0]]
    )
    // the one that was never begun has nothing to let go of
    assert.deepEqual(ended, ['ended'])
  })

  it('lets pages of other sites use keys, and never sessions', async () => {
    const { ask } = testApi(sampleRoutes)
    const origin: [string, string] = ['Origin', 'https://app.example']

    const preflight = await ask('OPTIONS /api/v1/files', {
      headers: [origin, ['Access-Control-Request-Method', 'POST'], ['Access-Control-Request-Headers', 'x-api-key']]
    })
    const reply = await ask('GET /api/v1/files', { headers: [origin, ['X-API-Key', 'full']] })

    assert.deepEqual([preflight.status, header(preflight, 'access-control-allow-headers')], [204, 'x-api-key'])
    assert.equal(header(reply, 'access-control-allow-origin'), '*')
    assert.equal(header(reply, 'access-control-allow-credentials'), undefined)
  })
})
