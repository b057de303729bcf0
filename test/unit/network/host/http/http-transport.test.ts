import { createServer } from 'node:http'
import { after } from 'node:test'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { silentLogger } from '../../../../../src/base/log.ts'
import { systemClock } from '../../../../../src/base/system.ts'
import { parseEndpoint } from '../../../../../src/client/endpoint.ts'
import { nodeTransport } from '../../../../../src/client/node-transport.ts'
import { libp2pHttpClient } from '../../../../../src/network/host/http/http-client.ts'
import { libp2pHttpHost } from '../../../../../src/network/host/http/http-host.ts'
import { transportContract, type Handler, type TransportCase } from '../../../../contract/transport.ts'
import { freePorts } from '../../../../support/free-ports.ts'

const client = libp2pHttpClient({ secret: '' }, { clock: systemClock })
const openStream = client.open.bind(client)
after(async () => { await client.close() })

const nobody = '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'

async function start (handler: Handler): Promise<TransportCase> {
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  const server = createServer(handler)
  const host = libp2pHttpHost(
    { api: 'restapi', peer, privateKey: privateKeyToProtobuf(key), listen: ['/ip4/127.0.0.1/tcp/0'], agentVersion: 'test' },
    { accept: connection => { server.emit('connection', connection) }, clock: systemClock, log: silentLogger }
  )
  await host.start(new AbortController().signal)
  const [address = ''] = host.addresses()
  return { transport: nodeTransport({ endpoint: parseEndpoint(address), openStream }), stop: async () => host.stop() }
}

transportContract({
  name: 'Node over libp2p',
  showsTrailers: true,
  start,
  toNobody: async () =>
    nodeTransport({ endpoint: parseEndpoint(`/ip4/127.0.0.1/tcp/${(await freePorts(1))[0]}/p2p/${nobody}`), openStream })
})
