import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { parseEndpoint } from '../../../src/client/endpoint.ts'

describe('endpoint', () => {
  it('is read from multiaddresses of TCP, DNS names, unix sockets and libp2p', () => {
    const peer = '/p2p/12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'

    assert.deepEqual(parseEndpoint('/ip4/127.0.0.1/tcp/9094'), { kind: 'tcp', host: '127.0.0.1', port: 9094, isName: false })
    assert.deepEqual(parseEndpoint('127.0.0.1:9094'), { kind: 'tcp', host: '127.0.0.1', port: 9094, isName: false })
    assert.deepEqual(parseEndpoint('http://peer.example:80/'), { kind: 'tcp', host: 'peer.example', port: 80, isName: true })
    assert.deepEqual(parseEndpoint('[::1]:9094'), { kind: 'tcp', host: '::1', port: 9094, isName: false })
    assert.deepEqual(parseEndpoint('/ip6/::1/tcp/80/http'), { kind: 'tcp', host: '::1', port: 80, isName: false })
    assert.deepEqual(parseEndpoint('/dns4/example.org/tcp/443'), { kind: 'tcp', host: 'example.org', port: 443, isName: true })
    assert.deepEqual(parseEndpoint('/unix/run/api.sock'), { kind: 'unix', path: '/run/api.sock' })
    assert.deepEqual(parseEndpoint(`/ip4/1.2.3.4/tcp/1${peer}`), { kind: 'libp2p', address: `/ip4/1.2.3.4/tcp/1${peer}` })
    assert.deepEqual(parseEndpoint('/dnsaddr/example.org'), { kind: 'libp2p', address: '/dnsaddr/example.org' })
  })

  it('is refused with a reason when it is none', () => {
    for (const text of [
      '', 'localhost', 'local host:9094', '1.2.3.4:70000', 'http://a', '/ip4', '/ip4/1.2.3.4', '/ip4/1.2.3.4/udp/1',
      '/ip4/1.2.3.4/tcp/70000', '/ip4/1.2.3.4/tcp/1/ws'
    ]) {
      assert.throws(
        () => parseEndpoint(text), err => isClusterError(err, 'INVALID_ARGUMENT') && err.message.startsWith('failed to parse multiaddr'),
        text
      )
    }
  })
})
