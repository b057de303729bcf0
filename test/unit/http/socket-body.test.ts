import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { request as requestTls } from 'node:https'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import { RequestBody } from '../../../src/http/request/body.ts'
import { SocketBody } from '../../../src/http/request/socket-body.ts'
import { HttpServer } from '../../../src/http/server.ts'
import type { HttpServerInit } from '../../../src/http/server.ts'
import { pollUntil } from '../../support/poll.ts'
import { testCertificate } from './test-certificate.ts'

const init: HttpServerInit = {
  name: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], tls: null, maxHeaderBytes: 4096, readTimeoutMs: 0, readHeaderTimeoutMs: 5000,
  writeTimeoutMs: 0, idleTimeoutMs: 120_000
}
const running: HttpServer[] = []
const clients: Socket[] = []
const content = Buffer.alloc(9_000_001)
for (let at = 0; at + 4 <= content.length; at += 4) content.writeUInt32LE(at, at)

type Handler = (body: AsyncIterable<Buffer>, call: { request: IncomingMessage, response: ServerResponse }) => Promise<void>

async function start (handler: Handler, more: Partial<HttpServerInit> = {}): Promise<number> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handler(new RequestBody(request, response).chunks(), { request, response }).catch(err => { response.destroy(err) })
  }
  const server = new HttpServer({ ...init, ...more }, { listener, clock: systemClock, log: silentLogger })
  running.push(server)
  await server.start()
  return Number(/tcp\/(\d+)$/.exec(server.addresses()[0] ?? '')?.[1])
}

const head = (bytes = content.length): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`

function client (port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  clients.push(socket)
  socket.on('error', () => {})
  return socket
}

/** Answers with length, digest and the size of the largest piece. */
const digest: Handler = async (body, { response }) => {
  const pieces = await Array.fromAsync(body)
  const all = Buffer.concat(pieces)
  response.end(`${all.length} ${hash('sha256', all)} ${Math.max(...pieces.map(({ length }) => length))}`)
}
const right = `${content.length} ${hash('sha256', content)}`

describe('a large body', () => {
  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy()
    for (const server of running.splice(0)) await server.stop()
  })

  it('comes whole and in large pieces, and the connection ends with its answer', async () => {
    const socket = client(await start(digest))
    socket.write(head())
    socket.write(content)

    const answer = await text(socket)

    assert.match(answer, /^HTTP\/1.1 200 OK\r\n[^]*Connection: close/)
    assert.match(answer, new RegExp(right))
    assert.ok(Number(answer.split(' ').at(-1)) > 65_536)
  })

  it('is read by the parser while sixteen others are not', async () => {
    const port = await start(digest)
    const isLastOfConnection = async (): Promise<boolean> => {
      const socket = client(port)
      socket.write(head())
      socket.write(content)
      let answer = ''
      for await (const piece of socket) {
        answer += String(piece)
        if (answer.includes(right)) break
      }
      return answer.includes('Connection: close')
    }
    const others = Array.from({ length: 16 }, () => client(port))
    for (const other of others) other.write(Buffer.concat([Buffer.from(head()), content.subarray(0, 100_000)]))
    await pollUntil(async () => SocketBody.underWay === 16, { what: 'sixteen bodies' })

    const isSeventeenthLast = await isLastOfConnection()
    for (const other of others) other.destroy()
    await pollUntil(() => SocketBody.underWay === 0, { what: 'their end' })

    // what the parser has read leaves the connection open
    assert.equal(isSeventeenthLast, false)
    assert.equal(await isLastOfConnection(), true)
  })

  it('comes whole when some of it came with the head, and the rest in small parts', async () => {
    const socket = client(await start(digest))
    socket.setNoDelay(true)
    socket.write(Buffer.concat([Buffer.from(head()), content.subarray(0, 10)]))
    for (let at = 10, size = 1; at < content.length; at += size, size = Math.min(size * 2, 30_011)) {
      if (!socket.write(content.subarray(at, at + size))) await new Promise(resolve => socket.once('drain', resolve))
    }

    assert.match(await text(socket), new RegExp(right))
  })

  it('ends where it says, and what comes behind it changes nothing', async () => {
    const pieces: Buffer[] = []
    const port = await start(async (body, { request, response }) => {
      for await (const piece of body) pieces.push(piece)
      await pollUntil(() => request.socket.bytesRead > content.length + 100_000)
      response.end(hash('sha256', Buffer.concat(pieces)))
    })
    const socket = client(port)
    socket.write(head())
    socket.write(Buffer.concat([content, Buffer.alloc(300_000, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')]))

    const answer = await text(socket)

    assert.ok(answer.endsWith(hash('sha256', content)))
    assert.equal(answer.match(/HTTP\/1.1/g)?.length, 1)
  })

  it('is an error when the client goes away before its end', async () => {
    const failed = Promise.withResolvers<unknown>()
    const port = await start(async body => {
      try {
        for await (const _ of body) { /* all of it */ }
        failed.resolve('whole')
      } catch (err) {
        failed.resolve(err)
      }
    })
    const socket = client(port)
    socket.write(head())
    socket.write(content.subarray(0, 5_000_000), () => socket.destroy())

    assert.ok(await failed.promise instanceof Error)
  })

  it('is read no further than its reader goes', async () => {
    const asked = Promise.withResolvers<void>()
    let server: Socket | undefined
    const port = await start(async (body, { request, response }) => {
      server = request.socket
      for await (const _ of body) await asked.promise
      response.end('done')
    })
    const socket = client(port)
    socket.write(head(50 * content.length))
    for (let n = 0; n < 50; n++) socket.write(content)
    let before = -1
    await pollUntil(() => {
      const read = server?.bytesRead ?? 0
      const isStill = read > 0 && read === before
      before = read
      return isStill
    }, { everyMs: 100 })

    assert.ok((server?.bytesRead ?? 0) < 8_000_000, `${server?.bytesRead}`)
    asked.resolve()
    assert.match(await text(socket), /done/)
  })

  it('may be answered before its end: the client gets the answer', async () => {
    const port = await start(async (body, { response }) => {
      for await (const _ of body) break
      response.end('enough')
    })
    const socket = client(port)
    socket.write(head(10 * content.length))
    socket.write(content.subarray(0, 100_000))

    assert.match(await text(socket), /enough/)
  })

  it('comes whole over TLS, where requests have a time limit, and when it is not asked for at once', async () => {
    const tls = testCertificate
    const viaTls = requestTls({ port: await start(digest, { tls }), host: '127.0.0.1', method: 'POST', rejectUnauthorized: false })
    viaTls.end(content)
    const answer = await new Promise<IncomingMessage>(resolve => viaTls.once('response', resolve))
    assert.match(await text(answer), new RegExp(right))
    const later: Handler = async (body, call) => {
      await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
      await digest(body, call)
    }
    for (const port of [await start(digest, { readTimeoutMs: 60_000 }), await start(later)]) {
      const socket = client(port)
      socket.write(head().replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
      socket.write(content)

      assert.match(await text(socket), new RegExp(right))
    }
  })
})
