import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { messagesOf } from '../../src/client/event-stream.ts'
import { chunksOfStream } from '../../src/client/web-streams.ts'
import { pollUntil } from '../support/poll.ts'
import { missing } from './go-peer.ts'
import { mixedCluster } from './mixed-cluster.ts'
import type { MixedCluster } from './mixed-cluster.ts'

const identityCid = (text: string): string => {
  const bytes = Buffer.from(text)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

describe('events of a Node peer with a Go peer and another Node peer', {
  skip: missing('ipfs-cluster-service', 'ipfs-cluster-ctl', 'ipfs'), timeout: 120_000
}, () => {
  let cluster: MixedCluster
  before(async () => {
    cluster = await mixedCluster(['node', 'go', 'node'])
    for (const index of [0, 1, 2]) await cluster.start(index)
    await cluster.settled()
  })
  after(async () => { await cluster?.remove() })

  it('tell how pins go on all three, once each', async () => {
    const end = new AbortController()
    const heard: string[] = []
    let isReady = false
    const listening = (async () => {
      const { body } = await fetch(`${cluster.at(0).url}/events?types=pin.status`, { signal: end.signal })
      for await (const message of messagesOf(chunksOfStream(body as ReadableStream<Uint8Array>))) {
        if (message.kind === 'ready') isReady = true
        if (message.kind === 'event') heard.push(`${message.event.data.cid} ${message.event.data.peername} ${message.event.data.status}`)
      }
    })().catch(() => {})
    await pollUntil(() => isReady)

    const { cid } = await (
      await fetch(`${cluster.at(2).url}/pins/${identityCid('seen everywhere')}`, { method: 'POST' })
    ).json() as { cid: string }
    const names = ['node-0', 'go-1', 'node-2']
    await pollUntil(
      () => names.every(name => heard.includes(`${cid} ${name} pinned`)), { withinMs: 30_000, what: 'the events of all three' }
    )
    // nobody has it: the Go peer waits for it, too
    const { cid: missingCid } = await (
      await fetch(`${cluster.at(0).url}/pins/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku`, { method: 'POST' })
    ).json() as { cid: string }
    await pollUntil(() => heard.includes(`${missingCid} go-1 pinning`), { withinMs: 30_000, what: 'the pin that waits at the Go peer' })
    end.abort()
    await listening

    const ofPinned = heard.filter(one => one.startsWith(cid))
    assert.deepEqual(ofPinned.filter((one, index) => ofPinned.indexOf(one) !== index), [])
  })
})
