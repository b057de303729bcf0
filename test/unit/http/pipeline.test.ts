import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import type { ErrorDialect } from '../../../src/http/error-dialect.ts'
import { badRequest } from '../../../src/http/error-dialect.ts'
import { httpPipeline } from '../../../src/http/pipeline.ts'
import type { InjectReply } from '../../support/inject.ts'
import { inject } from '../../support/inject.ts'
import type { Reply } from '../../../src/http/answer/reply.ts'
import { jsonReply, listReply } from '../../../src/http/answer/reply.ts'
import type { Call, Method, Route } from '../../../src/http/routing/route.ts'
import { HttpServer } from '../../../src/http/server.ts'
import type { TickBudget } from '../../../src/http/answer/tick-budget.ts'
import { SimClock } from '../../support/sim-clock.ts'

const dialect: ErrorDialect = {
  statusOf: () => 500, body: (status, message) => ({ contentType: 'text/plain', text: `${status} ${message}\n` })
}
const clock = new SimClock(Date.UTC(2026, 10, 21, 0, 20, 42))

function serve (
  routes: Record<string, (call: Call) => Reply | Promise<Reply>>,
  { fast = false, lines, tickBudget }: { fast?: boolean, lines?: string[], tickBudget?: Pick<TickBudget, 'take'> } = {}
): HttpServer {
  const table: Route[] = Object.entries(routes).map(([text, handler]) => {
    const [method, path = ''] = text.split(' ')
    return { method: method as Method, path, access: 'user', fast, handler, doc: { summary: text, responses: [] } }
  })
  const listener = httpPipeline(
    { routes: table, headers: [['X-Extra', '1']] },
    {
      dialect, cors: null, authenticator: null, logLine: lines == null ? null : line => lines.push(line), tickBudget, clock,
      log: silentLogger
    }
  )
  const init = {
    name: 'test', listen: [], tls: null, maxHeaderBytes: 4096, readTimeoutMs: 0, readHeaderTimeoutMs: 5000, writeTimeoutMs: 0,
    idleTimeoutMs: 120_000
  }
  return new HttpServer(init, { listener, clock, log: silentLogger })
}

const names = (reply: InjectReply): string[] => reply.headers.map(([name]) => name)
async function * give (...items: Array<string | Error>): AsyncGenerator<string> {
  for (const item of items) {
    if (item instanceof Error) throw item
    yield item
  }
}

describe('answers', () => {
  it('has streams take their ticks of the event loop before each write', async () => {
    const taken: number[] = []
    const tickBudget = { take: (piece: string | Uint8Array) => { taken.push(piece.length); return Promise.resolve() } }
    const line = `${'x'.repeat(40_000)}\n`

    const reply = await inject(serve({ 'GET /': () => listReply(give(line, line, line, line)) }, { tickBudget }), { path: '/' })

    assert.equal(reply.body.length, 4 * line.length)
    assert.deepEqual(taken, [2 * line.length, 2 * line.length])
  })

  for (const [size, framing] of [[2047, 'content-length'], [2048, 'chunked']] as const) {
    it(`sends ${size} bytes and a newline with ${framing}`, async () => {
      const reply = await inject(serve({ 'GET /': () => jsonReply('x'.repeat(size)) }), { path: '/' })

      assert.equal(reply.framing, framing)
      assert.equal(reply.body.length, size + 1)
    })
  }

  it('sorts header names and puts Date and framing last', async () => {
    const reply = await inject(serve({ 'GET /': () => jsonReply('1', 200, [['Z', '1'], ['A', '2'], ['A', '1']]) }), { path: '/' })

    assert.deepEqual(names(reply), ['A', 'A', 'Content-Type', 'X-Extra', 'Z', 'Date', 'Content-Length'])
    assert.deepEqual(reply.headers.slice(0, 2), [['A', '2'], ['A', '1']])
  })

  it('says when the connection ends', async () => {
    const reply = await inject(serve({ 'GET /': () => jsonReply('1') }), { path: '/', headers: [['Connection', 'close']] })

    assert.deepEqual(names(reply).slice(-2), ['Content-Length', 'Connection'])
  })

  it('makes errors of whatever handlers throw, at once or later, on fast routes and others', async () => {
    for (const fast of [true, false]) {
      const server = serve({ 'GET /a': () => { throw badRequest('bad') }, 'GET /b': async () => { throw new Error('lost') } }, { fast })

      assert.equal((await inject(server, { path: '/a' })).body.toString(), '400 bad\n')
      assert.equal((await inject(server, { path: '/b' })).body.toString(), '500 lost\n')
    }
  })

  it('gives handlers decoded parameters, once', async () => {
    const server = serve({ 'GET /x/{name}': ({ params, path }) => jsonReply(JSON.stringify([params, path])) })

    const reply = await inject(server, { path: '/x/a%2525%20b?q' })

    assert.equal(reply.body.toString(), '[{"name":"a%25 b"},"/x/a%25 b"]\n')
  })

  it('writes common log lines', async () => {
    const lines: string[] = []
    const server = serve({ 'GET /a': () => jsonReply('12') }, { lines })

    await inject(server, { path: '/a?b="c', headers: [['Connection', 'close']] })
    await new Promise(resolve => setImmediate(resolve))

    assert.deepEqual(lines, ['- - - [21/Nov/2026:00:20:42 +0000] "GET /a?b=\\"c HTTP/1.1" 200 3'])
  })

  it('refuses targets with broken escapes', async () => {
    const reply = await inject(serve({}), { path: '/%zz' })

    assert.equal(reply.status, 400)
  })
})

