import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import type { RestPeer } from '../../../support/rest-peer.ts'
import { restPeer, restPeerOf } from '../../../support/rest-peer.ts'
import { FakeCluster } from '../../../support/fake-cluster.ts'

const listen = ['/ip4/127.0.0.1/tcp/0']
let running: RestPeer<FakeCluster> | undefined

async function open (peer: RestPeer<FakeCluster>): Promise<Socket> {
  running = peer
  await peer.api.start(new AbortController().signal)
  const socket = connect(Number(/tcp\/(\d+)$/.exec(peer.api.addresses()[0] ?? '')?.[1]), '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

const head = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=Xb\r\nTransfer-Encoding: chunked\r\n\r\n`
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const file = (name: string): string => chunk(`--Xb\r\nContent-Disposition: file; filename=${name}\r\n\r\nhello\r\n`)

async function until (socket: Socket, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    text += String(piece)
    if (pattern.test(text)) return text
  }
  return text
}

describe('uploads over sockets', () => {
  afterEach(async () => { await running?.api.stop() })

  it('answers the first file while the second is not yet sent', async () => {
    const socket = await open(restPeer({ listen }))
    socket.write(head('/add') + file('a') + chunk('--Xb\r\n'))

    const first = await until(socket, /"name":"a"/)
    socket.write(chunk('Content-Disposition: file; filename=b\r\n\r\nhello\r\n--Xb--\r\n') + '0\r\n\r\n')
    const rest = await until(socket, /$^/)

    assert.match(first, /^HTTP\/1\.1 200 OK\r\nCache-Control: no-cache\r\nConnection: close\r\n/)
    assert.match(rest, /"name":"b"[^]*0\r\n\r\n$/)
  })

  it('lets a client read an answer that comes before the end of its upload', async () => {
    const socket = await open(restPeerOf(new FakeCluster({ followerMode: true }), { listen }))
    socket.write(head('/add') + file('a'))
    for (let count = 0; count < 50; count++) socket.write(chunk('x'.repeat(20_000)))

    const answer = await until(socket, /$^/)

    assert.match(answer, /X-Stream-Error: this peer is configured to be in follower mode/)
  })
})
