import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { systemClock } from '../../../../src/base/system.ts'
import { BytesInFlight } from '../../../../src/http/answer/bytes-in-flight.ts'
import { fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { pollUntil, quietMs } from '../../../support/poll.ts'
import { proxyPeer } from '../../../support/proxy-peer.ts'

const mib = 2 ** 20

describe('memory of the proxy', { timeout: quietMs(30_000) }, () => {
  it('stays within its bound while many clients read nothing, whatever they ask for, and others are served meanwhile', async () => {
    const flow = new BytesInFlight({ maxBytes: 4 * mib, stalledMs: 200 }, { clock: systemClock })
    const peer = proxyPeer({ flow, listen: ['/ip4/127.0.0.1/tcp/0'] })
    const leaves = await Promise.all(Array.from({ length: 32 }, async (_, at) => rawBlock(new Uint8Array(mib / 4).fill(at))))
    const file = await fileBlock(leaves)
    await peer.ipfs.putBlocks((async function * () { yield [file, ...leaves] })())
    await peer.api.start(new AbortController().signal)
    const port = Number(/\/tcp\/(\d+)/.exec(peer.api.addresses()[0] ?? '')?.[1])
    const still: Socket[] = []
    try {
      for (const command of ['cat', 'get', 'dag/export']) {
        for (let count = 0; count < 20; count++) {
          const socket = connect(port, '127.0.0.1')
          socket.on('error', () => {})
          socket.pause()
          socket.write(`POST /api/v0/${command}?arg=${file.cid} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)
          still.push(socket)
        }
      }
      await pollUntil(async () => flow.bytes > 3 * mib, { what: 'clients that stand still' })
      let most = 0
      const watch = setInterval(() => { most = Math.max(most, flow.bytes) }, 5)
      const body = await (await fetch(`http://127.0.0.1:${port}/api/v0/cat?arg=${file.cid}`, { method: 'POST' })).arrayBuffer()
      clearInterval(watch)

      assert.equal(body.byteLength, 8 * mib)
      assert.ok(most <= 4 * mib + mib / 2, `${most / mib} MiB`)
    } finally {
      for (const socket of still) socket.destroy()
      await peer.api.stop()
    }
    await pollUntil(async () => flow.bytes === 0, { what: 'everything given back' })
  })
})
