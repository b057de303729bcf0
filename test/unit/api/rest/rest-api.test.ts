import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { systemClock } from '../../../../src/base/system.ts'
import { clusterEventTypes } from '../../../../src/model/event-types.ts'
import { openApiPath } from '../../../../src/http/routing/openapi.ts'
import { restRoutes } from '../../../../src/api/rest/routes.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import type { StatusOptions } from '../../../../src/cluster/cluster-api.ts'
import type { GlobalPinInfo } from '../../../../src/model/pin-info.ts'
import { cidFor } from '../../../support/pins.ts'
import { FakeCluster, fakePeer, otherPeer } from '../../../support/fake-cluster.ts'
import { quietMs } from '../../../support/poll.ts'
import { headerOf, quietWatching, restPeer, restPeerOf, textOf, upload } from '../../../support/rest-peer.ts'

const cid = 'QmccvEeJ1S95baJ6brLwNCKc6uq89vpVEoUGcEXc5FHhaX'
const json = (reply: { body: Buffer }): any => JSON.parse(reply.body.toString()) // shapes are what is tested

describe('pins', () => {
  it('hands every option to the cluster and echoes the request', async () => {
    const { ask, cluster } = restPeer()

    const reply = await ask(
      `POST /pins/${cid}?name=a+%26&mode=direct&replication=1&shard-size=7&user-allocations=${otherPeer},nobody&meta-z=1&meta-a=&meta-=x&origins=/ip4/1.2.3.4/tcp/1/p2p/${otherPeer}`
    )

    const pin = cluster.pins.get(cid)
    assert.match(textOf(reply), /"name":"a \\u0026"/)
    assert.deepEqual(
      [pin?.mode, pin?.maxDepth, pin?.replicationFactorMin, pin?.replicationFactorMax, pin?.shardSize], ['direct', 0, 1, 1, 7]
    )
    assert.deepEqual([json(reply).user_allocations, json(reply).metadata, json(reply).max_depth], [[otherPeer], { a: '', z: '1' }, 0])
  })

  it('keeps the offset of expire-at in its answer', async () => {
    const { ask } = restPeer()
    const expire = async (text: string): Promise<string> =>
      json(await ask(`POST /pins/${cid}?expire-at=${encodeURIComponent(text)}`)).expire_at

    assert.equal(await expire('2031-02-03T04:05:06+02:00'), '2031-02-03T04:05:06+02:00')
    assert.equal(await expire('2031-02-03T04:05:06.7890-00:00'), '2031-02-03T04:05:06.789Z')
  })

  it('prints an update as what is stored', async () => {
    const { ask } = restPeer()
    await ask(`POST /pins/${cid}`)

    const reply = await ask(`POST /pins/bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a?pin-update=${cid}`)

    assert.deepEqual([json(reply).metadata, json(reply).origins, json(reply).pin_update], [null, [], cid])
  })

  it('does nothing when an option is wrong', async () => {
    const { ask, cluster } = restPeer()
    for (const option of [
      'replication-min=x', 'replication-max=1.5', 'replication=9007199254740993', 'shard-size=-1', 'expire-at=tomorrow', 'expire-in=5',
      'expire-in=1ms', 'expire-in=9999999h9999999h9999999h', 'pin-update=zz', 'origins=foo', 'origins=/ip4/1.2.3.4'
    ]) {
      const replies = await Promise.all(
        [
          `POST /pins/${cid}`, `POST /pins/ipfs/${cid}`, `DELETE /pins/${cid}`, `GET /allocations/${cid}`, `POST /pins/${cid}/recover`
        ].map(async request => ask(`${request}?${option}`))
      )

      assert.deepEqual(replies.map(({ status }) => status), [400, 400, 400, 400, 400], option)
      assert.ok(replies.every(reply => textOf(reply).split('\n').length === 2))
    }
    assert.deepEqual(cluster.changes, [])
  })

  it('unpins, by CID and by path', async () => {
    const { ask } = restPeer()
    await ask(`POST /pins/${cid}`)

    assert.equal((await ask(`DELETE /pins/ipfs/${cid}`)).status, 200)
    assert.equal((await ask(`DELETE /pins/${cid}`)).status, 404)
  })

  it('lists some CIDs, each as often as asked, and tells which failed in the trailer', async () => {
    class Failing extends FakeCluster {
      override async status (one: ReturnType<typeof parseCid>): ReturnType<FakeCluster['status']> {
        if (one.toString() !== cid) throw new Error('lost')
        return super.status(one)
      }
    }
    const { ask } = restPeerOf(new Failing())

    const reply = await ask(`GET /pins?cids=${cid},${cid},bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a`)

    assert.equal(textOf(reply).trim().split('\n').length, 2)
    assert.deepEqual(reply.trailers, [['X-Stream-Error', ''], ['X-Stream-Error', 'lost']])
  })

  it('filters allocations by type and passes the whole pinset through', async () => {
    const { ask } = restPeer()
    await ask(`POST /pins/${cid}`)

    assert.equal((await ask('GET /allocations?filter=shard-pin')).status, 204)
    assert.equal(textOf(await ask('GET /allocations?filter=pin,meta-pin')), textOf(await ask('GET /allocations')))
    assert.equal((await ask('GET /allocations?filter=toString')).status, 400)
  })

  it('answers the old sync as a status, marked as deprecated', async () => {
    const { ask } = restPeer()
    await ask(`POST /pins/${cid}`)

    const [one, all] = [await ask(`POST /pins/${cid}/sync`), await ask('POST /pins/sync')]

    assert.equal(textOf(one), textOf(await ask(`GET /pins/${cid}`)))
    assert.equal(textOf(all), textOf(await ask('GET /pins')))
    assert.deepEqual([headerOf(one, 'Deprecation'), headerOf(all, 'Deprecation')], ['true', 'true'])
  })

  it('tells how far a pin is', async () => {
    const { ask } = restPeer()
    await ask(`POST /pins/${cid}`)

    const [peer] = json(await ask(`GET /pins/${cid}/progress`))

    assert.deepEqual([peer.peer, peer.operation, peer.ipfs.phase, peer.ipfs.wanted_block], [fakePeer, null, 'fetching', cid])
    assert.match(peer.ipfs.wanted_since, /^\d{4}-.*Z$/)
    assert.match(peer.reason, /^waits for block \S+: 1 asked, for \d+/)
  })

  it('lists what is under-replicated, alone or beside statuses', async () => {
    class Lacking extends FakeCluster {
      override async * statusAll (filter: number, { missing }: StatusOptions = {}): AsyncIterable<GlobalPinInfo[]> {
        for await (const batch of super.statusAll(0)) {
          for (const info of batch) if (info.name === 'lacking') for (const short of info.peerMap.values()) short.status = 'pinning'
          yield missing === true && filter === 0 ? batch : []
        }
      }
    }
    const { ask } = restPeerOf(new Lacking())
    for (const name of ['lacking', 'fine']) await ask(`POST /pins/${cidFor(name)}?name=${name}`)
    const named = async (filter: string): Promise<string[]> =>
      textOf(await ask(`GET /pins?filter=${filter}`)).trim().split('\n').map(line => JSON.parse(line).name)

    assert.deepEqual([await named('under_replicated'), await named('pinned,under_replicated')], [['lacking'], ['lacking', 'fine']])
    assert.equal((await ask('GET /pins?filter=bogus,under_replicated')).status, 400)
  })

  it('moves a pin, and says why not', async () => {
    const { ask, cluster } = restPeerOf(new FakeCluster({ peers: [fakePeer, otherPeer] }))
    await ask(`POST /pins/${cid}?replication=1`)
    const move = async (query: string, pin = cid): Promise<number> => (await ask(`POST /pins/${pin}/move?${query}`)).status

    assert.deepEqual([await move(''), await move('from=nobody'), await move(`from=${fakePeer}&to=nobody`)], [400, 400, 400])
    assert.deepEqual(
      [await move(`from=${fakePeer}`, String(cidFor('unknown'))), await move(`from=${fakePeer}&to=${otherPeer}`)], [404, 200]
    )
    assert.deepEqual(cluster.pins.get(cid)?.allocations, [otherPeer])
  })

  it('has figures of the pinset and of the last hour', async () => {
    const { ask } = restPeer()
    await ask(`POST /pins/${cid}`)

    const [health, history] = [json(await ask('GET /health/pins')), json(await ask('GET /monitor/history'))]

    assert.deepEqual([health.pins, health.everywhere, health.under_replicated, health.unreachable, health.peers.length], [1, 1, 0, 0, 1])
    assert.deepEqual([health.peers[0].peer, health.peers[0].missing, health.peers[0].statuses], [fakePeer, false, {}])
    assert.deepEqual([history.every_ms, history.at.length, history.series], [30_000, 1, [{ name: 'pins', peer: fakePeer, values: [1] }]])
  })
})

