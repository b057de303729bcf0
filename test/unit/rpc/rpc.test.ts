import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import { parseCid } from '../../../src/model/cid.ts'
import { rpcProtocol } from '../../../src/model/peer.ts'
import { RpcClient, takeMs } from '../../../src/rpc/client.ts'
import { methods } from '../../../src/rpc/methods.ts'
import { rpcServer, type RpcHandlers } from '../../../src/rpc/server.ts'
import { MsgpackStream } from '../../../src/wire/msgpack-stream.ts'
import { text } from '../../../src/wire/rpc-schema.ts'
import { decodeValue, encodeRequest, readReply } from '../../../src/rpc/frames.ts'
import { MsgpackWriter } from '../../../src/wire/msgpack.ts'
import { MemoryStreams } from '../../support/memory-streams.ts'
import { quietMs } from '../../support/poll.ts'
import { SimClock } from '../../support/sim-clock.ts'

const serverPeer = '12D3KooWPiCPEG294EeKF5hJVfgHp816Se157FUntrr6bTZ5iyWH'
const clientPeer = '12D3KooWFuwxKX2s4QdJrmZG4hKitWKpzcj4PGtBujhxPCSus7xi'
const cid = parseCid('bafkreihelwuirnpntiwm4p2gyvwuv33dsat5f2hgw4rwsza7hmin4c5x7y')

async function aPair (handlers: Partial<RpcHandlers>, trusts = true, closed: readonly string[] = [], clock: Clock = systemClock) {
  const network = new MemoryStreams()
  const server = rpcServer({
    streams: network.of(serverPeer), trusts: () => trusts, handlers: handlers as RpcHandlers, closed, log: silentLogger
  })
  await server.start(new AbortController().signal)
  const streams = network.of(clientPeer)
  return { client: new RpcClient({ streams, clock }), streams }
}

