import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { makeNames } from '../support/names.ts'
import { quietMs } from '../support/poll.ts'
import { proxyPeer, uploadOf } from '../support/proxy-peer.ts'

interface Recorded {
  of: string, bodies: Record<string, string>, exchanges: Array<{ request: string, body: string | null, status: number, text: string }>
}

const folder = process.env['VECTORS_DIR'] ?? import.meta.dirname
const { bodies, exchanges }: Recorded = JSON.parse(readFileSync(join(folder, 'ipns', 'proxy.json'), 'utf8'))

/** What the recording's Kubo had in IPFS_NS_MAP. */
const fixed = new Map(
  [['a.example', '/ipfs/bafkqaaa/x'], ['b.example', '/ipns/c.example'], ['c.example', '/ipns/b.example'], ['d.example', '/ipns/a.example']]
)

/** IDs and signatures are other ones with each run. */
const comparable = (text: string): string =>
  text.replaceAll(/k51[a-z0-9]{59}/g, 'KEY').replaceAll(/12D3KooW[A-Za-z0-9]{44}/g, 'PEER').replaceAll(/k2k4r8[a-z0-9]{50}/g, 'RSAKEY')
  .replaceAll(/kzwfw[a-z0-9]+/g, 'SECPKEY').replaceAll(/f0172[0-9a-f]+/g, 'HEXKEY').replaceAll(/"u[\w-]{86}"/g, '"SIGNATURE"').trim()

describe('recorded answers of Kubo to key, name and routing', () => {
  it('are the answers here, one request after the other', { timeout: quietMs(60_000) }, async () => {
    const peer = proxyPeer({ names: makeNames({ fixed }).names })

    for (const { request, body, status, text } of exchanges) {
      const reply = await peer.ask(request, body == null ? {} : uploadOf(bodies[body] ?? ''))

      assert.deepEqual({ request, status: reply.status, text: comparable(reply.body.toString('utf8')) }, { request, status, text })
    }
  })
})
