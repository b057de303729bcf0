import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, before, describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import { chunkedFraming } from '../../../src/http/request/body-framing.ts'
import { RequestBody } from '../../../src/http/request/body.ts'
import { ChunkFraming } from '../../../src/http/request/chunk-framing.ts'
import type { ParserClass } from '../../../src/http/request/chunk-parser.ts'
import { ChunkParser, parserClassOf } from '../../../src/http/request/chunk-parser.ts'
import { HttpServer } from '../../../src/http/server.ts'
import type { HttpServerInit } from '../../../src/http/server.ts'
import { pollUntil } from '../../support/poll.ts'
import { SeededRandom } from '../../support/sim-clock.ts'

/** Ends of bodies after which the server goes on, and such that it refuses. */
const sound = {
  'nothing unusual': '3\r\nabc\r\n0\r\n\r\n',
  'capitals and zeros in front': '00000000000C\r\nabcdefghijkl\r\n000\r\n\r\n',
  'more zeros than a number has digits': `${'0'.repeat(15)}3\r\nabc\r\n0\r\n\r\n`,
  'extensions': '3;a=b;c="d\\"; e";f\r\nabc\r\n4;g\r\ndefg\r\n0;h=1\r\n\r\n',
  'trailers': '3\r\nabc\r\n0\r\nX-One: 1\r\nX-Two:2\r\n\r\n',
  'content that looks like chunks': '7\r\n0\r\n\r\n\r\n\r\n1\r\n\n\r\n0\r\n\r\n',
  'a request behind it': '3\r\nabc\r\n0\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n',
  'nonsense behind it': '3\r\nabc\r\n0\r\n\r\n\0\0nonsense'
}
const faulty = {
  'no digit': '\r\nabc',
  'a letter that is no digit': '3g\r\nabc\r\n0\r\n\r\n',
  'a sign': '-3\r\nabc\r\n0\r\n\r\n',
  'a prefix': '0x3\r\nabc\r\n0\r\n\r\n',
  'a blank before the size': ' 3\r\nabc\r\n0\r\n\r\n',
  'a blank behind the size': '3 \r\nabc\r\n0\r\n\r\n',
  'a size beyond 64 bits': `1${'0'.repeat(16)}\r\nabc\r\n0\r\n\r\n`,
  'a line feed alone behind the size': '3\nabc\r\n0\r\n\r\n',
  'a carriage return alone behind the size': '3\rabc\r\n0\r\n\r\n',
  'content that is longer than its size': '3\r\nabcd\r\n0\r\n\r\n',
  'a line feed alone behind the content': '3\r\nabc\n0\r\n\r\n',
  'a carriage return alone behind the content': '3\r\nabc\r0\r\n\r\n',
  'an extension that is none': '3;\0\r\nabc\r\n0\r\n\r\n',
  'a quoted value that does not end': '3;a="b\r\nabc\r\n0\r\n\r\n',
  'extensions that are too long': `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`,
  'a trailer without a colon': '3\r\nabc\r\n0\r\nnonsense\r\n\r\n',
  'a trailer with a control character': '3\r\nabc\r\n0\r\nX: \0\r\n\r\n',
  'trailers that are too long': `3\r\nabc\r\n0\r\n${'X-Long: 12345678901234567890\r\n'.repeat(1000)}\r\n`,
  'a line feed alone at the end': '3\r\nabc\r\n0\r\n\n',
  'a carriage return alone at the end': '3\r\nabc\r\n0\r\n\rx'
}

const maxHeaderBytes = 8192
let Parser: ParserClass