describe('RPC between peers', () => {
  it('calls a method and gives its reply', async () => {
    const { client } = await aPair({ version: { unary: async () => ({ version: '1.1.6' }) } })

    assert.deepEqual(await client.call(serverPeer, methods.version, {}), { version: '1.1.6' })
  })

  it('hands the argument and the caller to the handler', async () => {
    const { client } = await aPair({ status: { unary: async (asked, { from }) => ({ cid: asked, name: from, status: 16 }) } })

    const reply = await client.call(serverPeer, methods.status, cid)

    assert.equal(reply.cid?.toString(), cid.toString())
    assert.equal(reply.name, clientPeer)
  })

  it('gives the text of a failed method', async () => {
    const { client } = await aPair({ recoverLocal: { unary: async () => { throw new ClusterError('NOT_PINNED') } } })

    await assert.rejects(
      client.call(serverPeer, methods.recoverLocal, cid), { code: 'PEER_FAILED', message: 'pin is not part of the pinset' }
    )
  })

  it('refuses trusted methods to peers that are not trusted, and open ones to none', async () => {
    const { client } = await aPair({ version: { unary: async () => ({ version: '1' }) } }, false)

    await assert.rejects(client.call(serverPeer, methods.status, cid),
      { code: 'NOT_AUTHORIZED', message: 'client does not have permissions to call PinTracker.Status' })
    assert.deepEqual(await client.call(serverPeer, methods.version, {}), { version: '1' })
  })

  it('refuses what is closed on this peer to trusted peers, too', async () => {
    const { client } = await aPair({}, true, ['Cluster.RepoGCLocal'])

    await assert.rejects(client.call(serverPeer, methods.repoGcLocal, {}),
      { code: 'NOT_AUTHORIZED', message: 'client does not have permissions to call Cluster.RepoGCLocal' })
  })

  it('answers unknown services, unknown methods and closed ones as Go does', async () => {
    const { streams } = await aPair({})
    const ask = async (name: string): Promise<unknown> => {
      const stream = await streams.open(serverPeer, rpcProtocol)
      await stream.write(encodeRequest(name))
      return readReply(new MsgpackStream(stream.source), text).catch(err => [err.message, err.details.errorType])
    }

    assert.deepEqual(await ask('Nope.ID'), ["rpc: can't find service Nope", 1])
    assert.deepEqual(await ask('Cluster.Nope'), ["rpc: can't find method Nope", 1])
    assert.deepEqual(await ask('Cluster.Pin'), ['client does not have permissions to call Cluster.Pin', 3])
  })

  it('streams replies, and ends with the error after what could be given', async () => {
    const { client } = await aPair({
      statusAll: {
        stream: async function * (filters) {
          for await (const filter of filters) for (let n = 0; n < filter; n++) yield { cid, attempt_count: n }
          throw new Error('kubo is away')
        }
      }
    })
    const seen: unknown[] = []

    await assert.rejects(
      async () => { for await (const one of client.stream(serverPeer, methods.statusAll, [3])) seen.push(one.attempt_count) },
      { message: 'kubo is away' }
    )

    assert.deepEqual(seen, [0, 1, 2])
  })

  it('gives up a stream whose arguments the peer takes no more, and no sooner', async () => {
    const clock = new SimClock()
    const { client } = await aPair({ blockStream: { stream: async function * () { await new Promise(() => {}) } } }, true, [], clock)
    const nodes = function * () { for (;;) yield { cid, data: new Uint8Array(10), cumulativeSize: 0, format: '' } as never }
    let fault: unknown
    const sending = (async () => {
      for await (const _ of client.stream(serverPeer, methods.blockStream, nodes())) assert.fail('there are no replies')
    })().catch(err => { fault = err })

    await clock.advance(takeMs - 1000)
    const before = fault
    await clock.advance(2000)
    await sending

    assert.equal(before, undefined)
    assert.equal((fault as ClusterError).code, 'PEER_UNREACHABLE')
  })

  it('streams arguments with back-pressure while the handler reads', async () => {
    let sent = 0
    let received = 0
    let ahead = 0
    const { client } = await aPair({
      blockStream: {
        stream: async function * (nodes) { for await (const _ of nodes) { received++; ahead = Math.max(ahead, sent - received) } }
      }
    })
    const nodes = async function * () { for (; sent < 200; sent++) yield { cid, data: new Uint8Array(1000), cum_size: 1000 } }

    for await (const _ of client.stream(serverPeer, methods.blockStream, nodes())) assert.fail('there are no replies')

    assert.equal(received, 200)
    assert.ok(ahead < 20, `${ahead} ahead`)
  })

  it('tells the handler when the caller is gone', async () => {
    const begun = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const { client } = await aPair({
      repoGcLocal: {
        unary: async (_, { signal }) => {
          begun.resolve()
          await new Promise(resolve => signal.addEventListener('abort', resolve))
          gone.resolve()
          throw new Error('gone')
        }
      }
    })
    const controller = new AbortController()
    const call = client.call(serverPeer, methods.repoGcLocal, {}, { signal: controller.signal })

    await begun.promise
    controller.abort(new Error('enough'))

    await assert.rejects(call, { message: 'enough' })
    await gone.promise
  })

  it('survives garbage', async () => {
    const { client, streams } = await aPair({ version: { unary: async () => ({ version: '1' }) } })
    for (const garbage of ['c1', 'dbffffffff', '82a44e616d65', 'ff'.repeat(100)]) {
      const stream = await streams.open(serverPeer, rpcProtocol)
      await stream.write(Buffer.from(garbage, 'hex'))
      await stream.closeWrite()
    }

    assert.deepEqual(await client.call(serverPeer, methods.version, {}), { version: '1' })
  })

  // the header's length is refused before the caller is known to be allowed anything
  for (const [padding, isTaken] of [[1024 - 24, true], [1024 - 23, false]] as const) {
    it(`${isTaken ? 'reads' : 'ends'} a stream whose header has ${padding + 24} bytes`, { timeout: quietMs(5000) }, async () => {
      const { streams } = await aPair({ version: { unary: async () => ({ version: '1' }) } })
      const header = encodeRequest(`${'x'.repeat(padding)}.Version`)
      assert.equal(header.length, padding + 24)
      const stream = await streams.open(serverPeer, rpcProtocol)

      await stream.write(header)

      const answer = readReply(new MsgpackStream(stream.source), text)
      await assert.rejects(answer, isTaken ? { message: /can't find service/ } : { code: 'PEER_UNREACHABLE' })
    })
  }

  it('refuses bytes behind a value', () => {
    const writer = new MsgpackWriter()
    text.write(writer, 'a')

    assert.equal(decodeValue(text, writer.bytes()), 'a')
    assert.throws(() => decodeValue(text, Buffer.concat([writer.bytes(), Buffer.of(0)])), { code: 'INVALID_DATA' })
  })
})
