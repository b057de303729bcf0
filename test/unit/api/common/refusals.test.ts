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

/** The status line, the type, and the body that comes back for these bytes. */
async function answered (api: Api, bytes: string): Promise<{ line: string, type: string | undefined, body: string }> {
  const [client, connection] = duplexPair()
  api.accept(connection)
  client.write(bytes)
  const [head = '', body = ''] = (await text(client)).split('\r\n\r\n')
  return { line: /^HTTP\/1\.1 (.*)/.exec(head)?.[1] ?? '', type: /^content-type: ([^;\r]+)/im.exec(head)?.[1], body }
}

/** As Go's server words it: the status line once more. */
async function isPlain (api: Api): Promise<void> {
  for (const [status, bytes] of Object.entries(requests)) {
    const { line, type, body } = await answered(api, bytes)
    assert.deepEqual([line, type], [status, 'text/plain'], bytes.slice(0, 60))
    assert.ok(body.includes(status), body)
  }
}

const messages = [
  'the request can not be read', 'missing required Host header', 'there is no way through this server to another one',
  'the expectation of the request can not be met', 'the headers are too large'
]

describe('what an API answers before a request is one of its own', () => {
  it('is plain text, as of Go\'s peers: REST API, Pinning Service API, proxy', async () => {
    const peer = await pinningPeer()

    for (const api of [restPeer().api, peer.api, proxyPeer().api]) await isPlain(api)

    await peer.stop()
  })

  it('is in the words of the service', async () => {
    const { api } = testApi([])
    const errors: any[] = []
    for (const [status, bytes] of Object.entries(requests)) {
      const { line, type, body } = await answered(api, bytes)
      assert.deepEqual([line, type], [status, 'application/json'], bytes.slice(0, 60))
      errors.push(JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? 'null'))
    }

    assert.deepEqual(errors.map(({ message }) => message), messages)
  })
})
