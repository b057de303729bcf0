import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createNodeClient } from '../../src/client/node.ts'
import { runCtlHere } from '../support/ctl.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'

describe('queues of pins, through the real program', { timeout: quietMs(120_000) }, () => {
  let peer: PeerProcess
  before(async () => {
    peer = await peerProcess(json => {
      json.pin_tracker.stateless.queues = { archive: { max_pins_per_second: 0.001 }, '*': { weight: 0.5 } }
    })
    await peer.start()
  })
  after(async () => { await peer.remove() })

  const host = (): string => `/ip4/127.0.0.1/tcp/${new URL(peer.url).port}`
  const ctl = (...args: string[]) => runCtlHere(['--host', host(), '--enc', 'text', ...args])
  const client = () => createNodeClient({ hosts: [host()] })
  const statusOf = async (cid: string): Promise<string | undefined> =>
    Object.values((await client().status(cid, { local: true })).peer_map)[0]?.status

  async function added (text: string, metadata: Record<string, string>): Promise<string> {
    let cid = ''
    for await (const one of client().add([{ path: 'f', content: text }], { cidVersion: 1, metadata })) cid = one.cid ?? cid
    return cid
  }

  it('a queue at its rate holds its own pins only, says so, and lets a pin go to another queue', async () => {
    const archive = { queue: 'archive' }
    const [first, second, other] = [await added('one', archive), await added('two', archive), await added('three', { tenant: 'ann' })]
    await pollUntil(async () => await statusOf(first) === 'pinned' && await statusOf(other) === 'pinned', { what: 'two pins' })

    const waiting = await statusOf(second)
    const [progress] = await client().progress(second)
    const { stdout } = await ctl('pin', 'progress', second)
    const { status } = await ctl('pin', 'add', '--no-status', '--metadata', 'queue=urgent', second)
    await pollUntil(async () => await statusOf(second) === 'pinned', { what: 'the pin that is urgent' })

    assert.deepEqual([waiting, status], ['pin_queued', 0])
    assert.deepEqual([progress?.operation?.queue, progress?.operation?.queue_position], ['archive', 1])
    assert.ok(Date.parse(progress?.operation?.estimated_start ?? '') > Date.now() + 30_000)
    assert.match(stdout, /it is the next one \(queue "archive", at its rate\)/)
  })
})