describe('peers', () => {
  it('maps what a removal says', async () => {
    const { ask } = restPeerOf(new FakeCluster({ peers: [fakePeer, otherPeer] }))
    const remove = async (peer: string): Promise<number> => (await ask(`DELETE /peers/${peer}`)).status

    assert.deepEqual(
      await Promise.all([otherPeer, fakePeer, '12D3KooWQnwEGNqcM2nAcPtRR9rAX8Hrg4k9kJLCHoTR5chJfz6d', 'Qm', '1'].map(remove)),
      [204, 400, 404, 400, 400]
    )
  })

  it('bounds the body', async () => {
    const cluster = new FakeCluster({ peers: [fakePeer, otherPeer] })
    const bodyOf = (sizeBytes: number): string => JSON.stringify({ peer_id: otherPeer }).padEnd(sizeBytes)
    const add = async (sizeBytes: number): Promise<number> => (
      await restPeerOf(cluster).ask('POST /peers', { body: bodyOf(sizeBytes) })
    ).status

    assert.deepEqual([await add(64 * 1024), await add(64 * 1024 + 1)], [200, 413])
  })
})

describe('adding', () => {
  it('streams lines, or gives one array', async () => {
    const { ask } = restPeer()

    const [lines, whole] = [await ask('POST /add', upload('hi', '../a+b%2Fc')), await ask('POST /add?stream-channels=false', upload('hi'))]

    assert.equal(json(lines).name, 'a b/c')
    assert.deepEqual([headerOf(lines, 'Connection'), headerOf(lines, 'X-Chunked-Output'), lines.trailers.length], ['close', '1', 0])
    assert.equal(json(whole)[0].size, 2)
    assert.deepEqual([headerOf(whole, 'Connection'), headerOf(whole, 'Trailer')], ['close', undefined])
  })

  it('refuses a path of more than 1024 levels before the answer begins', { timeout: quietMs(5000) }, async () => {
    const { ask } = restPeer()

    assert.equal((await ask('POST /add', upload('hi', 'a/'.repeat(1023) + 'a'))).status, 200)
    for (const query of ['', '?stream-channels=false']) {
      assert.deepEqual(
        json(await ask(`POST /add${query}`, upload('hi', 'a/'.repeat(5000)))), { code: 400, message: 'a path has more than 1024 levels' }
      )
    }
  })

  it('tells late errors in the trailer, or as the answer', async () => {
    const { ask } = restPeerOf(new FakeCluster({ followerMode: true }))
    const text = 'this peer is configured to be in follower mode. Write operations are disabled'

    assert.deepEqual((await ask('POST /add', upload('hi'))).trailers, [['X-Stream-Error', text]])
    assert.deepEqual(json(await ask('POST /add?stream-channels=false', upload('hi'))), { code: 500, message: text })
  })
})

