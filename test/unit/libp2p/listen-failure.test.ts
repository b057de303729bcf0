import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { listenFailure } from '../../../src/libp2p/listen-failure.ts'

describe('a libp2p host that can not listen', () => {
  it('tells the address and the reason in one line', async () => {
    const other = createServer()
    const port = await new Promise<number>(
      resolve => other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port))
    )

    const failure = await createLibp2p({
      addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] }, transports: [tcp()]
    }).then(() => 'none', listenFailure)
    other.close()

    assert.equal(failure, `/ip4/127.0.0.1/tcp/${port} (listen EADDRINUSE: address already in use 127.0.0.1:${port})`)
  })

  it('keeps what other errors say', () => {
    assert.equal(listenFailure(new Error('no such thing')), 'no such thing')
  })
})
