import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemClock } from '../../../src/base/system.ts'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import type { HttpServer } from '../../../src/http/server.ts'
import type { IpfsConnector } from '../../../src/ipfs/ipfs.ts'
import type { MetricSources, Observer } from '../../../src/observe/observer.ts'
import { prometheusObserver } from '../../../src/observe/prometheus-observer.ts'
import { pollUntil } from '../../support/poll.ts'

const sources: MetricSources = {
  pins: () => 100_000,
  underReplicated: () => 7,
  drains: () => [{ peer: 'x', state: 'draining', left: 8 }],
  ipfsPins: () => 42,
  heldAdds: () => 6,
  denylists: () => [{ name: 'x.deny', rules: 10, hits: 3, fault: '' }, { name: 'y.deny', rules: 5, hits: 0, fault: 'it is not there' }],
  operations: () => ({ pin_queued: 5, pinning: 2, pin_error: 1, unpin_queued: 9 }),
  queueWaitMs: () => 1500,
  pinQueues: () => [{ name: 'default', waiting: 4, running: 2 }, { name: 'archive', waiting: 1, running: 0 }],
  audits: () => ({ good: 3, bad: 1 }),
  operationCounts: () => ({ pinsDone: 7, queueFull: 1 }),
  lostBlocks: () => 0,
  crdt: () => ({ heads: 3, height: 99, dirty: false, behind: true, damaged: false }),
  workers: () => [{ name: 'repin', runs: 4, errors: 2, consecutiveErrors: 1, lastError: 'x', lastRunAt: 0 }],
  bandwidth: () => new Map([['/x/1', { totalIn: 10, totalOut: 20, rateIn: 0, rateOut: 0 }]]),
  members: () => 3,
  pinsets: () => ({ in_sync: 1, out_of_sync: 1 }),
  connectedPeers: () => { throw new ClusterError('NOT_READY') },
  gossip: () => ({ silent: ['deaf'], reopened: 4 }),
  alerts: () => 0,
  diskWeight: () => 9_999_953_967n,
  service: () => service
}
let service: ReturnType<NonNullable<MetricSources['service']>>

