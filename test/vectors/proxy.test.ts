import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { InjectReply } from '../support/inject.ts'
import { parseCid } from '../../src/model/cid.ts'
import { defaultPinOptions, pinWithOptions } from '../../src/model/pin.ts'
import { FakeCluster } from '../support/fake-cluster.ts'
import { proxyPeer } from '../support/proxy-peer.ts'

interface Recorded {
  name: string
  messageOrigin?: string
  request: { method: string, path: string, headers: Array<[string, string]>, body: { text?: string } | null }
  response: {
    status: number, headers: Array<[string, string]>, framing: string, body: { text?: string } | null,
    trailers?: Array<[string, string]> | null
  }
}

const folder = process.env['VECTORS_DIR'] ?? import.meta.dirname
const recorded: Recorded[] = JSON.parse(readFileSync(join(folder, 'rest', 'proxy.json'), 'utf8'))

/** What a real DAG, a real repository or a Kubo's identity answers; tools/replay compares them on a running cluster. */
const elsewhere =
  /^proxy-(pin-add-path|pin-add-missing-link|pin-ls|add|add-v1|add-trickle|add-stream-false|add-bad-chunker|repo-stat|repo-gc.*|version|id)$/

const raw = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const file = 'QmVGpCnXsaS2DPKWWCL3Y6gDoGzApwrrARwrvhYZdHbTcu'

/** Names and values; versions and Kubo's address don't count. */
const comparable = (headers: Array<[string, string]>): string[] => headers.filter(([name]) => name !== 'Date' && name !== 'Content-Length')
  .map(([name, value]) => `${name}: ${value.replace(/\d+\.\d+\.\d+\S*/, 'VERSION')}`).toSorted()

const shapeOf = (text: string, isLoose: boolean): string => isLoose ? text.replace(/"Message":".*"(?=,"Code")/, '"Message":"…"') : text

/** `only-hash` adds nothing here, and so prints the error alone. */
const expectedText = ({ name, response }: Recorded): string =>
  name === 'proxy-add-only-hash' ? (response.body?.text ?? '').replace(/\}\{.*/s, '}') : response.body?.text ?? ''

async function replay ({ request: { method, path, headers, body } }: Recorded): Promise<InjectReply> {
  const cluster = new FakeCluster()
  cluster.hold(...[raw, file].map(cid => pinWithOptions(parseCid(cid), defaultPinOptions())))
  return proxyPeer({ cluster }).ask(`${method} ${path}`, { headers, ...(body?.text == null ? {} : { body: body.text }) })
}

describe('the recordings of the proxy', () => {
  for (const one of recorded.filter(({ name }) => !elsewhere.test(name))) {
    it(`answers ${one.name} as Go does, or better on purpose`, async () => {
      const reply = await replay(one)

      const isLoose = one.messageOrigin != null && one.messageOrigin !== 'cluster'
      assert.equal(reply.status, one.response.status)
      assert.equal(shapeOf(reply.body.toString('utf8'), isLoose), shapeOf(expectedText(one), isLoose))
      assert.deepEqual(
        comparable(reply.headers),
        comparable(one.response.headers).filter(header => one.name !== 'proxy-add-only-hash' || !header.startsWith('Transfer'))
      )
      assert.deepEqual(reply.trailers, one.response.trailers ?? [])
    })
  }
})
