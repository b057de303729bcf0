import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { dialFailure } from '../../../../src/network/host/dial-failure.ts'
import { libp2pStreams } from '../../../../src/network/host/streams.ts'
import { connectHosts, newHost } from '../../../support/cluster-hosts.ts'
import { pollUntil } from '../../../support/poll.ts'

const refused = (port: number, address = '127.0.0.1'): Error =>
  Object.assign(new Error(`connect ECONNREFUSED ${address}:${port}`), { code: 'ECONNREFUSED', address, port })

describe('the message of a failed dial', () => {
  it('names the peer and each address', () => {
    const err = new AggregateError([refused(4001), refused(4002, '::1'), new Error('no transport for it')])

    assert.equal(dialFailure('12D3KooWPeer', err), [
      'failed to dial: failed to dial 12D3KooWPeer: all dials failed',
      '  * [/ip4/127.0.0.1/tcp/4001] dial tcp4 127.0.0.1:4001: connect: connection refused',
      '  * [/ip6/::1/tcp/4002] dial tcp6 [::1]:4002: connect: connection refused',
      '  * no transport for it'
    ].join('\n'))
  })

  it('is that of libp2p when a connection was there', () => {
    assert.equal(dialFailure('12D3KooWPeer', new Error('the stream was reset')), 'the stream was reset')
  })

  it('comes from a peer that was here and went', async () => {
    const [near, far] = [await newHost(), await newHost()]
    const streams = libp2pStreams({ host: near, log: silentLogger })
    const signal = new AbortController().signal
    await Promise.all([near, far].map(async host => host.start(signal)))
    try {
      await connectHosts(near, far)
      await far.stop()
      await pollUntil(async () => near.connectedPeers().length === 0, { what: 'the end of the connection' })

      await assert.rejects(
        streams.open(far.peer, '/nothing/1.0.0'),
        {
          code: 'PEER_UNREACHABLE',
          message: new RegExp(
            `^failed to dial: failed to dial ${far.peer}: all dials failed\\n  \\* \\[/ip4/127.0.0.1/tcp/\\d+\\] dial tcp4 127.0.0.1:\\d+: connect: connection refused`
          )
        }
      )
    } finally {
      await near.stop()
    }
  })
})
