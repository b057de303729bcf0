import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddrBytes, multiaddrFromBytes, multiaddrText, parseMultiaddr } from '../../../src/model/multiaddr.ts'

const peer = '12D3KooWQVSeZpqAPH2RYQD1BiYF7pKJqMyakNniPZwKdiibrBgr'
const key = 'k51qzi5uqu5dlm7pz0h52vc3rh6ggbmy9x10y9ym372vx3so0hszibm45356vr'

/** What ipfs-cluster 1.1.6 (go-multiaddr 0.16) answers with for origins. */
const printed: Record<string, string> = {
  '/ip6/::ffff:1.2.3.4/tcp/1': '/ip6/::ffff:1.2.3.4/tcp/1',
  '/ip6/::FFFF:255.0.16.254/tcp/080': '/ip6/::ffff:255.0.16.254/tcp/80',
  '/ip6/::ffff:0:1.2.3.4/tcp/1': '/ip6/::ffff:0:102:304/tcp/1',
  '/ip6/::1.2.3.4/tcp/1': '/ip6/::102:304/tcp/1',
  '/ip6/2001:DB8:0:0:1:0:0:1/udp/0001/quic-v1': '/ip6/2001:db8::1:0:0:1/udp/1/quic-v1',
  '/ip4/1.2.3.4/tcp/0080': '/ip4/1.2.3.4/tcp/80',
  '/ip4/1.2.3.4/tcp/0': '/ip4/1.2.3.4/tcp/0',
  '/dns4/A.b/tcp/01/ws': '/dns4/A.b/tcp/1/ws',
  '/dns/p2p/tcp/1': '/dns/p2p/tcp/1',
  '/ip4/1.2.3.4/ipcidr/024': '/ip4/1.2.3.4/ipcidr/24',
  '/memory/01': '/memory/1'
}

describe('a multiaddress of somebody else', () => {
  for (const [text, expected] of Object.entries(printed)) {
    it(`${text} comes back as go-multiaddr writes it`, () => {
      const whole = multiaddrText(parseMultiaddr(`${text}/p2p/${peer}`))

      assert.equal(whole, `${expected}/p2p/${peer}`)
      assert.equal(multiaddrFromBytes(multiaddrBytes(whole)), whole)
      assert.equal(multiaddrText(parseMultiaddr(`${text}/p2p/${peer}/`)), whole)
    })
  }

  it('names its peer in base 58, whatever base it was given in', () => {
    for (const id of [peer, key, key.toUpperCase()]) for (const name of ['p2p', 'ipfs']) {
      assert.equal(multiaddrText(parseMultiaddr(`/ip4/1.2.3.4/tcp/1/${name}/${id}`)), `/ip4/1.2.3.4/tcp/1/p2p/${peer}`)
    }
  })

  for (const [text, why] of [
    ['', 'empty multiaddr'],
    ['/', 'empty multiaddr'],
    ['ip4/1.2.3.4', 'must begin with /'],
    ['/foo/1', 'unknown protocol foo'],
    ['//ip4/1.2.3.4', 'unknown protocol '],
    ['/ip4/1.2.3.4//tcp/1', 'unknown protocol '],
    [
      '/p2p/bafybeibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq',
      'invalid value "bafybeibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq" for protocol p2p: failed to parse p2p addr: bafybeibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq has the invalid codec 112'
    ]
  ] as const) {
    it(`is refused as by Go: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseMultiaddr(text), {
        code: 'INVALID_ARGUMENT', message: `failed to parse multiaddr ${JSON.stringify(text.replace(/\/$/, ''))}: ${why}`
      })
    })
  }

  it('is refused with numbers that are none, and peers that are none', () => {
    for (const text of ['/ip4/1.2.3.4/tcp/+1', '/ip4/1.2.3.4/tcp/65536', '/ip4/01.2.3.4/tcp/1', '/p2p/nonsense']) {
      assert.throws(() => parseMultiaddr(text), { code: 'INVALID_ARGUMENT', message: /^failed to parse multiaddr / })
    }
  })
})
