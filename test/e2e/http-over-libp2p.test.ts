import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ClusterClient } from '../../src/client/client.ts'
import { parseEndpoint } from '../../src/client/endpoint.ts'
import { nodeTransport } from '../../src/client/node-transport.ts'
import { systemClock } from '../../src/base/system.ts'
import { libp2pHttpClient, type HttpClient } from '../../src/network/host/http/http-client.ts'
import { newIdentity, type Identity } from '../../src/node/folder/identity.ts'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const hostSettings = (key: Identity, port: number): Record<string, unknown> => ({
  id: key.id, private_key: Buffer.from(key.privateKey).toString('base64'), libp2p_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}`
})

describe('HTTP APIs over libp2p', () => {
  const key = newIdentity()
  const pinningKey = newIdentity()
  let peer: PeerProcess
  let dialer: HttpClient
  let address: string
  let pinningAddress: string
  before(async () => {
    const [port = 0, pinningPort = 0] = await freePorts(2)
    address = `/ip4/127.0.0.1/tcp/${port}/p2p/${key.id}`
    pinningAddress = `/ip4/127.0.0.1/tcp/${pinningPort}/p2p/${pinningKey.id}`
    dialer = libp2pHttpClient({ secret: '' }, { clock: systemClock })
    peer = await peerProcess(json => {
      Object.assign(json.api.restapi, {
        ...hostSettings(key, port), basic_auth_credentials: { alice: 'wonderland' }, http_log_file: 'access.log'
      })
      json.api.pinsvcapi = { http_listen_multiaddress: '/ip4/127.0.0.1/tcp/0', ...hostSettings(pinningKey, pinningPort) }
    })
    await peer.start()
    await pollUntil(async () => dialer.open(address).then(stream => { stream.destroy(); return true }, () => false))
  })
  after(async () => {
    await dialer.close()
    await peer.remove()
  })

  const client = (password: string): ClusterClient => new ClusterClient({
    transport: nodeTransport({ endpoint: parseEndpoint(address), openStream: async (to, signal) => dialer.open(to, signal) }),
    auth: { username: 'alice', password }
  })

  it('answers as over TCP, asks for credentials and logs the dialling peer', async () => {
    const id = await client('wonderland').id()
    const refused = client('rabbit').version()

    assert.notEqual(id.id, key.id)
    await assert.rejects(refused, { code: 'NOT_AUTHORIZED' })
    await pollUntil(
      async () => /^12D3KooW\w+ - - \[.*\] "GET \/id HTTP\/1.1" 200 \d+$/m.test(await readFile(join(peer.folder, 'access.log'), 'utf8'))
    )
  })

  it('has a host of its own for each API', async () => {
    const transport = nodeTransport({ endpoint: parseEndpoint(pinningAddress), openStream: async (to, signal) => dialer.open(to, signal) })

    const { status, body } = await transport.request({ method: 'GET', path: '/pins', headers: {} })

    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(Buffer.concat(await Array.fromAsync(body)).toString()), { count: 0, results: [] })
  })

  it('takes uploads of many megabytes', async () => {
    const added: string[] = []

    for await (const { name } of client('wonderland').add([{ path: 'large', content: new Blob([new Uint8Array(5_000_000)]) }])) {
      added.push(name)
    }

    assert.deepEqual(added, ['large'])
  })
})
