import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/transport.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server of this kind with the transport that reaches it. */
export interface TransportCase {
  transport: Transport
  stop (): Promise<void>
}

export interface TransportSuite {
  name: string
  start (handler: Handler): Promise<TransportCase>
  /** A transport to where nobody listens. */
  toNobody (): Promise<Transport>
  /** Whether the platform shows trailers. */
  showsTrailers: boolean
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function read ({ body }: TransportResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const get = (path: string, more: Partial<TransportRequest> = {}): TransportRequest => ({ method: 'GET', path, headers: {}, ...more })

/** What every transport promises (src/client/transport.ts). */
export function transportContract (suite: TransportSuite): void {
  const using = async (handler: Handler, act: (transport: Transport) => Promise<void>): Promise<void> => {
    const started = await suite.start(handler)
    try {
      await act(started.transport)
    } finally {
      await started.stop()
    }
  }

  describe(`transport: ${suite.name}`, () => {
    it('sends method, path, query and headers, and gives status and body', async () => {
      const seen: string[] = []
      await using((request, response) => {
        seen.push(request.method ?? '', request.url ?? '', String(request.headers['x-test']))
        response.writeHead(418).end('short and stout')
      }, async transport => {
        const response = await transport.request({ method: 'DELETE', path: '/a%20b?c=d', headers: { 'x-test': 'yes' } })

        assert.equal(response.status, 418)
        assert.equal(await read(response), 'short and stout')
        assert.deepEqual(seen, ['DELETE', '/a%20b?c=d', 'yes'])
      })
    })

    it('sends streams and blobs', async () => {
      await using((request, response) => { request.pipe(response) }, async transport => {
        const stream = async function * (): AsyncGenerator<Uint8Array> { yield bytes('one '); yield bytes('two') }

        const streamed = await transport.request({ method: 'POST', path: '/', headers: {}, body: stream })
        const blob = await transport.request({ method: 'POST', path: '/', headers: {}, body: () => new Blob(['a blob']) })

        assert.equal(await read(streamed), 'one two')
        assert.equal(await read(blob), 'a blob')
      })
    })

    it('hands on the body as it arrives', async () => {
      let finish = (): void => {}
      await using((_request, response) => {
        response.write('first')
        finish = () => response.end('last')
      }, async transport => {
        const chunks = (await transport.request(get('/'))).body[Symbol.asyncIterator]()

        const first = await chunks.next()
        finish()
        const last = await chunks.next()

        assert.equal(Buffer.from(first.value as Uint8Array).toString(), 'first')
        assert.equal(Buffer.from(last.value as Uint8Array).toString(), 'last')
      })
    })

    it('gives trailers where the platform has them', async () => {
      await using((_request, response) => {
        response.writeHead(200, { trailer: 'X-Stream-Error' })
        response.write('x')
        response.addTrailers([['X-Stream-Error', 'one'], ['X-Stream-Error', 'two']])
        response.end()
      }, async transport => {
        const response = await transport.request(get('/'))
        await read(response)

        assert.deepEqual(response.trailers('x-stream-error'), suite.showsTrailers ? ['one', 'two'] : [])
      })
    })

    it('throws when a body is cut off', async () => {
      await using((_request, response) => {
        response.write('half of')
        setImmediate(() => response.destroy())
      }, async transport => {
        const reading = transport.request(get('/')).then(read)

        await assert.rejects(reading)
      })
    })

    it('closes the connection when the reading ends early', async () => {
      const closed = Promise.withResolvers<void>()
      await using((_request, response) => {
        response.on('close', closed.resolve)
        response.write('endless')
      }, async transport => {
        const response = await transport.request(get('/'))
        for await (const _ of response.body) break

        await closed.promise
      })
    })

    it('rejects with the reason of the signal', async () => {
      await using(() => {}, async transport => {
        const stop = new AbortController()
        const asked = transport.request(get('/', { signal: stop.signal }))

        stop.abort(new Error('enough'))

        await assert.rejects(asked, { message: 'enough' })
      })
    })

    it('rejects when the body to send fails, and when nobody listens', async () => {
      await using((request, response) => { request.on('end', () => response.end()).resume() }, async transport => {
        const failing = async function * (): AsyncGenerator<Uint8Array> { yield bytes('a'); throw new Error('the disk is gone') }

        await assert.rejects(transport.request({ method: 'POST', path: '/', headers: {}, body: failing }))
      })
      const nobody = await suite.toNobody()
      await assert.rejects(nobody.request(get('/')), err => !isClusterError(err) || isClusterError(err, 'PEER_UNREACHABLE'))
    })
  })
}
