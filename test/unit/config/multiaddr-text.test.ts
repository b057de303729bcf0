import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { isMultiaddr, peerOfMultiaddr } from '../../../src/config/multiaddr-text.ts'

const peer = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const texts = [
  '/ip4/127.0.0.1/tcp/9096', '/ip6/::1/tcp/1/ws', '/ip4/0.0.0.0/udp/9096/quic-v1', '/dns4/example.org/tcp/443/wss',
  `/dnsaddr/bootstrap.libp2p.io/p2p/${peer}`,
  `/ip4/1.2.3.4/tcp/1/p2p/${peer}/p2p-circuit`, '/ip4/10.0.0.0/ipcidr/8',
  'nope', '', '/', '/ip4/300.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/70000', '/ip4/127.0.0.1/tcp', '/tcp/abc', '/nosuch/1',
  '/ip4/127.0.0.1/tcp/1/p2p/abc'
]

function libraryTakes (text: string): boolean {
  try {
    return multiaddr(text).bytes.length > 0 && text !== '' && text !== '/'
  } catch {
    return false
  }
}

describe('multiaddress texts', () => {
  for (const text of texts) {
    it(`${JSON.stringify(text)} is judged as by the library`, () => {
      assert.equal(isMultiaddr(text), libraryTakes(text))
    })
  }

  it('takes the rest of a unix address as its path, as Go does', () => {
    const judged = ['/unix/tmp/a.sock', '/unix/', '/unix'].map(isMultiaddr)

    assert.deepEqual(judged, [true, false, false])
  })

  it('tells the peer at the end', () => {
    const peers = [
      `/ip4/1.2.3.4/tcp/1/p2p/${peer}`, `/ip4/1.2.3.4/tcp/1/ipfs/${peer}`, '/ip4/1.2.3.4/tcp/1', `/p2p/${peer}/p2p-circuit`
    ].map(peerOfMultiaddr)

    assert.deepEqual(peers, [peer, peer, undefined, undefined])
  })
})