describe('metrics for Prometheus', () => {
  let observer: Observer
  let server: HttpServer
  let url: string
  before(async () => {
    observer = prometheusObserver(
      { endpoint: '/ip4/127.0.0.1/tcp/0', version: '1.1.6+helia.9.9.9' }, { clock: systemClock, log: silentLogger }
    )
    server = observer.components(sources)[0] as HttpServer
    await server.start()
    url = `http://127.0.0.1:${server.addresses()[0]?.split('/').at(-1)}`
  })
  after(async () => { await server.stop() })

  /** Samples by name with labels; help and type lines aside. */
  const scrape = async (): Promise<Map<string, number>> => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return new Map(
      text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(
        line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]
      )
    )
  }

  it("has each of Go's own metrics, with Go's help and type", async () => {
    const recorded = readFileSync('test/vectors/config/prometheus-ipfscluster.txt', 'utf8').split('\n').filter(line => line.startsWith('#'))

    const told = (await (await fetch(`${url}/metrics`)).text()).split('\n')

    assert.equal(recorded.length, 24)
    assert.deepEqual(recorded.filter(line => !told.includes(line)), [])
  })

  it('asks the peer at each scrape; what can not be told yet has no sample', async () => {
    const samples = await scrape()

    const seen =
      ['ipfscluster_pins', 'ipfscluster_pins_ipfs_pins', 'helia_cluster_held_adds', 'ipfscluster_pins_pin_queued',
      'ipfscluster_informer_disk', 'helia_cluster_operations{state="unpin_queued"}',
      'helia_cluster_operations_total{outcome="pins_done"}', 'helia_cluster_crdt_behind', 'helia_cluster_crdt_heads',
      'helia_cluster_crdt_height', 'helia_cluster_worker_errors_total{worker="repin"}',
      'helia_cluster_network_bytes_total{protocol="/x/1",direction="out"}', 'helia_cluster_gossip_silent_peers',
      'helia_cluster_gossip_streams_reopened_total', 'helia_cluster_denylist_rules{list="x.deny"}',
      'helia_cluster_denied_total{list="x.deny"}', 'helia_cluster_denylist_broken{list="y.deny"}',
      'helia_cluster_pinset_peers{state="out_of_sync"}', 'helia_cluster_drain_pins_left{peer="x",state="draining"}',
      'helia_cluster_connected_peers'].map(name => samples.get(name))
    assert.deepEqual(seen, [100_000, 42, 6, 5, 9_999_953_967, 9, 7, 1, 3, 99, 2, 20, 1, 4, 10, 3, 1, 1, 8, undefined])
    assert.ok(samples.has('process_resident_memory_bytes') && samples.has('nodejs_eventloop_lag_p99_seconds'))
  })

  it("tells a service's figures once they are known", async () => {
    assert.equal((await scrape()).get('helia_cluster_service_used_bytes'), undefined)

    service = {
      users: { active: 3, suspended: 1 }, files: { pinned: 7 }, pins: {}, tasks: { FAILURE: 2 }, unappliedPins: 4, openUploads: 0,
      usedBytes: 1000, quotaBytes: 5000, nearlyFullUsers: 1
    }
    const samples = await scrape()

    const seen = [
      'users{state="suspended"}', 'files{state="pinned"}', 'tasks{state="FAILURE"}', 'unapplied_pins', 'open_uploads', 'used_bytes',
      'quota_bytes', 'nearly_full_users'
    ].map(name => samples.get(`helia_cluster_service_${name}`))
    assert.deepEqual(seen, [1, 7, 2, 4, 0, 1000, 5000, 1])
  })

  it('counts the same after any number of scrapes', async () => {
    await scrape()

    const samples = await scrape()

    assert.equal(samples.get('helia_cluster_worker_runs_total{worker="repin"}'), 4)
  })

  it('measures the IPFS node without changing what it does', async () => {
    class Node {
      #blocks = 0
      async pin (_: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
        if (signal != null) throw signal.reason
        throw new ClusterError('TIMEOUT')
      }
      async putBlocks (blocks: AsyncIterable<Block[]>): Promise<void> { for await (const batch of blocks) this.#blocks += batch.length }
      pinCount (): number { return this.#blocks }
    }
    const node = observer.ipfs(new Node() as unknown as IpfsConnector)
    const batch = [{ bytes: new Uint8Array(10) }, { bytes: new Uint8Array(5) }] as Block[]

    await node.putBlocks((async function * () { yield batch })())
    await assert.rejects(node.pin({} as never), { code: 'TIMEOUT' })
    await assert.rejects(node.pin({} as never, { signal: AbortSignal.abort(new Error('not wanted any more')) }), /not wanted/)
    const samples = await scrape()

    assert.equal(node.pinCount(), 2)
    const seen =
      ['ipfscluster_blocks_put', 'ipfscluster_blocks_added', 'ipfscluster_blocks_added_size', 'ipfscluster_pins_pin_add',
      'ipfscluster_pins_pin_add_errors',
      'helia_cluster_ipfs_errors_total{call="pin",code="TIMEOUT"}',
      'helia_cluster_pin_duration_seconds_count{result="failed"}'].map(name => samples.get(name))
    assert.deepEqual(seen, [1, 2, 15, 2, 1, 1, 1])
  })

  it('counts requests by API, method and status', async () => {
    const app = createServer(observer.requests('restapi')((_, response) => { response.writeHead(418).end() }))
    await new Promise<void>(resolve => app.listen(0, '127.0.0.1', resolve))
    await fetch(`http://127.0.0.1:${(app.address() as { port: number }).port}/x`)
    app.close()

    await pollUntil(async () => (await scrape()).get('helia_cluster_http_requests_total{api="restapi",method="GET",status="418"}') === 1)
  })

  it('knows two pages only', async () => {
    const vars: any = await (await fetch(`${url}/debug/vars`)).json()
    const statuses = await Promise.all(
      [
        fetch(`${url}/`), fetch(`${url}/metrics`, { method: 'POST' }), fetch(`${url}/metrics?x`, { method: 'HEAD' })
      ].map(async one => (await one).status)
    )

    assert.equal(vars.workers[0].lastError, 'x')
    assert.deepEqual(statuses, [404, 405, 200])
  })
})
