import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { parseEndpoint } from '../../../src/client/endpoint.ts'
import { ApiError } from '../../../src/client/errors.ts'
import { createNodeClient } from '../../../src/client/node.ts'
import { nodeTransport } from '../../../src/client/node-transport.ts'
import { freePorts } from '../../support/free-ports.ts'
import { SimClock } from '../../support/sim-clock.ts'

describe('client on Node', () => {
  let asked = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    asked.resolve()
    if (request.url === '/id') response.end('{"id":"x"}')
    if (request.url === '/version') response.write('{"vers') // never ends
  })
  let host = ''
  before(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    host = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const failureOf = async (asked: Promise<unknown>): Promise<ApiError> => {
    const err = await asked.then(() => undefined, (err: unknown) => err)
    assert.ok(err instanceof ApiError)
    return err
  }

  it('asks the next host when one does not answer', async () => {
    const [port] = await freePorts(1)

    const id = await createNodeClient({ hosts: [`/ip4/127.0.0.1/tcp/${port}`, host] }).id()

    assert.equal(id.id, 'x')
  })

  it("tells what failed in the words of Go's client", async () => {
    const [port] = await freePorts(1)

    const refused = await failureOf(createNodeClient({ hosts: [`/ip4/127.0.0.1/tcp/${port}`] }).status('c'))
    const tls = await failureOf(createNodeClient({ hosts: [host], https: true }).id())

    assert.equal(
      refused.message, `Get "http://127.0.0.1:${port}/pins/c?local=false": dial tcp 127.0.0.1:${port}: connect: connection refused`
    )
    assert.equal(tls.message, `Get "https://127.0.0.1:${host.split('/').at(-1)}/id": http: server gave HTTP response to HTTPS client`)
  })

  it('gives up when the time for a request is over', async () => {
    const clock = new SimClock()
    asked = Promise.withResolvers()
    const failed = failureOf(createNodeClient({ hosts: [host], timeoutMs: 50, clock }).peers().next())

    await asked.promise
    await clock.advance(50)

    const { status, message } = await failed
    assert.equal(status, 0)
    assert.match(message, /context deadline exceeded/)
  })

  it('gives up in the body, too', async () => {
    const clock = new SimClock()
    const transport = nodeTransport({ endpoint: parseEndpoint(host), timeout: { ms: 50, clock } })
    const { body } = await transport.request({ method: 'GET', path: '/version', headers: {} })
    const failed = failureOf(text(body))

    await clock.advance(50)

    const { status, message } = await failed
    assert.equal(status, 200)
    assert.match(message, /context deadline exceeded/)
  })

  it('knows no libp2p unless it is given', async () => {
    const client = createNodeClient({ hosts: ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'] })

    await assert.rejects(client.id(), /no libp2p/)
  })
})
