import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { systemClock } from '../../../../src/base/system.ts'
import { BytesInFlight } from '../../../../src/http/answer/bytes-in-flight.ts'
import { fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import { patience, pollUntil, quietMs } from '../../../support/poll.ts'

const mib = 2 ** 20

describe('memory of the gateway', { timeout: quietMs(30_000) }, () => {
  it('stays within its bound while many clients read nothing, whatever they ask for, and others are served meanwhile', async () => {
    const flow = new BytesInFlight({ maxBytes: 4 * mib, stalledMs: 200 }, { clock: systemClock })
    const peer = await gatewayPeer({}, { flow })
    const leaves = await Promise.all(Array.from({ length: 32 }, async (_, at) => rawBlock(new Uint8Array(mib / 4).fill(at))))
    const file = await fileBlock(leaves)
    peer.blocks.keep(file, ...leaves)
    const port = Number(new URL(peer.url).port)
    const still: Socket[] = []
    try {
      for (let count = 0; count < 60; count++) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.pause()
        const query = ['', '?format=car', '?format=car&dag-scope=entity', '?format=tar'][count % 4]
        socket.write(`GET /ipfs/${file.cid}${query} HTTP/1.1\r\nHost: x\r\n\r\n`)
        still.push(socket)
      }
      await pollUntil(async () => flow.bytes > 3 * mib, { what: 'clients that stand still' })
      let most = 0
      const watch = setInterval(() => { most = Math.max(most, flow.bytes) }, 5)
      const body = await (await peer.get(`/ipfs/${file.cid}`)).arrayBuffer()
      clearInterval(watch)

      assert.equal(body.byteLength, 8 * mib)
      assert.ok(most <= 4 * mib + mib / 2, `${most / mib} MiB`)
    } finally {
      for (const socket of still) socket.destroy()
      await peer.stop()
    }
    await pollUntil(async () => flow.bytes === 0, { what: 'everything given back' })
  })

  it('stops within seconds while many downloads are open', async () => {
    const peer = await gatewayPeer()
    const leaves = await Promise.all(Array.from({ length: 16 }, async (_, at) => rawBlock(new Uint8Array(mib).fill(at))))
    const file = await fileBlock(leaves)
    peer.blocks.keep(file, ...leaves)
    const sockets = await Promise.all(Array.from({ length: 200 }, async () => {
      const socket = connect(Number(new URL(peer.url).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(`GET /ipfs/${file.cid} HTTP/1.1\r\nHost: x\r\n\r\n`)
      await once(socket, 'connect')
      socket.pause()
      return socket
    }))

    const from = performance.now()
    await peer.stop()

    assert.ok(performance.now() - from < 2000 * patience())
    for (const socket of sockets) socket.destroy()
  })
})
