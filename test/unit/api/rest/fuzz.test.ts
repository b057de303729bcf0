import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { defaultPinOptions, pinWithOptions } from '../../../../src/model/pin.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { restRoutes } from '../../../../src/api/rest/routes.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { parseTarget } from '../../../../src/http/routing/path.ts'
import { RouteTable } from '../../../../src/http/routing/route.ts'
import { FakeCluster } from '../../../support/fake-cluster.ts'
import { quietWatching, restPeer } from '../../../support/rest-peer.ts'

const cid = 'QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX'

/** Mulberry32: the same requests on every run. */
function seeded (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const random = seeded(20261121)
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
const junk = [
  '', 'x', '%00', '%ff%fe', '%F0%9F%92%A9', '..', '.', '-1', '1e309', '99999999999999999999', 'NaN', 'null', '[]', '{}', '%22%5C', 'a%2Fb',
  `${'A'.repeat(900)}`, 'Qm', 'bafk', '__proto__', '1.5', '0x10', '%E2%80%A8', '/ip4/1.2.3.4', '/p2p/', 'true;false', cid.slice(0, -1)
]
const options = [
  'replication-min', 'replication-max', 'replication', 'shard-size', 'expire-at', 'expire-in', 'pin-update', 'origins', 'filter', 'cids',
  'local', 'mode', 'user-allocations', 'meta-', 'meta-__proto__', 'layout', 'chunker', 'cid-version', 'hash', 'format', 'raw-leaves'
]
const methods = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'HEAD']
const heads = [
  '/pins', '/pins/', '/allocations', '/peers', '/pins/ipfs', '/pins/ipns', '/pins/ipld', '/add', '/id', '/monitor/metrics', '/health',
  '/token', '/', '//', '/pins/recover', '/ipfs/gc', '/openapi.json'
]
const wrongOption = ['replication-min=x', 'shard-size=-1', 'expire-at=tomorrow', 'expire-in=5', 'pin-update=zz', 'origins=foo']
const bodies = [
  '', '{', '{"peer_id":5}', '[]', 'null', '--Xb', '--Xb--', '--Xb\r\n\r\n', '--Xb\r\nContent-Disposition: x\r\n\r\n--Xb--',
  '--Xb\r\n:\r\n\r\n', 'x'.repeat(5000), '\0\xff', '{"peer_id":"Qm"}'
]
const types = [
  'application/json', 'multipart/form-data; boundary=Xb', 'multipart/mixed; boundary=', 'multipart/form-data', '', 'a;b=c;;',
  'multipart/form-data; boundary="Xb'
]

const query = (): string => Array.from({ length: Math.floor(random() * 4) }, () => `${pick(options)}=${pick(junk)}`).join('&')

/** A request that can't be right: a path to nowhere, a CID that is none, an option that isn't valid, or a body that isn't. */
function badRequest (): { request: string, body: string, type: string } {
  const method = pick(methods)
  const path = random() < 0.3 ? `/pins/${cid}` : `${pick(heads)}/${pick(junk)}`
  const wrong = path.endsWith(cid) ? `&${pick(wrongOption)}` : ''
  // a prefix that isn't valid in any option comes first, so that nothing can be pinned
  return {
    request: `${method} ${path}?${pick(wrongOption)}&${query()}${wrong}`, body: method === 'POST' || random() < 0.1 ? pick(bodies) : '',
    type: pick(types)
  }
}

const table = new RouteTable(restRoutes({ cluster: new FakeCluster(), authenticator: null, watching: quietWatching(), clock: systemClock }))

/** What the document says may be answered; undefined for what is no route. */
function statusesOf (request: string): number[] | undefined {
  const [method = '', target = ''] = request.split(' ')
  const path = parseTarget(target)?.path
  return path == null ? undefined : table.match(method, path)?.route.doc.responses.map(({ status }) => status)
}

describe('the REST API under 3000 bad requests', () => {
  const peer = restPeer()
  const rejections: unknown[] = []
  const onRejection = (err: unknown): void => { rejections.push(err) }
  before(() => { process.on('unhandledRejection', onRejection) })
  after(() => { process.off('unhandledRejection', onRejection) })

  it('never fails, changes nothing and lives on', async () => {
    peer.cluster.hold(pinWithOptions(parseCid(cid), { ...defaultPinOptions(), name: 'kept' }))
    const wrong: string[] = []
    for (let count = 0; count < 3000; count++) {
      const { request, body, type } = badRequest()
      const reply = await peer.ask(request, { headers: [['Content-Type', type]], ...(body === '' ? {} : { body }) })
      // 301 and 307: paths that aren't clean
      const isDocumented = [301, 307].includes(reply.status) || statusesOf(request)?.includes(reply.status) !== false
      if (reply.status >= 500 || reply.status < 200 || !isDocumented) {
        wrong.push(`${request} ${JSON.stringify(body.slice(0, 60))} -> ${reply.status} ${reply.body}`)
      }
    }

    assert.deepEqual(wrong, [])
    assert.deepEqual([...peer.cluster.pins.values()].map(pin => pin.name), ['kept'])
    assert.deepEqual(peer.cluster.changes.filter(change => change !== 'repoGc'), [])
    assert.deepEqual(rejections, [])
    assert.equal((await peer.ask('GET /version')).status, 200)
  })
})