describe('the documents of the API', () => {
  const table = restRoutes({ cluster: new FakeCluster(), authenticator: null, watching: quietWatching(), clock: systemClock })

  it('has every route in /openapi.json, with a summary, its parameters and responses', async () => {
    const { paths, components } = json(await restPeer().ask('GET /openapi.json'))

    for (const { method, path, doc } of table) {
      const operation = paths[openApiPath(path)]?.[method.toLowerCase()]
      const inPath = (doc.parameters ?? []).filter(one => one.in === 'path').map(({ name }) => name)
      assert.equal(operation?.summary, doc.summary, path)
      assert.deepEqual(inPath, [...path.matchAll(/\{(\w+)/g)].map(match => match[1]), path)
      for (const { schema } of doc.responses) assert.ok(schema == null || components.schemas[schema] != null, schema)
    }
  })

  it('has every route in docs/reference/rest-api.md', () => {
    const rows = readFileSync('docs/reference/rest-api.md', 'utf8').split('\n').filter(line => /^\| `[A-Z]+ \//.test(line)).map(
      line => line.split('|').slice(1, 3).map(cell => cell.trim()).join(' ')
    )

    assert.deepEqual(rows, table.map(({ method, path, doc }) => `\`${method} ${openApiPath(path)}\` ${doc.summary}`))
  })

  it('has every type of event in docs/reference/rest-api.md', () => {
    const table = readFileSync('docs/reference/rest-api.md', 'utf8').split('| type | data |')[1]?.split('\n\n')[0] ?? ''
    const rows = table.split('\n').slice(2).flatMap(line => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(match => match[1]))

    assert.deepEqual(rows, clusterEventTypes)
  })
})

