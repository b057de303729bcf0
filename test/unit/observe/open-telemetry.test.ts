import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { json } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { ClusterApi } from '../../../src/cluster/cluster-api.ts'
import type { IpfsConnector } from '../../../src/ipfs/ipfs.ts'
import { parseCid } from '../../../src/model/cid.ts'
import { otlpEndpoint } from '../../../src/node/compose/compose-observe.ts'
import { openTelemetry } from '../../../src/observe/open-telemetry.ts'
import type { Observer } from '../../../src/observe/observer.ts'

interface Span {
  traceId: string, spanId: string, parentSpanId?: string, name: string, status: { code?: number },
  attributes: Array<{ key: string, value: { stringValue?: string, intValue?: number } }>
}

const listening = async (server: Server): Promise<string> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

const cid = parseCid('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX')
const callersTrace = '0af7651916cd43dd8448eb211c80319c'

describe('traces by OpenTelemetry', () => {
  const spans: Span[] = []
  const resources: any[] = []
  const collector = createServer((request, response) => {
    void json(request).then((body: any) => {
      for (const { resource, scopeSpans } of body.resourceSpans) {
        resources.push(resource)
        for (const scope of scopeSpans) spans.push(...scope.spans)
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  let observer: Observer
  before(async () => {
    observer = await openTelemetry({
      endpoint: `${await listening(collector)}/v1/traces`, share: 1, serviceName: 'cluster-daemon', peer: 'peer-a', version: '9'
    })
    await actOnce(observer)
    for (const component of observer.components({} as never)) await component.stop()
  })
  after(() => { collector.close() })

  const spanOf = (name: string): Span =>
    spans.find(span => span.name === name) ?? assert.fail(`no span ${name} among ${spans.map(one => one.name).join(' ')}`)
  const attribute = (span: Span, key: string): unknown => {
    const value = span.attributes.find(one => one.key === key)?.value
    return value?.stringValue ?? value?.intValue
  }

  it("continues the caller's trace from the request down to the IPFS node", () => {
    const [request, pin, onNode] = [spanOf('POST /pins'), spanOf('cluster.pin'), spanOf('ipfs.pin')]

    assert.equal(request.traceId, callersTrace)
    assert.deepEqual([pin.parentSpanId, onNode.parentSpanId], [request.spanId, pin.spanId])
    assert.equal(attribute(pin, 'cluster.cid'), cid.toString())
    assert.equal(attribute(request, 'http.response.status_code'), 200)
  })

  it('tells what an add stores', () => {
    assert.equal(spanOf('ipfs.hold.put').status.code ?? 0, 0)
  })

  it('never tells the query', () => {
    assert.ok(!JSON.stringify(spans).includes('private'))
  })

  it('tells failures by their code, and streams until their end', () => {
    assert.equal(spanOf('ipfs.unpin').status.code, 2)
    assert.equal(attribute(spanOf('ipfs.unpin'), 'error.type'), 'IPFS_UNAVAILABLE')
    assert.equal(spanOf('cluster.peers').status.code ?? 0, 0)
  })

  it('names service and peer', () => {
    assert.match(JSON.stringify(resources[0]), /"service\.name","value":\{"stringValue":"cluster-daemon"\}/)
    assert.match(JSON.stringify(resources[0]), /peer-a/)
  })
})

/** One pin by HTTP, a failed unpin and a list that is left early. */
async function actOnce (observer: Observer): Promise<void> {
  const ipfs = observer.ipfs({
    pin: async () => {}, unpin: async () => { throw new ClusterError('IPFS_UNAVAILABLE') },
    hold: () => ({ put: async () => {}, [Symbol.dispose]: () => {} })
  } as unknown as IpfsConnector)
  const cluster = observer.cluster({
    pin: async () => ipfs.pin({ cid } as never),
    peers: async function * () { yield 1; yield 2 }
  } as unknown as ClusterApi)
  const app = createServer(
    observer.requests('restapi')((_, response) => { void cluster.pin(cid, {} as never).then(() => response.end('ok')) })
  )
  const url = await listening(app)
  await (
    await fetch(
      `${url}/pins/${cid.toString()}?name=private`, { method: 'POST', headers: { traceparent: `00-${callersTrace}-b7ad6b7169203331-01` } }
    )
  ).text()
  await new Promise<void>(resolve => { app.close(() => resolve()); app.closeAllConnections() })
  using hold = ipfs.hold()
  await hold.put([])
  await ipfs.unpin(cid).catch(() => {})
  for await (const _ of cluster.peers()) break
}

describe('where traces go', () => {
  it('is the URL given, else the host of the former agent', () => {
    const of = (jaegerAgentEndpoint: string, given = ''): string => otlpEndpoint({ otlpEndpoint: given, jaegerAgentEndpoint })

    assert.equal(of('/ip4/0.0.0.0/udp/6831', 'http://collector/v1/traces'), 'http://collector/v1/traces')
    assert.equal(of('/ip4/0.0.0.0/udp/6831'), 'http://127.0.0.1:4318/v1/traces')
    assert.equal(of('/ip6/::1/udp/6831'), 'http://[::1]:4318/v1/traces')
    assert.equal(of('/dns4/jaeger/udp/6831'), 'http://jaeger:4318/v1/traces')
  })
})
