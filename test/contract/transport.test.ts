import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failover } from '../../src/client/failover.ts'
import { fetchTransport } from '../../src/client/fetch-transport.ts'
import { nodeTransport } from '../../src/client/node-transport.ts'
import type { Transport } from '../../src/client/transport.ts'
import { freePorts } from '../support/free-ports.ts'
import { transportContract, type Handler, type TransportCase } from './transport.ts'

async function tcpCase (handler: Handler, transportTo: (port: number) => Transport | Promise<Transport>): Promise<TransportCase> {
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { transport: await transportTo((server.address() as AddressInfo).port), stop: async () => stop(server) }
}

async function stop (server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
}

const overFetch = (port: number): Transport => fetchTransport({ url: `http://127.0.0.1:${port}/` })
const overNode = (port: number): Transport => nodeTransport({ endpoint: { kind: 'tcp', host: '127.0.0.1', port, isName: false } })
const unused = async (transportTo: (port: number) => Transport): Promise<Transport> => transportTo((await freePorts(1))[0] ?? 1)

/** As libp2p's streams are used: a duplex per request. */
const overStreams = (port: number): Transport => nodeTransport({
  endpoint: { kind: 'libp2p', address: '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE' },
  openStream: async () => connect({ port, host: '127.0.0.1' })
})

transportContract({
  name: 'fetch', showsTrailers: false, start: async handler => tcpCase(handler, overFetch), toNobody: async () => unused(overFetch)
})
transportContract({
  name: 'Node over TCP', showsTrailers: true, start: async handler => tcpCase(handler, overNode), toNobody: async () => unused(overNode)
})
transportContract({
  name: 'Node over given streams', showsTrailers: true, start: async handler => tcpCase(handler, overStreams),
  toNobody: async () => unused(overStreams)
})
transportContract({
  name: 'failover to the second',
  showsTrailers: true,
  start: async handler => tcpCase(handler, async port => failover([await unused(overNode), overNode(port)])),
  toNobody: async () => failover([await unused(overNode), await unused(overNode)])
})
transportContract({
  name: 'Node over a unix socket',
  showsTrailers: true,
  start: async handler => {
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-socket-'))
    const path = join(folder, 'api.sock')
    const server = createServer(handler)
    await new Promise<void>(resolve => server.listen(path, resolve))
    return {
      transport: nodeTransport({ endpoint: { kind: 'unix', path } }),
      stop: async () => {
        await stop(server)
        await rm(folder, { recursive: true })
      }
    }
  },
  toNobody: async () => nodeTransport({ endpoint: { kind: 'unix', path: join(tmpdir(), 'no-such-folder', 'api.sock') } })
})
