import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { RestApiInit } from '../../src/api/rest/rest-api.ts'
import type { InjectReply } from '../support/inject.ts'
import { parseCid } from '../../src/model/cid.ts'
import { defaultPinOptions, pinWithOptions } from '../../src/model/pin.ts'
import { FakeCluster, fakePeer, otherPeer } from '../support/fake-cluster.ts'
import { restPeerOf } from '../support/rest-peer.ts'
import { differences } from './rest/differences.ts'

interface Recorded {
  name: string
  compare: 'exact' | 'masked'
  messageOrigin?: string
  request: { method: string, path: string, headers: Array<[string, string]>, body: { text?: string, base64?: string } | null }
  response: { status: number, headers: Array<[string, string]>, body: { text?: string } | null, trailers?: Array<[string, string]> | null }
}

const folder = process.env['VECTORS_DIR'] ?? import.meta.dirname
const group = (name: string): Recorded[] => JSON.parse(readFileSync(join(folder, 'rest', `${name}.json`), 'utf8'))

/** What the recordings of the auth group were made with. */
const authInit: Partial<RestApiInit> = {
  basicAuth: new Map([['alice', 'wonderland'], ['bob', 'builder']]),
  headers: { 'X-Custom': ['one', 'two'] },
  cors: {
    allowedOrigins: ['http://app.test'], allowedMethods: ['GET', 'POST'], allowedHeaders: ['authorization'], exposedHeaders: ['X-Foo'],
    allowCredentials: true, maxAgeSeconds: 600
  }
}

/** Cases whose answer depends on the API alone. */
const wanted: Array<{ group: string, init?: Partial<RestApiInit>, only?: RegExp }> = [
  { group: 'routing' },
  { group: 'cors' },
  { group: 'auth', init: authInit },
  { group: 'empty-state', only: /^(?!status-not-found|recover-not-found|pins-cids-unpinned)/ },
  { group: 'info', only: /^(version|health|metric-unknown)$/ },
  { group: 'peers', only: /bad|unreachable/ },
  { group: 'pin', only: /^(un)?pin-.*(bad|invalid|refused|escaped|not-found|not-pinned)/ },
  {
    group: 'add',
    only: /bad-(bool|cid|expire)|layout-bad|format-bad|no-parts|not-multipart|no-disposition$|chunker-bad|truncated-stream-false|trailing-slash/
  }
]

/** Names and values as on the wire, but for what can't be equal. */
const comparable = (headers: Array<[string, string]>): string[] =>
  headers.filter(([name]) => name !== 'Date' && name !== 'Content-Length').map(([name, value]) => `${name}: ${value}`)

/** Texts of Go's libraries are compared by shape only. */
const shapeOf = (text: string, loose: boolean): string => loose ? text.replace(/"message":".*"/, '"message":"…"') : text

async function replay (one: Recorded, init: Partial<RestApiInit>): Promise<InjectReply> {
  const cluster = new FakeCluster({ peers: [fakePeer, otherPeer, '12D3KooWMFMmehc9kUkoJuFKG8Q21bbozAdY3F2786c8UpTYDw6o'] })
  if (one.name.startsWith('repin') || one.name.startsWith('pin-')) {
    cluster.hold(pinWithOptions(parseCid('QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX'), defaultPinOptions()))
  }
  const { method, path, headers, body } = one.request
  const content = body?.base64 == null ? body?.text : Buffer.from(body.base64, 'base64')
  return restPeerOf(cluster, init).ask(`${method} ${path}`, { headers, ...(content == null ? {} : { body: content }) })
}

function check (one: Recorded, reply: InjectReply): void {
  const expected = {
    status: one.response.status, text: one.response.body?.text ?? '', headers: comparable(one.response.headers),
    trailers: one.response.trailers ?? []
  }
  const difference = differences(one.name, expected)
  const loose = one.messageOrigin !== 'cluster'

  assert.equal(reply.status, difference.status)
  if (difference.text != null) assert.equal(shapeOf(reply.body.toString(), loose), shapeOf(difference.text, loose))
  if (difference.headers != null) assert.deepEqual(comparable(reply.headers), difference.headers)
  if (difference.trailers != null) assert.deepEqual(reply.trailers, difference.trailers)
}

for (const { group: name, init = {}, only = /./ } of wanted) {
  describe(`the recordings of ${name}`, () => {
    for (const one of group(name).filter(({ name }) => only.test(name))) {
      it(`answers ${one.name} as Go does, or better on purpose`, async () => {
        const reply = await replay(one, init)

        check(one, reply)
      })
    }
  })
}