/** The class of the parser that this Node's servers have. */
async function parserClass (): Promise<ParserClass> {
  const found = Promise.withResolvers<ParserClass | undefined>()
  const server = createServer((request, response) => {
    found.resolve(parserClassOf((request.socket as { parser?: object }).parser))
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  await text(connect((server.address() as AddressInfo).port, '127.0.0.1').end('GET / HTTP/1.0\r\n\r\n'))
  server.close()
  const Class = await found.promise
  assert.ok(Class)
  return Class
}

interface Outcome { content: string, isDone: boolean, code: string | undefined }

const codeOf = (err: Error | undefined): string | undefined => (err as NodeJS.ErrnoException | undefined)?.code

/** What Node's parser makes of a body that comes in these parts. */
function parsed (parts: readonly Buffer[]): Outcome {
  const parser = new ChunkParser({ unread: Buffer.alloc(0), maxHeaderBytes }, Parser)
  let content = ''
  let err: Error | undefined
  for (const part of parts) {
    if (err == null && !parser.isDone) err = parser.take(part, bytes => { content += bytes.toString('latin1') })
  }
  return { content, isDone: parser.isDone, code: codeOf(err) }
}

function framed (parts: readonly Buffer[]): Outcome {
  const framing = chunkedFraming(new ChunkFraming(), { Parser, maxHeaderBytes })
  let content = ''
  let err: Error | undefined
  for (const part of parts) {
    if (err != null || framing.isDone) break
    err = framing.take(part, {
      run: (from, to) => { content += part.toString('latin1', from, to) },
      piece: bytes => { content += bytes.toString('latin1') }
    })
  }
  return { content, isDone: framing.isDone, code: codeOf(err) }
}

/** The bytes in parts that end there. */
const cutAt = (bytes: Buffer, ...places: number[]): Buffer[] =>
  [...places, bytes.length].map((place, at) => bytes.subarray(places[at - 1] ?? 0, place))

describe('chunks are framed as by Node\'s parser', () => {
  before(async () => { Parser = await parserClass() })

  for (const [name, body] of Object.entries({ ...sound, ...faulty })) {
    it(`cut anywhere: ${name}`, () => {
      const bytes = Buffer.from(`5\r\nfirst\r\n${body}`, 'latin1')
      const whole = parsed([bytes])
      // the middle of what is very long is like the rest of it
      const places = Array.from({ length: bytes.length }, (_, at) => at).filter(at => at < 60 || at > bytes.length - 60)
      for (const first of places) {
        assert.deepEqual(framed(cutAt(bytes, first)), whole, `cut at ${first}`)
        const second = first + 1 + (first * 7) % 5
        if (second < bytes.length) assert.deepEqual(framed(cutAt(bytes, first, second)), whole, `cut at ${first} and ${second}`)
      }
      assert.equal(whole.code != null, body in Object.fromEntries(Object.values(faulty).map(one => [one, true])), whole.code ?? 'no fault')
    })
  }

  it('whatever comes, and however it is cut', () => {
    const random = new SeededRandom(16)
    const below = (limit: number): number => Math.floor(random.float() * limit)
    const bodies = Object.values({ ...sound, ...faulty }).filter(({ length }) => length < 200)
    for (let trial = 0; trial < 3000; trial++) {
      const several = Array.from({ length: 4 }, () => bodies[below(bodies.length)]).join('')
      const ended = several.replaceAll(/0\r\n\r\n(?=.)/gs, () => random.float() < 0.7 ? '' : '0\r\n\r\n')
      const bytes = Buffer.from(ended, 'latin1')
      if (random.float() < 0.5) bytes[below(bytes.length)] = below(256)
      const places = Array.from({ length: below(6) }, () => below(bytes.length)).toSorted((a, b) => a - b)

      assert.deepEqual(framed(cutAt(bytes, ...places)), parsed([bytes]), JSON.stringify(bytes.toString('latin1')))
    }
  })
})

const init: HttpServerInit = {
  name: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], tls: null, maxHeaderBytes: 4096, readTimeoutMs: 0, readHeaderTimeoutMs: 5000,
  writeTimeoutMs: 0, idleTimeoutMs: 120_000
}
const running: HttpServer[] = []
const clients: Socket[] = []
const content = Buffer.alloc(9_000_001)
for (let at = 0; at + 4 <= content.length; at += 4) content.writeUInt32LE(at, at)
const right = `${content.length} ${hash('sha256', content)}`
const head = 'POST /here?a=b HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n'

/** The content in chunks of these sizes, in turn; without the last chunk. */
function inChunks (bytes: Buffer, ...sizes: number[]): Buffer {
  const parts: Buffer[] = []
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const chunk = bytes.subarray(at, at += sizes[n % sizes.length] ?? 1)
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

type Handler = (body: AsyncIterable<Buffer>, call: { request: IncomingMessage, response: ServerResponse }) => Promise<void>

async function start (handler: Handler, more: Partial<HttpServerInit> = {}): Promise<number> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handler(new RequestBody(request, response).chunks(), { request, response }).catch(() => {})
  }
  const server = new HttpServer({ ...init, ...more }, { listener, clock: systemClock, log: silentLogger })
  running.push(server)
  await server.start()
  return Number(/tcp\/(\d+)$/.exec(server.addresses()[0] ?? '')?.[1])
}

