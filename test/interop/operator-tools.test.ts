import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createNodeClient } from '../../src/client/node.ts'
import type { ClusterClient } from '../../src/client/client.ts'
import { runCtlHere } from '../support/ctl.ts'
import type { CtlResult } from '../support/ctl.ts'
import { pollUntil } from '../support/poll.ts'
import { missing } from './go-peer.ts'
import { mixedCluster } from './mixed-cluster.ts'
import type { MixedCluster } from './mixed-cluster.ts'

const skip = missing('ipfs-cluster-service', 'ipfs-cluster-ctl', 'ipfs')
const slowly = { timeout: 240_000 }

describe('tools of operators in a cluster of node and go', { skip }, () => {
  let cluster: MixedCluster
  before(async () => {
    cluster = await mixedCluster(['node', 'go'], json => {
      // what a test takes from the Kubo stays away: within this time the Go peer lets it pin, and fetch, what is missing
      json.cluster.pin_recover_interval = '1h'
    })
    for (const at of [0, 1]) await cluster.start(at)
    await cluster.settled()
  })
  after(async () => { await cluster.remove() })

  const hostOf = (at: number): string => `/ip4/127.0.0.1/tcp/${new URL(cluster.at(at).url).port}`
  const clientOf = (at: number): ClusterClient => createNodeClient({ hosts: [hostOf(at)] })
  const ctl = async (at: number, ...args: string[]): Promise<CtlResult> => runCtlHere(['--host', hostOf(at), '--enc', 'text', ...args])

  const left = async (at: number): Promise<unknown[]> =>
    (await Array.fromAsync(clientOf(at).allocations())).filter(({ name }) => name.startsWith('ctl-bench'))

  async function addEverywhere (bytes: Uint8Array): Promise<string> {
    let cid = ''
    for await (const added of clientOf(0).add([{ path: 'f', content: bytes }], { cidVersion: 1 })) cid = added.cid ?? cid
    await pollUntil(
      async () => Object.values((await clientOf(0).status(cid)).peer_map).every(({ status }) => status === 'pinned'),
      { withinMs: 60_000, what: 'the pin on both' }
    )
    return cid
  }

  it('bench measures a Go peer as it does ours, and leaves nothing', slowly, async () => {
    for (const at of [0, 1]) {
      const { status, stdout, stderr } = await ctl(at, 'bench', '--seconds', '2', '--parallel', '2', '--size', '10kB')

      assert.deepEqual([status, stderr], [0, ''], stdout)
      assert.match(stdout, /^all: [1-9]\d*, .*, 0 errors\n$/m)
      // a peer may gather changes before it writes them
      await pollUntil(async () => (await left(at)).length === 0, { withinMs: 20_000, what: 'a pinset without what bench made' })
    }
  })

  it('an audit lets the Kubo of a Go peer show its blocks', slowly, async () => {
    const cid = await addEverywhere(randomBytes(1_500_000))

    const other = await ctl(0, 'audit', cid, '--peer', cluster.id(1))
    const own = await ctl(0, 'audit', '--all')

    assert.deepEqual([other.status, other.stderr], [0, ''], other.stdout)
    assert.match(other.stdout, /^done: 1 pin of \S+, [1-9]\d* blocks, .*; all of it is there/)
    assert.deepEqual([own.status, own.stderr], [0, ''], own.stdout)
  })

  it('an audit finds what the Kubo of a Go peer has lost', slowly, async () => {
    const cid = await addEverywhere(randomBytes(1_500_000))
    const { Addresses: { API: api } } = JSON.parse(await readFile(join(cluster.at(1).folder, 'ipfs/config'), 'utf8'))
    for (const call of [`pin/rm?arg=${cid}`, 'repo/gc']) {
      const response = await fetch(`http://127.0.0.1:${api.split('/').at(-1)}/api/v0/${call}`, { method: 'POST' })
      assert.equal(response.status, 200, await response.text())
    }

    const { stdout, status } = await ctl(0, 'audit', cid, '--peer', cluster.id(1))

    assert.equal(status, 1)
    assert.match(stdout, new RegExp(`^${cid}: .*\n`))
    assert.match(stdout, /1 pin was incomplete/)
  })

  it('a limit travels through a Go peer, and our peers hold to it', slowly, async () => {
    const cid = await addEverywhere(randomBytes(900_000))
    await clientOf(1).unpin(cid)
    await pollUntil(
      async () => Object.values((await clientOf(0).status(cid)).peer_map).every(({ status }) => status === 'unpinned'),
      { withinMs: 60_000, what: 'the unpin' }
    )

    const { status } = await ctl(1, 'pin', 'add', '--no-status', '--max-size', '500kB', cid)
    await pollUntil(
      async () => (await clientOf(0).status(cid, { local: true })).peer_map[cluster.id(0)]?.status === 'pin_error',
      { withinMs: 60_000, what: 'the refusal' }
    )
    const { peer_map: peers } = await clientOf(0).status(cid)

    assert.equal(status, 0)
    assert.match(peers[cluster.id(0)]?.error ?? '', /^the content is larger than its pin may be \(max-size 500000 bytes\)/)
    await pollUntil(async () => (await clientOf(1).status(cid, { local: true })).peer_map[cluster.id(1)]?.status === 'pinned')
  })
})
