import assert from 'node:assert/strict'
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { MessageStream } from '@libp2p/interface'
import { writeCoalescing } from '../../../../../src/ipfs/helia/network/write-coalescing.ts'
import { quietMs } from '../../../../support/poll.ts'

describe('connections whose messages go to the kernel in one call', { timeout: quietMs(5000) }, () => {
  it('send the pieces of a message together, and all of them', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [[accepted]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(socket, 'connect')])
    let writes = 0
    const handle = (socket as unknown as { _handle: { writev: (...args: unknown[]) => unknown } })._handle
    const writev = handle.writev.bind(handle)
    handle.writev = (...args) => {
      writes++
      return writev(...args)
    }
    const connection = { socket, sendData: () => { throw new Error('piece by piece') } }
    const coalescing = await writeCoalescing().protect(connection as unknown as MessageStream) as unknown as {
      sendData: (pieces: Uint8Array[]) => unknown
    }

    const result = coalescing.sendData([Buffer.from('a'), Buffer.from('message'), Buffer.from('of pieces')])
    socket.end()
    let text = ''
    for await (const piece of accepted) text += String(piece)
    server.close()

    assert.deepEqual(result, { sentBytes: 17, canSendMore: true })
    assert.deepEqual([text, writes], ['amessageof pieces', 1])
  })

  it('are as they were where there is no socket', async () => {
    const sendData = (): void => {}
    const connection = { sendData }

    const same = await writeCoalescing().protect(connection as unknown as MessageStream)

    assert.equal(same, connection)
    assert.equal(connection.sendData, sendData)
  })
})