function client (port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  clients.push(socket)
  socket.on('error', () => {})
  return socket
}

/** All that comes back until the connection ends or breaks. */
async function answerOf (socket: Socket): Promise<string> {
  let all = ''
  for await (const piece of socket.iterator({ destroyOnReturn: false })) all += String(piece)
  return all
}

/** Answers with length, digest and the size of the largest piece. */
const digest: Handler = async (body, { response }) => {
  const pieces = await Array.fromAsync(body)
  const all = Buffer.concat(pieces)
  response.end(`${all.length} ${hash('sha256', all)} ${Math.max(0, ...pieces.map(({ length }) => length))}`)
}

describe('a long body in chunks', () => {
  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy()
    for (const server of running.splice(0)) await server.stop()
  })

  for (const sizes of [[content.length], [1 << 20], [65_536], [32_768, 1, 100_000], [4096], [700, 1]]) {
    it(`comes whole and in large pieces, in chunks of ${sizes.join(', ')} bytes, and the connection ends with its answer`, async () => {
      const socket = client(await start(digest))
      socket.write(Buffer.concat([Buffer.from(head), inChunks(content, ...sizes), Buffer.from('0\r\n\r\n')]))

      const answer = await answerOf(socket)

      assert.match(answer, /^HTTP\/1.1 200 OK\r\n[^]*Connection: close/)
      assert.match(answer, new RegExp(right))
      assert.ok(Number(answer.split(' ').at(-1)) > 65_536, answer)
    })
  }

  it('comes whole when its head comes alone, and the rest in parts of any size', async () => {
    const port = await start(digest)
    const bytes = Buffer.concat([inChunks(content, 32_768, 3), Buffer.from('0\r\n\r\n')])
    for (const first of [head.length, head.length + 1, head.length + 40_000]) {
      const socket = client(port)
      socket.setNoDelay(true)
      const all = Buffer.concat([Buffer.from(head), bytes])
      socket.write(all.subarray(0, first))
      for (let at = first, size = 1; at < all.length; at += size, size = Math.min(size * 2, 50_021)) {
        if (!socket.write(all.subarray(at, at + size))) await new Promise(resolve => socket.once('drain', resolve))
      }

      assert.match(await text(socket), new RegExp(right))
    }
  })

  it('comes when the client waits for 100 Continue', async () => {
    const socket = client(await start(digest))
    socket.write(head.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'))
    const go = await new Promise(resolve => socket.once('data', resolve))
    socket.write(Buffer.concat([inChunks(content, 65_536), Buffer.from('0\r\n\r\n')]))

    assert.equal(String(go), 'HTTP/1.1 100 Continue\r\n\r\n')
    assert.match(await text(socket), new RegExp(right))
  })

  for (const [name, end] of Object.entries(sound)) {
    it(`comes whole with ${name}, also when it goes on for long`, async () => {
      const port = await start(digest)
      const last = framed([Buffer.from(end)]).content
      for (const more of end.includes('behind') || end.includes('nonsense') ? [0] : [0, 3_000_000]) {
        const socket = client(port)
        const [, before = '', after = ''] = /^(.*?)((?:0\r\n|000\r\n|0;h=1\r\n)(?:X-[^]*)?\r\n)$/s.exec(more === 0 ? '' : end) ?? []
        const tail = more === 0 ? end : `${before}${inChunks(content.subarray(0, more), 65_536).toString('latin1')}${after}`
        const expected = Buffer.concat([content, Buffer.from(last), content.subarray(0, more)])
        socket.end(Buffer.concat([Buffer.from(head), inChunks(content, 65_536), Buffer.from(tail, 'latin1')]))

        const answer = await answerOf(socket)

        assert.ok(answer.includes(`${expected.length} ${hash('sha256', expected)}`), answer)
        assert.equal(answer.match(/HTTP\/1.1/g)?.length, 1)
      }
    })
  }

  for (const [name, end] of Object.entries(faulty)) {
    it(`is refused as by Node's parser: ${name}`, async () => {
      const failures: unknown[] = []
      const largest: number[] = []
      const failing: Handler = async body => {
        let most = 0
        try {
          for await (const { length } of body) most = Math.max(most, length)
        } catch (err) {
          largest.push(most)
          failures.push((err as NodeJS.ErrnoException).code)
        }
      }
      const answers: string[] = []
      // with a time limit the parser reads
      for (const readTimeoutMs of [0, 60_000]) {
        const socket = client(await start(failing, { readTimeoutMs }))
        socket.write(Buffer.concat([Buffer.from(head), inChunks(content, 65_536), Buffer.from(end, 'latin1')]))
        answers.push(await answerOf(socket))
      }
      await pollUntil(() => failures.length === 2)

      assert.match(answers[0] ?? '', /^HTTP\/1.1 400 Bad Request\r\n|^HTTP\/1.1 431 /)
      assert.equal(answers[0], answers[1])
      assert.equal(failures[0], failures[1])
      assert.ok((largest[0] ?? 0) > 65_536 && (largest[1] ?? 0) <= 65_536, `${largest}`)
    })
  }

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
    socket.write(head)
    socket.write(inChunks(content, 65_536), () => socket.destroy())

    assert.ok(await failed.promise instanceof Error)
  })

  it('is a broken request when the client ends its side in the middle', async () => {
    const socket = client(await start(digest))
    socket.end(Buffer.concat([Buffer.from(head), inChunks(content, 65_536)]))

    assert.match(await answerOf(socket), /^HTTP\/1.1 400 /)
  })

  it('is read no further than its reader goes', async () => {
    const asked = Promise.withResolvers<void>()
    let server: Socket | undefined
    let pieces = 0
    const port = await start(async (body, { request, response }) => {
      server = request.socket
      for await (const _ of body) if (++pieces > 40) await asked.promise
      response.end('done')
    })
    const socket = client(port)
    const bytes = inChunks(content, 4096)
    socket.write(head)
    for (let n = 0; n < 20; n++) socket.write(bytes)
    socket.write('0\r\n\r\n')
    let before = -1
    await pollUntil(() => {
      const read = server?.bytesRead ?? 0
      const isStill = pieces > 40 && read === before
      before = read
      return isStill
    }, { everyMs: 100 })

    assert.ok((server?.bytesRead ?? 0) < 50_000_000, `${server?.bytesRead}`)
    asked.resolve()
    assert.match(await text(socket), /done/)
  })

  for (const most of [1, 1_500_000]) {
    it(`may be answered before its end, after ${most} bytes: the client gets the answer`, async () => {
      const port = await start(async (body, { request, response }) => {
        let read = 0
        for await (const piece of body) if ((read += piece.length) >= most) break
        // as `lingerBeforeClose` does it
        request.resume()
        response.writeHead(200, { Connection: 'close' }).end('enough')
      })
      const socket = client(port)
      socket.write(head)
      socket.write(inChunks(content.subarray(0, most === 1 ? 1000 : 2_000_000), 65_536))

      assert.match(await answerOf(socket), /enough/)
    })
  }

  it('that is short leaves its connection to the next request, in one part or in two', async () => {
    const socket = client(await start(digest))
    socket.setNoDelay(true)
    const answers: string[] = []
    socket.on('data', piece => answers.push(String(piece)))
    const small = content.subarray(0, 300_000)
    const bytes = Buffer.concat([inChunks(small, 65_536), Buffer.from('0\r\n\r\n')])
    for (const first of [bytes.length, 0, 100_001]) {
      socket.write(Buffer.concat([Buffer.from(head), bytes.subarray(0, first)]))
      if (first < bytes.length) await new Promise(resolve => socket.write(bytes.subarray(first), resolve))
      const count = answers.length
      await pollUntil(() => answers.length > count)
    }

    const all = answers.join('')
    assert.equal(all.split(`300000 ${hash('sha256', small)}`).length, 4)
    assert.doesNotMatch(all, /Connection: close/i)
  })

  it('is found behind others that came in the same read', async () => {
    const socket = client(await start(digest))
    const first = `${head}3\r\nabc\r\n0\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(first + head), inChunks(content, 65_536), Buffer.from('0\r\n\r\n')]))
    socket.on('data', () => {})

    const answer = await new Promise<string>(resolve => {
      let all = ''
      socket.on('data', piece => {
        all += String(piece)
        if (all.split('HTTP/1.1').length === 3 && all.includes(right)) resolve(all)
      })
    })

    assert.ok(answer.includes(`3 ${hash('sha256', 'abc')}`))
  })

  it('comes whole by the parser when it is not asked for at once', async () => {
    const port = await start(async (body, call) => {
      await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
      await digest(body, call)
    })
    const socket = client(port)
    socket.write(head.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    socket.write(Buffer.concat([inChunks(content, 65_536), Buffer.from('0\r\n\r\n')]))

    assert.match(await text(socket), new RegExp(right))
  })
})