describe('readiness', () => {
  it('tells behind and a silent IPFS node from fine, to everybody', async () => {
    const { ask, cluster } = restPeer({ basicAuth: new Map([['alice', 'wonderland']]) })
    const told = async (problems: FakeCluster['problems']): Promise<[number, unknown]> => {
      cluster.problems = problems
      const reply = await ask('GET /health/ready')
      return [reply.status, json(reply)]
    }

    const figures = { pins: 0, heads: 1, height: 0 }
    assert.deepEqual(await told([]), [200, { ready: true, problems: [], ...figures }])
    assert.deepEqual(await told(['dirty']), [200, { ready: true, problems: ['dirty'], ...figures }])
    assert.deepEqual(await told(['behind', 'dirty']), [503, { ready: false, problems: ['behind', 'dirty'], ...figures }])
    assert.deepEqual(await told(['ipfs_unavailable']), [503, { ready: false, problems: ['ipfs_unavailable'], ...figures }])
    assert.deepEqual(await told(['starting']), [503, { ready: false, problems: ['starting'], ...figures }])
    assert.deepEqual(await told(['gossip_silent']), [503, { ready: false, problems: ['gossip_silent'], ...figures }])
    assert.deepEqual(await told(['peers_silent']), [200, { ready: true, problems: ['peers_silent'], ...figures }])
    assert.deepEqual(await told(['pins_set_aside']), [200, { ready: true, problems: ['pins_set_aside'], ...figures }])
    assert.equal((await ask('GET /health')).status, 204)
  })

  it('has a page for browsers at its root, and nothing for programs', async () => {
    const { ask } = restPeer()
    const browser = await ask('GET /', { headers: [['Accept', 'text/html,application/xhtml+xml,*/*;q=0.8']] })
    const program = await ask('GET /', { headers: [['Accept', '*/*']] })

    assert.equal(browser.status, 200)
    for (const [, link = ''] of textOf(browser).matchAll(/href="([^"]+)"/g)) assert.notEqual((await ask(`GET ${link}`)).status, 404, link)
    assert.deepEqual([program.status, textOf(program)], [404, '{"code":404,"message":"not found"}\n'])
  })
})
