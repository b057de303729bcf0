import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, describe, it } from 'node:test'
import type { IpfsConnector } from '../../../../src/ipfs/ipfs.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { pinOf } from '../../../support/pins.ts'
import { batches, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { fakeKubo, notPinned, type FakeAnswer, type FakeKubo } from '../../../support/fake-kubo.ts'
import { connectorTo } from '../../../support/kubo.ts'
import { pollUntil } from '../../../support/poll.ts'

const recorded: Record<string, string[]> = JSON.parse(
  readFileSync(new URL('../../../vectors/config/kubo-requests.json', import.meta.url), 'utf8')
)

const cid = parseCid('bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a')
const from = parseCid('QmVGpCnXsaS2DPKWWCL3Y6gDoGzApwrrARwrvhYZdHbTcu')
const origin = '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWEN5j9XP1guaaWANjFMvnDBg3UVR2LJ2LFsFQNN1drLAA'

/** The recorded requests of an operation, without remarks in brackets, placeholders filled in. */
const requestsOf = (operation: string): string[] => (recorded[operation] ?? assert.fail(operation))
  .map(text => text.replace(/ \(.*/, '').replace('{cid}', String(cid)).replace('{to}', String(cid)).replace('{from}', String(from)))

const pinnedRow = { body: `{"Cid":"${String(cid)}","Type":"recursive"}\n` }
const done = { body: `{"Progress":3,"Bytes":30}\n{"Pins":["${String(cid)}"]}\n` }
const nothing = { body: '' }
const unpinned = (call: string): FakeAnswer => call.startsWith('pin/ls') ? notPinned(cid) : done

describe('requests to Kubo are those that were recorded of Go', () => {
  let kubo: FakeKubo
  let ipfs: IpfsConnector

  const start = async (answer: (call: string) => FakeAnswer): Promise<IpfsConnector> => {
    kubo = await fakeKubo(answer)
    ipfs = connectorTo(kubo.api)
    return ipfs
  }

  afterEach(async () => {
    await ipfs.stop()
    await kubo.close()
  })

  for (const [operation, pin] of [
    ['pin_recursive', pinOf(cid)],
    ['pin_direct', pinOf(cid, { maxDepth: 0 })],
    ['pin_shard_depth1_from_source', pinOf(cid, { maxDepth: 1 })]
  ] as const) {
    it(operation, async () => {
      const ipfs = await start(unpinned)

      await ipfs.pin(pin)

      assert.deepEqual(kubo.calls, requestsOf(operation))
    })
  }

  it('pin_update', async () => {
    const ipfs = await start(call => call.includes(`arg=${String(from)}&type`) ? pinnedRow : unpinned(call))

    await ipfs.pin(pinOf(cid, { pinUpdate: from }))

    assert.deepEqual(kubo.calls, requestsOf('pin_update'))
  })

  it('repin_same_cid', async () => {
    const ipfs = await start(() => pinnedRow)

    await ipfs.pin(pinOf(cid))

    assert.deepEqual(kubo.calls, requestsOf('repin_same_cid'))
  })

  it('pin_with_origins_from_source', async () => {
    const ipfs = await start(call => call.startsWith('swarm') ? null : call.startsWith('pin/add') ? (_request, response) => {
      void pollUntil(() => kubo.calls.filter(one => one.startsWith('swarm')).length === 10).then(() => response.end('{"Pins":[]}\n'))
    } : unpinned(call))

    await ipfs.pin(pinOf(cid, { origins: Array.from({ length: 12 }, () => origin) }))

    const dialled = kubo.calls.filter(call => call.startsWith('swarm'))
    assert.deepEqual(dialled, Array.from({ length: 10 }, () => `swarm/connect?arg=${encodeURIComponent(origin)}`))
  })

  it('unpin', async () => {
    const ipfs = await start(() => done)

    await ipfs.unpin(cid)

    assert.deepEqual(kubo.calls, requestsOf('unpin'))
  })

  it('status_one_cid, and once more for a direct pin that is not there', async () => {
    const ipfs = await start(unpinned)

    const statuses = [await ipfs.pinStatus(pinOf(cid)), await ipfs.pinStatus(pinOf(cid, { maxDepth: 0 }))]

    assert.deepEqual(statuses, ['unpinned', 'unpinned'])
    assert.deepEqual(kubo.calls, ['recursive', 'direct', 'recursive'].map(type => `pin/ls?stream=true&arg=${String(cid)}&type=${type}`))
  })

  it('status_all, and the direct pins that Go leaves out', async () => {
    const ipfs = await start(() => pinnedRow)

    const view = await ipfs.pinnedView()

    assert.equal(view.statusOf(cid), 'recursive')
    assert.deepEqual(kubo.calls, [...requestsOf('status_all'), 'pin/ls?stream=true&type=direct'])
  })

  it('add', async () => {
    const leaf = await rawBlock('leaf')
    const root = await fileBlock([leaf])
    const ipfs = await start(() => ({ body: [leaf, root].map(({ cid }) => `{"Key":"${String(cid)}","Size":4}\n`).join('') }))

    await ipfs.putBlocks(batches(leaf, root))

    const boundary = /boundary=(.*)/.exec(String(kubo.headers['content-type']))?.[1] ?? ''
    const parts = kubo.bodies[0]?.toString('latin1').split(`--${boundary}`).slice(1, -1) ?? []
    assert.deepEqual(kubo.calls, requestsOf('add').slice(0, 1).map(text => text.replace('raw|dag-pb|dag-cbor', 'raw')))
    assert.equal(kubo.headers['transfer-encoding'], 'chunked')
    assert.deepEqual(parts.map(part => /filename="(.*)"/.exec(part)?.[1]), [leaf, root].map(({ cid }) => String(cid)))
    assert.match(
      parts[0] ?? '',
      /^\r\nAbspath-Encoded: \r\nContent-Disposition: form-data; name="file"; filename=".*"\r\nContent-Type: application\/octet-stream\r\n\r\nleaf\r\n$/
    )
  })

  it('resolve_path', async () => {
    const ipfs = await start(() => ({ body: `{"Path":"/ipfs/${String(cid)}"}\n` }))

    const resolved = await ipfs.resolve(`/ipfs/${String(from)}/a b`)
    await ipfs.resolve(`/ipfs/${String(from)}`)

    assert.equal(String(resolved), String(cid))
    assert.deepEqual(kubo.calls, [`resolve?arg=%2Fipfs%2F${String(from)}%2Fa%20b`])
  })

  it('repo_gc', async () => {
    const ipfs = await start(() => ({ body: `{"Key":{"/":"${String(cid)}"}}\n{"Error":"a bad block"}\n` }))

    const removed = await Array.fromAsync(ipfs.repoGc())

    assert.deepEqual(removed.map(({ key, error }) => [String(key), error]), [[String(cid), ''], ['null', 'a bad block']])
    assert.deepEqual(kubo.calls, requestsOf('repo_gc'))
  })

  it('health_graph, block_get, and the size of the repository', async () => {
    const ipfs = await start(call =>
      call === 'id' ? { body: '{"ID":"12D3KooWEN5j9XP1guaaWANjFMvnDBg3UVR2LJ2LFsFQNN1drLAA","Addresses":null}' }
      : call.startsWith('repo')
        ? { body: '{"RepoSize":10,"StorageMax":30}' }
        : call.startsWith('swarm')
        ? { body: '{"Peers":null}' }
        : nothing)

    await ipfs.id()
    await ipfs.swarmPeers()
    await ipfs.getBlock(cid)
    const stat = await ipfs.repoStat()

    assert.deepEqual(stat, { repoSize: 10, storageMax: 30, freeBytes: 20 })
    assert.deepEqual(kubo.calls, [...requestsOf('health_graph'), ...requestsOf('block_get'), 'repo/stat?size-only=true'])
  })
})