describe('lists', () => {
  it('streams lines, then an empty trailer', async () => {
    const reply = await inject(serve({ 'GET /': () => listReply(give('', '1\n', '2\n')) }), { path: '/' })

    assert.equal(reply.status, 200)
    assert.deepEqual(names(reply), ['Content-Type', 'Trailer', 'X-Extra', 'Date', 'Transfer-Encoding'])
    assert.equal(reply.body.toString(), '1\n2\n')
    assert.deepEqual(reply.trailers, [['X-Stream-Error', '']])
  })

  it('is 204 when there is nothing, the trailer announced', async () => {
    const reply = await inject(serve({ 'GET /': () => listReply(give('')) }), { path: '/' })

    assert.equal(reply.status, 204)
    assert.deepEqual(names(reply), ['Content-Type', 'Trailer', 'X-Extra', 'Date'])
  })

  it('is an error when it fails before the first line', async () => {
    const reply = await inject(serve({ 'GET /': () => listReply(give('', new Error('lost'))) }), { path: '/' })

    assert.equal(reply.status, 500)
    assert.equal(reply.framing, 'chunked')
    assert.equal(reply.body.toString(), '500 lost\n')
  })

  it('tells late errors in the trailer, as one header line each', async () => {
    const reply = await inject(serve({ 'GET /': () => listReply(give('1\n', new Error('lo\r\nst ü'))) }), { path: '/' })
    const several = await inject(
      serve({ 'GET /': () => listReply(give('1\n', new AggregateError([new Error('a'), new Error('b')]))) }), { path: '/' }
    )

    assert.deepEqual(reply.trailers, [['X-Stream-Error', 'lo  st ü']])
    assert.deepEqual(several.trailers.map(([, text]) => text), ['', 'a', 'b'])
  })

  it('breaks off at a late error for programs that cannot see a trailer', async () => {
    const long = `${'x'.repeat(100_000)}\n`
    const server = serve({ 'GET /good': () => listReply(give('1\n', '2\n')), 'GET /bad': () => listReply(give(long, new Error('lost'))) })
    const headers = [['Sec-Fetch-Mode', 'cors']] as const

    const good = await inject(server, { path: '/good', headers })

    assert.equal(good.body.toString(), '1\n2\n')
    await assert.rejects(inject(server, { path: '/bad', headers }))
  })

  it('tells them with a status when nothing has gone out yet', async () => {
    const server = serve({ 'GET /': () => ({ kind: 'lines', style: 'progress', source: give(new Error('lost')) }) })

    const reply = await inject(server, { path: '/', headers: [['Sec-Fetch-Mode', 'cors']] })
    const program = await inject(server, { path: '/' })

    assert.deepEqual([reply.status, reply.body.toString()], [500, '500 lost\n'])
    assert.deepEqual([program.status, program.trailers], [200, [['X-Stream-Error', 'lost']]])
  })

  it('gathers small pieces into large writes', async () => {
    const row = `${'x'.repeat(99)}\n`
    const reply = await inject(serve({ 'GET /': () => listReply(give(...Array.from({ length: 2000 }, () => row))) }), { path: '/' })

    assert.equal(reply.body.length, 200_000)
    assert.ok(reply.chunkLengths.length <= 4, String(reply.chunkLengths))
  })

  it('holds nothing back while the source is idle', async () => {
    let release = (): void => {}
    const waits = new Promise<void>(resolve => { release = resolve })
    const slow = async function * (): AsyncGenerator<string> {
      yield 'first\n'
      await waits
      yield 'second\n'
    }
    const { duplexPair } = await import('node:stream')
    const [client, connection] = duplexPair()
    serve({ 'GET /': () => listReply(slow()) }).accept(connection)
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    let text = ''

    for await (const piece of client) {
      text += String(piece)
      if (text.includes('first')) release()
      if (text.includes('X-Stream-Error:')) break
    }

    assert.match(text, /6\r\nfirst\n\r\n7\r\nsecond\n\r\n0\r\n/)
  })
})
