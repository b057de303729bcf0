import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { tlsOnDemand } from '../../../src/libp2p/tls-on-demand.ts'

const host = async (): Promise<Libp2p> => createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()], streamMuxers: [yamux()], connectionEncrypters: [tlsOnDemand()],
  connectionGater: { denyDialMultiaddr: async () => false }
})

describe('TLS that is loaded when it is asked for', () => {
  it('secures connections both ways', async () => {
    const [one, other] = await Promise.all([host(), host()])
    try {
      const connection = await one.dial(other.getMultiaddrs())

      assert.equal(connection.remotePeer.toString(), other.peerId.toString())
      assert.equal(connection.encryption, '/tls/1.0.0')
    } finally {
      await Promise.all([one.stop(), other.stop()])
    }
  })
})
