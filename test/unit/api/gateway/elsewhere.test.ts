import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import type { GatewayInit } from '../../../../src/api/gateway/gateway.ts'
import { directoryBlock, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { pollUntil } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const leaves = await Promise.all(Array.from({ length: 4 }, async (_, n) => rawBlock(Buffer.alloc(100_000, `leaf ${n} `))))
const file = await fileBlock(leaves)
const folder = await directoryBlock({ 'a.txt': file })
const absent = leaves[2] as Block

let clock: SimClock
let peer: GatewayPeer

async function start (elsewhere: 'missing' | 'nobody' | 'silent', init: Partial<GatewayInit> = {}): Promise<void> {
  clock = new SimClock()
  peer = await gatewayPeer(init, { clock })
  peer.blocks.elsewhere = elsewhere
}

const facts = async (answer: Response): Promise<unknown[]> =>
  [answer.status, answer.headers.get('retry-after'), answer.headers.get('cache-control'), (await answer.text()).trim().split('\n').length]

describe('content that is elsewhere', () => {
  afterEach(async () => { await peer.stop() })

  it('is 502 with Retry-After and a sentence when nobody has it', async () => {
    await start('nobody')

    const answers = [
      await peer.get(`/ipfs/${file.cid}`), await peer.get(`/ipfs/${file.cid}?format=raw`), await peer.get(`/ipfs/${file.cid}?format=car`)
    ]

    for (const answer of answers) assert.deepEqual(await facts(answer), [502, '30', null, 1])
  })

  it('is 404 at once where nothing is fetched', async () => {
    await start('silent', { noFetch: true })

    const answer = await peer.get(`/ipfs/${file.cid}`)

    assert.deepEqual(await facts(answer), [404, null, null, 1])
  })

  it('is 504 with Retry-After and a sentence when the first block does not come in time, on the way to it, too', async () => {
    await start('silent', { firstBlockMs: 7000 })
    peer.blocks.keep(folder)
    const asked = [`/ipfs/${file.cid}`, `/ipfs/${folder.cid}/a.txt`, `/ipfs/${file.cid}?format=tar`].map(async path => peer.get(path))
    await pollUntil(() => peer.blocks.waiting.length === 3, { everyMs: 1 })

    await clock.advance(30_000)

    for (const answer of await Promise.all(asked)) assert.deepEqual(await facts(answer), [504, '30', null, 1])
  })

  it('breaks the answer off when a later block does not come', async () => {
    await start('silent', { blockMs: 5000 })
    peer.blocks.keep(file, ...leaves.filter(leaf => leaf !== absent))
    const answer = await peer.get(`/ipfs/${file.cid}`)
    const body = answer.arrayBuffer()
    const broken = assert.rejects(body)
    await pollUntil(() => peer.blocks.waiting.length === 1, { everyMs: 1 })

    await clock.advance(5000)
    await broken

    assert.equal(answer.status, 200)
  })

  it('is not waited for any longer once the client has gone', async () => {
    await start('silent')
    const left = new AbortController()
    const asked = peer.get(`/ipfs/${file.cid}`, { signal: left.signal })
    const rejected = assert.rejects(asked)
    await pollUntil(() => peer.blocks.waiting.length === 1, { everyMs: 1 })

    left.abort()
    await rejected

    await pollUntil(() => peer.blocks.waiting[0]?.aborted === true, { everyMs: 1 })
  })

  it('is looked for where the root of the path is pinned', async () => {
    await start('nobody')
    peer.blocks.keep(folder, file, ...leaves)

    await (await peer.get(`/ipfs/${folder.cid}/a.txt`)).arrayBuffer()

    assert.deepEqual([...peer.blocks.roots], [folder.cid.toString()])
  })
})

describe('content that is being made here', () => {
  it('is waited for, and then served', async t => {
    const made = Promise.withResolvers<void>()
    const roots: string[] = []
    peer = await gatewayPeer({}, { pendingImport: root => { roots.push(root.toString()); return made.promise } })
    t.after(async () => peer.stop())
    peer.blocks.elsewhere = 'nobody'

    const asked = peer.get(`/ipfs/${file.cid}`)
    await pollUntil(() => roots.length > 0, { everyMs: 1 })
    peer.blocks.keep(file, ...leaves)
    made.resolve()
    const answer = await asked

    assert.deepEqual(
      [answer.status, (await answer.arrayBuffer()).byteLength, new Set(roots)], [200, 400_000, new Set([file.cid.toString()])]
    )
  })

  it('is not waited for by who wants only what is there', async t => {
    peer = await gatewayPeer({}, { pendingImport: async () => new Promise<void>(() => {}) })
    t.after(async () => peer.stop())

    const answer = await peer.get(`/ipfs/${file.cid}`, { headers: { 'cache-control': 'only-if-cached' } })

    assert.equal(answer.status, 412)
  })
})
