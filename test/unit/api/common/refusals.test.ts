import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { pinningPeer } from '../../../support/pinning-peer.ts'
import { proxyPeer } from '../../../support/proxy-peer.ts'
import { restPeer } from '../../../support/rest-peer.ts'
import { testApi } from '../../../support/service-api.ts'

type Api = { accept (connection: Duplex): void }

/** Requests that never get to a handler, by the status of their answer. */
const requests: Record<string, string> = {
  '400 Bad Request': 'nonsense\r\n\r\n',
  '400 Bad Request: missing required Host header': 'GET /id HTTP/1.1\r\n\r\n',
  '405 Method Not Allowed': 'CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n',
  '417 Expectation Failed': 'GET /id HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n',
  '431 Request Header Fields Too Large': `GET /id HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`
}

/** The status line, the type, and the JSON that comes back for these bytes. */
async function answered (api: Api, bytes: string): Promise<{ line: string, type: string | undefined, json: any }> {
  const [client, connection] = duplexPair()
  api.accept(connection)
  client.write(bytes)
  const [head = '', body = ''] = (await text(client)).split('\r\n\r\n')
  return {
    line: /^HTTP\/1\.1 (.*)/.exec(head)?.[1] ?? '', type: /^content-type: ([^;\r]+)/im.exec(head)?.[1],
    json: JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? 'null')
  }
}

async function errorsOf (api: Api): Promise<any[]> {
  const errors: any[] = []
  for (const [status, bytes] of Object.entries(requests)) {
    const { line, type, json } = await answered(api, bytes)
    assert.deepEqual([line, type], [status, 'application/json'], bytes.slice(0, 60))
    errors.push(json)
  }
  return errors
}

const messages = [
  'the request can not be read', 'missing required Host header', 'there is no way through this server to another one',
  'the expectation of the request can not be met', 'the headers are too large'
]

describe('what an API answers before a request is one of its own', () => {
  it('is in the words of the REST API', async () => {
    const codes = [400, 400, 405, 417, 431]

    assert.deepEqual(await errorsOf(restPeer().api), messages.map((message, at) => ({ code: codes[at], message })))
  })

  it('is in the words of the Pinning Service API', async () => {
    const peer = await pinningPeer()

    const errors = await errorsOf(peer.api)
    await peer.stop()

    assert.deepEqual(errors, messages.map(reason => ({ error: { reason } })))
  })

  it('is in the words of Kubo at the proxy', async () => {
    assert.deepEqual(await errorsOf(proxyPeer().api), messages.map(Message => ({ Message, Code: 0, Type: 'error' })))
  })

  it('is in the words of the service', async () => {
    const errors = await errorsOf(testApi([]).api)

    assert.deepEqual(errors.map(({ message }) => message), messages)
  })
})
