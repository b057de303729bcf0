import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { systemClock } from '../../../src/base/system.ts'
import { streamDuplex } from '../../../src/network/stream-duplex.ts'
import { streamPair } from '../../support/memory-streams.ts'

const clock = systemClock

/** `once` would reject at the error of a reset. */
const closed = async (stream: Duplex): Promise<void> => new Promise(resolve => stream.once('close', () => resolve()))

describe('a peer stream as a duplex', () => {
  it('carries both directions to their ends', async () => {
    const [near, far] = streamPair('a', 'b')
    const here = streamDuplex(near, { clock })
    const there = streamDuplex(far, { clock })
    const large = Buffer.alloc(500_000, 7)

    here.end(large)
    const received = await buffer(there)
    there.end('done')
    const answer = await text(here)

    assert.deepEqual(received, large)
    assert.equal(answer, 'done')
    assert.ok(!near.wasReset.aborted && !far.wasReset.aborted)
  })

  it('resets the stream when it is destroyed early', async () => {
    const [near, far] = streamPair('a', 'b')
    const here = streamDuplex(near, { clock })
    const there = streamDuplex(far, { clock })

    here.destroy()
    await closed(there)

    assert.ok(far.wasReset.aborted)
    assert.ok(there.destroyed)
  })

  it("is a connection for Node's HTTP, named by the peer, and idle ones are cut", async () => {
    const server = createServer({ keepAliveTimeout: 20 }, (incoming, outgoing) => {
      void text(incoming).then(body => outgoing.end(`${incoming.socket.remoteAddress} says ${body}`))
    })
    const [near, far] = streamPair('near-peer', 'far-peer')
    server.emit('connection', streamDuplex(far, { clock }))
    const here = streamDuplex(near, { clock })

    const outgoing = request({
      method: 'POST', path: '/', host: 'far-peer', createConnection: () => here as never, headers: { connection: 'keep-alive' }
    })
    outgoing.end('hello')
    const [incoming] = await once(outgoing, 'response')
    const body = await text(incoming)
    await closed(here)

    assert.equal(body, 'near-peer says hello')
  })
})
