import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, it } from 'node:test'
import type { RequestListener } from 'node:http'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import type { HttpServerInit } from '../../../src/http/server.ts'
import { HttpServer } from '../../../src/http/server.ts'
import { RequestBody } from '../../../src/http/request/body.ts'
import { pollUntil } from '../../support/poll.ts'
import { testCertificate } from './test-certificate.ts'

const init: HttpServerInit = {
  name: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], tls: null, maxHeaderBytes: 4096, readTimeoutMs: 0, readHeaderTimeoutMs: 5000,
  writeTimeoutMs: 0, idleTimeoutMs: 120_000
}
const running: HttpServer[] = []
const hello: RequestListener = (_request, response) => { response.end('hello') }

async function start (
  more: Partial<HttpServerInit> = {}, listener: RequestListener = hello
): Promise<{ server: HttpServer, port: number }> {
  const server = new HttpServer({ ...init, ...more }, { listener, clock: systemClock, log: silentLogger })
  running.push(server)
  await server.start()
  return { server, port: Number(/tcp\/(\d+)$/.exec(server.addresses()[0] ?? '')?.[1]) }
}

/** What comes back for these bytes until the server closes. */
async function raw (port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

describe('the HTTP server', () => {
  afterEach(async () => { for (const server of running.splice(0)) await server.stop() })

  it('listens on several addresses, unix sockets too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'http-'))
    const { server } = await start({ listen: ['/ip4/127.0.0.1/tcp/0', `/unix${folder}/api.sock`] })

    const call = request({ socketPath: join(folder, 'api.sock') }).end()
    const [response] = await once(call, 'response')

    assert.equal(await text(response), 'hello')
    assert.match(server.addresses().join(' '), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+ \/unix\/.*api\.sock$/)
    rmSync(folder, { recursive: true })
  })

  it('closes the stream of a request without a body before its listener sees it, when it is told so, and reads bodies as ever', async () => {
    const seen: string[] = []
    const { port } = await start({ closesEmptyBodies: true }, (request, response) => {
      seen.push(`${request.method} ${request.readableEnded ? 'ended' : 'open'}`)
      response.once('close', () => seen.push(`${request.method} ${response.writableFinished && request.complete ? 'done' : 'cut'}`))
      new RequestBody(request, response).bytes(100).then(body => response.end(`<${body.toString()}>`), () => response.destroy())
    })

    const answers = await raw(port, [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
      'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
      'PATCH / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nde\r\n0\r\n\r\n'
    ].join(''))

    assert.deepEqual(answers.match(/<\w*>/g), ['<>', '<>', '<abc>', '<de>'])
    assert.deepEqual(seen.filter(one => /ended|open/.test(one)), ['GET ended', 'POST ended', 'PUT open', 'PATCH open'])
    assert.deepEqual(seen.filter(one => /done|cut/.test(one)), ['GET done', 'POST done', 'PUT done', 'PATCH done'])
  })

  it('answers what came whole before what is no HTTP, however long that takes, and then says so, as Go does', async () => {
    const pending: Array<() => void> = []
    const { port } = await start({}, (request, response) => {
      if (request.url === '/slow') pending.push(() => response.end('slow'))
      else response.end(request.url)
      if (pending.length > 0) setImmediate(() => pending.shift()?.())
    })
    const shown = async (bytes: string): Promise<string[]> => (await raw(port, bytes)).split('\r\n').filter(
      line => /^HTTP|^\/|slow|^400/.test(line)
    )

    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    const broken = ['HTTP/1.1 400 Bad Request', '400 Bad Request']
    assert.deepEqual(await shown(`${request('/a')}GARBAGE\r\n\r\n`), ['HTTP/1.1 200 OK', '/aHTTP/1.1 400 Bad Request', '400 Bad Request'])
    assert.deepEqual(
      await shown(`${request('/slow')}GARBAGE\r\n\r\n`), ['HTTP/1.1 200 OK', 'slowHTTP/1.1 400 Bad Request', '400 Bad Request']
    )
    assert.deepEqual(
      await shown(`${request('/a')}${request('/b')}\x01\r\n`),
      ['HTTP/1.1 200 OK', '/aHTTP/1.1 200 OK', '/bHTTP/1.1 400 Bad Request', '400 Bad Request']
    )
    assert.deepEqual(await shown('GARBAGE\r\n\r\n'), broken)
  })

  it('answers a body that is no HTTP, unless an answer has begun', async () => {
    const ended: string[] = []
    const { port } = await start({}, (request, response) => {
      if (request.url === '/begun') response.write('begun')
      request.resume().once('close', () => { ended.push(request.url ?? '') })
    })
    const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`

    const answers = [await raw(port, `${post('/waits')}zz\r\n`), await raw(port, `${post('/reads')}3\r\nabc\r\nzz\r\n`)]
    const begun = await raw(port, `${post('/begun')}zz\r\n`).catch(({ code }) => code as string)

    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.doesNotMatch(begun, /400/)
    await pollUntil(() => ended.length === 3)
  })

  it('takes one Host, of characters that hosts have, as Go does', async () => {
    const { port } = await start()
    const first = async (hosts: string): Promise<string | undefined> => (
      await raw(port, `GET / HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
    ).split('\r\n')[0]

    for (const hosts of ['Host: x\r\nHost: y\r\n', 'Host: x\r\nhOST: x\r\n']) assert.equal(await first(hosts), 'HTTP/1.1 400 Bad Request')
    for (const hosts of ['Host: a b\r\n', 'Host: a/b\r\n', 'Host: a@b\r\n']) {
      assert.equal(await first(hosts), 'HTTP/1.1 400 Bad Request: malformed Host header')
    }
    for (const hosts of ['Host: \r\n', 'Host: [::1]:80\r\n', 'Host: a_b.c:1\r\n']) assert.equal(await first(hosts), 'HTTP/1.1 200 OK')
  })

  it('lets all who watch an answer do so without a warning of Node', async t => {
    const warnings: Error[] = []
    const warned = (warning: Error): void => { warnings.push(warning) }
    process.on('warning', warned)
    t.after(() => process.off('warning', warned))
    const { port } = await start({}, (_request, response) => {
      for (let watcher = 0; watcher < 12; watcher++) response.once('close', () => {})
      response.end('hello')
    })

    assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'hello')

    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(warnings.map(({ message }) => message), [])
  })

  it('refuses addresses it cannot listen on', async () => {
    await assert.rejects(start({ listen: ['/ip4/127.0.0.1/udp/1'] }), { code: 'INVALID_CONFIG' })
    await assert.rejects(start({ listen: ['/ip4/127.0.0.1/tcp/99999'] }), { code: 'INVALID_CONFIG' })
  })

  it('rejects when the port is taken', async () => {
    const { port } = await start()

    const message = `test can't listen on /ip4/127.0.0.1/tcp/${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`
    await assert.rejects(start({ listen: [`/ip4/127.0.0.1/tcp/${port}`] }), { code: 'INVALID_CONFIG', message })
  })

  it('shares its port with servers of this process, and takes none that somebody else has', async () => {
    const first = await start({ sharing: 'begins' }, (_request, response) => { response.end('first') })
    const listen = [`/ip4/127.0.0.1/tcp/${first.port}`]
    await start({ listen, sharing: 'joins' }, (_request, response) => { response.end('second') })
    const seen = new Set<string>()

    while (seen.size < 2) {
      seen.add((await raw(first.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).split('\r\n').at(-1) ?? '')
    }

    assert.deepEqual([...seen].toSorted(), ['first', 'second'])
    await assert.rejects(start({ listen, sharing: 'begins' }), { code: 'INVALID_CONFIG', message: /EADDRINUSE/ })
    await assert.rejects(start({ listen }), { code: 'INVALID_CONFIG', message: /EADDRINUSE/ })
  })

  it('speaks TLS 1.2 and up, and tells plain clients so', async () => {
    const { port } = await start({ tls: testCertificate })

    const call = requestTls({ port, host: '127.0.0.1', ca: testCertificate.cert, agent: false }).end()
    const [response] = await once(call, 'response')
    const old = requestTls({
      port, host: '127.0.0.1', ca: testCertificate.cert, agent: false, maxVersion: 'TLSv1.1', minVersion: 'TLSv1'
    }).end()

    assert.equal(await text(response), 'hello')
    await assert.rejects(once(old, 'response'))
    assert.match(
      await raw(port, 'GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server\.\n$/
    )
  })

  it('speaks plain HTTP on connections that are handed to it, beside TLS', async () => {
    const { server } = await start({ tls: testCertificate })
    const [client, connection] = duplexPair()

    server.accept(connection)
    client.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')

    assert.match(await text(client), /^HTTP\/1\.1 200 OK\r\n.*hello/s)
  })

  it('answers headers that are too large, and what is not HTTP, in one line', async () => {
    const { port } = await start()

    assert.equal(await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(9000)}\r\n\r\n`),
      'HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n431 Request Header Fields Too Large')
    assert.match(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.match(await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: ${'a'.repeat(7000)}\r\n\r\n`), /^HTTP\/1\.1 200/)
  })

  it('takes headers of 4 KiB more than it is told, as Node counts them: without blanks and colons, and one byte less', async () => {
    const { port } = await start()
    const [target, others] = ['/', 'HostxConnectioncloseX-Big']
    const statusOf = async (counted: number): Promise<string> => {
      const value = 'a'.repeat(counted - target.length - others.length)
      return (await raw(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: ${value}\r\n\r\n`)).slice(9, 12)
    }

    assert.deepEqual([await statusOf(init.maxHeaderBytes + 4095), await statusOf(init.maxHeaderBytes + 4096)], ['200', '431'])
  })

  it('cuts 50 clients that never finish their headers, and serves others meanwhile', async () => {
    const { port } = await start({ readHeaderTimeoutMs: 200 })
    const slow = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'))
    const closed = slow.map(socket => once(socket.on('error', () => {}), 'close'))
    for (const [at, socket] of slow.entries()) if (at % 2 === 0) socket.write('GET / HTTP/1.1\r\nX: ')
    for (const socket of slow) socket.resume()

    const other = await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await Promise.all(closed)

    assert.match(other, /hello/)
  })

  it('cuts TLS clients that say nothing', async () => {
    const { port } = await start({ tls: testCertificate, readHeaderTimeoutMs: 100 })

    assert.equal(await raw(port, ''), '')
  })

  it('cuts answers that take longer than the write timeout', async () => {
    const { port } = await start({ writeTimeoutMs: 50 }, (_request, response) => { response.write('begun') })

    const answer = await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch((err: NodeJS.ErrnoException) => err.code)

    assert.match(answer ?? '', /begun\r\n$|ECONNRESET/)
  })

  it('drains: running answers end, idle connections close, new ones are refused', async () => {
    let finish = (): void => {}
    const begun = Promise.withResolvers<void>()
    const { server, port } = await start({}, (_request, response) => {
      finish = () => response.end('late')
      begun.resolve()
    })
    const answer = raw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const idle = raw(port, '')
    await begun.promise

    const draining = server.drain()
    finish()
    await draining

    assert.match(await answer, /late/)
    await assert.rejects(raw(port, ''), { code: 'ECONNREFUSED' })
    await server.stop()
    assert.equal(await idle, '')
  })

  it('stops at once, whatever runs', async () => {
    const begun = Promise.withResolvers<void>()
    const { server, port } = await start({}, () => begun.resolve())
    const answer = raw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => '')
    await begun.promise

    await server.stop()

    assert.equal(await answer, '')
  })

  it('cuts clients that do not read their answer, not handlers that take their time', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { port } = await start({ stalledTimeoutMs: 50 }, (incoming, response) => {
      if (incoming.url === '/slow') void released.then(() => response.end('at last'))
      else response.end(Buffer.alloc(16 * 2 ** 20))
    })
    const slow = raw(port, 'GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const still = connect(port, '127.0.0.1')
    still.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')

    // it takes the head of the answer, then nothing more
    const [first] = await once(still, 'data')
    still.pause()
    await new Promise(resolve => setTimeout(resolve, 300))
    let length = (first as Buffer).length
    still.on('error', () => {})
    still.on('data', data => { length += (data as Buffer).length })
    still.resume()
    await once(still, 'close')
    release()

    assert.ok(length < 16 * 2 ** 20)
    assert.match(await slow, /at last$/)
  })

  it('cuts uploads that stand still where it is told to, and neither those that go on nor handlers that read late', async () => {
    const read: string[] = []
    const { port } = await start({ cutsIdleUploads: true, stalledTimeoutMs: 150 }, (request, response) => {
      const late = request.url === '/late'
      const respond = async (): Promise<void> => {
        if (late) await new Promise(resolve => setTimeout(resolve, 400))
        read.push(`${request.url} ${(await text(request)).length}`)
        response.end('done')
      }
      respond().catch(() => {})
    })
    const head = (path: string, length: number): string =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`
    const steady = connect(port, '127.0.0.1')
    steady.write(head('/steady', 8))
    const dripping = setInterval(() => steady.write('x'), 50)
    steady.once('close', () => clearInterval(dripping))

    const [stalled, going, late] = await Promise.all(
      [raw(port, `${head('/stalled', 100)}some`), text(steady), raw(port, `${head('/late', 4)}soon`)]
    )

    assert.equal(stalled, '')
    assert.match(going, /^HTTP\/1\.1 200 OK/)
    assert.match(late, /^HTTP\/1\.1 200 OK/)
    assert.deepEqual(read.toSorted(), ['/late 4', '/steady 8'])
  })

  it('answers what can not be read in the words that it is given', async () => {
    const { port } = await start({ brokenBody: status => ({ contentType: 'application/json', text: `{"status":${status}}` }) })

    assert.match(
      await raw(port, 'nonsense\r\n\r\n'),
      /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/json\r\nConnection: close\r\n\r\n\{"status":400\}$/
    )
    assert.match(await raw(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 .*\{"status":431\}$/s)
  })

  it('answers what never gets to its listener in the words that it is given', async () => {
    const brokenBody = (status: number, message: string) => ({ contentType: 'application/json', text: JSON.stringify({ status, message }) })
    const { port } = await start({ brokenBody })
    const answer = async (bytes: string): Promise<unknown> => {
      const answered = await raw(port, bytes)
      const [head = '', body = ''] = answered.split('\r\n\r\n')
      return { ...JSON.parse(body.replace(/^[\da-f]+\r\n|\r\n0.*$/gs, '')), is: head.split('\r\n')[0] }
    }

    assert.deepEqual(await answer('GET / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n'), {
      status: 417, message: 'the expectation of the request can not be met', is: 'HTTP/1.1 417 Expectation Failed'
    })
    assert.deepEqual(await answer('CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n'), {
      status: 405, message: 'there is no way through this server to another one', is: 'HTTP/1.1 405 Method Not Allowed'
    })
    assert.deepEqual(await answer('GET / HTTP/1.1\r\n\r\n'), {
      status: 400, message: 'missing required Host header', is: 'HTTP/1.1 400 Bad Request: missing required Host header'
    })
    assert.match(await raw(port, 'GET / HTTP/1.0\r\n\r\n'), /hello$/)
  })

  it('answers a CONNECT behind what came whole before', async () => {
    const { port } = await start({}, (_request, response) => { setImmediate(() => response.end('hello')) })

    const answered = await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\nCONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n')

    assert.match(answered, /^HTTP\/1\.1 200 .*helloHTTP\/1\.1 405 /s)
  })

  it('closes connections beyond its limit at once while all are busy, n are served', async () => {
    const { port } = await start({ maxConnections: 2 }, (_request, response) => { response.write('hello') })
    const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    await Promise.all(held.map(async socket => {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'data')
    }))

    const third = connect(port, '127.0.0.1')
    third.on('error', () => {})
    await once(third, 'close')
    for (const socket of held) socket.destroy()
    await Promise.all(held.map(async socket => once(socket, 'close')))

    const next = connect(port, '127.0.0.1')
    next.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.match(String((await once(next, 'data'))[0]), /^HTTP\/1\.1 200 /)
    next.destroy()
  })

  it('closes idle connections for a new one at its limit', async () => {
    const { port } = await start({ maxConnections: 2 })
    const idle = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    const closed = Promise.all(idle.map(async socket => {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'data')
      return once(socket.resume(), 'close')
    }))
    await Promise.all(idle.map(async socket => once(socket, 'data')))

    const answer = await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')

    assert.match(answer, /hello$/)
    await closed
  })

  it('answers through CONNECT by itself where tunnels are wanted, and refuses it elsewhere', async () => {
    const tunnel = await start({ tunnels: true }, (incoming, response) => { response.end(`${incoming.headers.host}${incoming.url}`) })
    const plain = await start()

    const socket = connect(tunnel.port, '127.0.0.1')
    socket.write('CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n')
    const [established] = await once(socket, 'data')
    socket.write('GET /x HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n')

    assert.match(String(established), /^HTTP\/1\.1 200 /)
    assert.match(await text(socket), /example\.org\/x$/)
    assert.doesNotMatch(await raw(plain.port, 'CONNECT example.org:80 HTTP/1.1\r\nHost: x\r\n\r\n'), / 200 /)
  })
})
