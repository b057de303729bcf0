import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { kuboNode, type KuboNodeInit } from '../../../../src/api/ipfs-proxy/kubo-node.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { fakeKubo, type FakeAnswer, type FakeKubo } from '../../../support/fake-kubo.ts'
import { quietMs } from '../../../support/poll.ts'
import { jsonLinesOf, jsonOf, proxyPeer, uploadOf, type ProxyPeer } from '../../../support/proxy-peer.ts'

const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const origin: [string, string] = ['Origin', 'http://127.0.0.1:5001']

/** What Kubo says to pages of its own origin. */
const headersOfKubo: FakeAnswer = (request, response) => {
  if (request.headers.origin === origin[1]) response.setHeader('Access-Control-Allow-Origin', origin[1])
  response.writeHead(200, { Vary: 'Origin', 'Access-Control-Expose-Headers': 'X-Stream-Output', 'X-Extra': 'more' }).end()
}

describe('the proxy in front of a Kubo', () => {
  let kubo: FakeKubo
  let node: ReturnType<typeof kuboNode>

  const start = async (answer: (call: string) => FakeAnswer, init: Partial<KuboNodeInit> = {}): Promise<ProxyPeer> => {
    kubo = await fakeKubo(answer)
    node = kuboNode(
      { address: kubo.api, isHttps: false, extraHeaders: ['x-extra'], extractPath: '/api/v0/version', extractTtlMs: 60_000, ...init },
      { clock: systemClock, log: silentLogger }
    )
    return proxyPeer({ node })
  }
  const headersOnly = (call: string): FakeAnswer => call === 'version' ? headersOfKubo : { status: 500, body: 'not asked for' }

  afterEach(async () => {
    node.close()
    await kubo.close()
  })

  it('passes requests on and answers back as they are, trailers too', async () => {
    const peer = await start(() => ({ body: '{"Entries":null}\n', trailer: 'it broke late' }))

    const reply = await peer.ask('files/ls?arg=%2Fa+b&x=%20', { headers: [['X-Mine', 'yes']], body: 'a body' })

    assert.equal(reply.status, 200)
    assert.equal(reply.body.toString(), '{"Entries":null}\n')
    assert.deepEqual(reply.trailers, [['X-Stream-Error', 'it broke late']])
    assert.deepEqual(kubo.calls, ['files/ls?arg=%2Fa+b&x=%20'])
    assert.equal(kubo.bodies[0]?.toString(), 'a body')
    assert.equal(kubo.headers['x-mine'], 'yes')
  })

  it('breaks off where Kubo failed late and the program cannot see the trailer: kubo-rpc-client would take half a file for all of it', async () => {
    const peer = await start(() => ({ body: 'half', trailer: 'it broke late' }))

    await assert.rejects(peer.ask('cat?arg=x', { headers: [['Sec-Fetch-Mode', 'cors']], body: '' }))
  })

  it('passes HEAD and OPTIONS on, also for what it answers itself', async () => {
    const peer = await start(() => (_request, response) => response.writeHead(405).end())

    const replies = [await peer.ask('HEAD /api/v0/pin/ls'), await peer.ask('OPTIONS /api/v0/pin/ls')]

    assert.deepEqual(replies.map(({ status }) => status), [405, 405])
  })

  it('answers 502 without a body while Kubo is away, and what is the cluster\'s all the same', async () => {
    const peer = await start(() => null)
    await kubo.close()

    const [passed, taken] = [await peer.ask('files/ls'), await peer.ask(`pin/add?arg=${cid}`)]

    assert.equal(passed.status, 502)
    assert.equal(passed.body.length, 0)
    assert.equal(taken.status, 200)
    kubo = await fakeKubo(() => null)
  })

  it('takes CORS and chosen headers over from Kubo, and asks once', async () => {
    const peer = await start(headersOnly)

    const first = await peer.ask(`pin/add?arg=${cid}`, { headers: [origin] })
    await peer.ask(`pin/ls?arg=${cid}`, { headers: [origin] })

    const values = Object.fromEntries(first.headers)
    assert.equal(values['Access-Control-Allow-Origin'], origin[1])
    assert.equal(values['Access-Control-Expose-Headers'], 'X-Stream-Output')
    assert.equal(values['X-Extra'], 'more')
    assert.equal(values['Server'], 'ipfs-cluster/ipfsproxy/1.1.6')
    assert.equal(kubo.calls.length, 2)
  })

  it('lets no page of another origin change pins', async () => {
    const peer = await start(headersOnly)

    const replies = [
      await peer.ask(`pin/add?arg=${cid}`, { headers: [['Origin', 'http://evil.test']] }),
      await peer.ask(`GET /api/v0/pin/add?arg=${cid}`, { headers: [['Sec-Fetch-Site', 'cross-site']] })
    ]

    assert.deepEqual(replies.map(({ status }) => status), [403, 403])
    assert.deepEqual(peer.cluster.changes, [])
  })

  it('stores blocks in Kubo without a pin there, and pins them in the cluster', async () => {
    const peer = await start(call => call === 'version' ? headersOfKubo : { body: `{"Key":"${cid}","Size":3}\n` })

    const reply = await peer.ask('block/put?mhtype=sha2-256&pin=true', uploadOf('abc'))

    assert.deepEqual(jsonLinesOf(reply), [{ Key: cid, Size: 3 }])
    assert.ok(kubo.calls.includes('block/put?mhtype=sha2-256&pin=false'))
    assert.ok(peer.cluster.pins.has(cid))
  })

  it('passes on why Kubo refuses a block', async () => {
    const peer = await start(
      call => call === 'version' ? headersOfKubo : { status: 500, body: '{"Message":"no such codec","Code":0,"Type":"error"}\n' }
    )

    const reply = await peer.ask('dag/put?pin=true', uploadOf('abc'))

    assert.equal(reply.status, 500)
    assert.equal(jsonOf(reply).Message, 'no such codec')
    assert.equal(peer.cluster.pins.size, 0)
  })

  it('takes lines and refusals of up to a megabyte from Kubo, and pins nothing when there is more', { timeout: quietMs(10_000) }, async () => {
    const most = 1024 * 1024
    const filled = (text: string, length: number): string => text.replace('~', 'x'.repeat(length - text.length + 1))
    const bodies: Record<string, FakeAnswer> = {
      line: { body: `${filled(`{"Key":"${cid}","Size":3,"More":"~"}`, most)}\n` },
      longLine: { body: `${filled(`{"Key":"${cid}","Size":3,"More":"~"}`, most + 1)}\n` },
      refusal: { status: 500, body: filled('{"Message":"no such codec~"}', most) },
      longRefusal: { status: 500, body: filled('{"Message":"no such codec~"}', most + 1) }
    }
    const peer = await start(call => call === 'version' ? headersOfKubo : bodies[/mhtype=(\w+)/.exec(call)?.[1] ?? ''] ?? null)
    const put = async (kind: string): Promise<[number, string, number]> => {
      const { status, body } = await peer.ask(`block/put?mhtype=${kind}&pin=true`, uploadOf('abc'))
      const pins = peer.cluster.pins.size
      peer.cluster.pins.clear()
      return [status, body.toString().slice(0, 50), pins]
    }
    const tooLong = '{"Message":"a line of the IPFS node is too long","'

    assert.deepEqual(await put('line'), [200, `{"Key":"${cid}`.slice(0, 50), 1])
    assert.deepEqual(await put('refusal'), [500, `{"Message":"no such codec${'x'.repeat(25)}`, 0])
    for (const kind of ['longLine', 'longRefusal']) assert.deepEqual((await put(kind)).slice(1), [tooLong, 0], kind)
  })
})
