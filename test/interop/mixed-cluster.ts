import { execFile } from 'node:child_process'
import { isDeepStrictEqual, promisify } from 'node:util'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import { goPeer } from './go-peer.ts'

export type Kind = 'go' | 'node'

/** What Go's ctl says about the cluster at one peer, without what may differ between peers (times, order, rates). */
export interface View { pins: unknown, status: unknown, peers: unknown, graph: unknown }

export interface MixedCluster {
  peers: PeerProcess[]
  at (index: number): PeerProcess
  /** Starts a peer and tells it the addresses of all that have run. */
  start (index: number): Promise<void>
  id (index: number): string
  /** Waits until all that were started see each other and know each other's free space, so that pins can be allocated to any. */
  settled (): Promise<void>
  /**
   * The views of these peers (default: all), once they agree and `holds` for them. Rejects with the difference when they don't within a
   * minute.
   */
  agreement (options?: { among?: number[], holds?: (view: any) => boolean, withinMs?: number }): Promise<any>
  remove (): Promise<void>
}

const json = async (url: string): Promise<any> => (await fetch(url, { signal: AbortSignal.timeout(30_000) })).json()

/** Output of Go's ctl at a peer. Its lists are JSON values one after the other. */
async function ctl ({ url }: PeerProcess, ...args: string[]): Promise<any[]> {
  const host = `/ip4/127.0.0.1/tcp/${new URL(url).port}`
  const { stdout } = await promisify(execFile)(
    'ipfs-cluster-ctl', ['--host', host, '--enc=json', ...args], { maxBuffer: 2 ** 28, timeout: 60_000 }
  )
  return stdout.split(/\n(?=\{)|(?<=\})(?=\{)/).filter(text => text.trim() !== '').map(text => JSON.parse(text))
}

const by = (key: string) => (a: any, b: any): number => a[key] < b[key] ? -1 : 1
const sortedMap = (map: Record<string, string[]> | null): unknown =>
  Object.entries(map ?? {}).map(([key, list]) => [key, (list ?? []).toSorted()] as const).toSorted(([a], [b]) => a < b ? -1 : 1)

const statusOf = ({ cid, name, allocations, created, metadata, peer_map: peers }: any): unknown => ({
  cid, name, created, metadata, allocations: allocations?.toSorted(),
  peers: Object.entries(peers).map(
    ([id, info]: [string, any]) => [id, info.peername, info.ipfs_peer_id, info.status, info.error]
  ).toSorted()
})
const peerOf = ({ id, peername, version, addresses, error, ipfs, rpc_protocol_version: rpc, cluster_peers: others }: any): unknown =>
  ({ id, peername, addresses: addresses?.toSorted(), error, version, rpc, ipfs: ipfs?.id, others: others?.toSorted() })

async function viewOf (peer: PeerProcess): Promise<View> {
  // the ctl draws the graph, whatever the encoding: what it draws is asked for
  const [pins, status, peers, graph] = await Promise.all(
    [ctl(peer, 'pin', 'ls'), ctl(peer, 'status'), ctl(peer, 'peers', 'ls'), json(`${peer.url}/health/graph`)]
  )
  return {
    pins: pins.map(pin => ({ ...pin, allocations: pin.allocations?.toSorted() })).toSorted(by('cid')),
    status: status.toSorted(by('cid')).map(statusOf),
    peers: peers.toSorted(by('id')).map(peerOf),
    graph: {
      cluster: sortedMap(graph.cluster_links), toIpfs: Object.entries(graph.cluster_to_ipfs).toSorted(),
      names: Object.entries(graph.id_to_peername).toSorted()
    }
  }
}

/** The first difference of two views, for people. */
function difference (a: any, b: any, path = ''): string {
  if (isDeepStrictEqual(a, b)) return ''
  if (a == null || b == null || typeof a !== 'object' || typeof b !== 'object') {
    return `${path}: ${JSON.stringify(a)} / ${JSON.stringify(b)}`
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!isDeepStrictEqual(a[key], b[key])) return difference(a[key], b[key], `${path}.${key}`)
  }
  return `${path}: other kinds of values`
}

/**
 * Initializes the peers of a cluster on loopback, each with its IPFS node; none runs yet. `configure` has the last word on each
 * service.json; `program` is what Node peers run, if not the sources.
 */
export async function mixedCluster (
  kinds: readonly Kind[], configure: (json: any, index: number) => void = () => {}, program?: string
): Promise<MixedCluster> {
  const change = (index: number) => (json: any): void => {
    Object.assign(json.cluster, {
      secret: 'ab'.repeat(32), peername: `${kinds[index]}-${index}`, mdns_interval: '0s', monitor_ping_interval: '2s',
      dial_peer_timeout: '3s', pin_recover_interval: '20s', state_sync_interval: '2s'
    })
    Object.assign(json.consensus.crdt, { trusted_peers: ['*'], rebroadcast_interval: '2s' })
    for (const informer of Object.values<any>(json.informer)) if (informer.metric_ttl != null) informer.metric_ttl = '5s'
    configure(json, index)
  }
  const peers = await Promise.all(
    kinds.map(
      async (kind, index) =>
        kind === 'go' ? await goPeer(change(index)) : await peerProcess(change(index), program == null ? {} : { daemon: program })
    )
  )
  const identities = new Map<number, { id: string, address: string }>()
  const at = (index: number): PeerProcess => peers[index] as PeerProcess

  const start = async (index: number): Promise<void> => {
    const others = [...identities].filter(([other]) => other !== index).map(([, { address }]) => address)
    await at(index).start(others.length === 0 ? [] : ['--bootstrap', others.join(',')])
    await pollUntil(async () => (await json(`${at(index).url}/id`)).addresses?.length > 0, { what: 'an address' })
    const { id, addresses } = await json(`${at(index).url}/id`)
    identities.set(index, { id, address: addresses.find((address: string) => address.startsWith('/ip4/127.0.0.1/')) })
  }

  const agreement: MixedCluster['agreement'] = async (
    { among = kinds.map((_, index) => index), holds = () => true, withinMs = 60_000 } = {}
  ) => {
    let last = ''
    let views: View[] = []
    await pollUntil(async () => {
      try {
        views = await Promise.all(among.map(async index => viewOf(at(index))))
        last = views.map((view, index) => difference(views[0], view, `peer ${among[index]}`)).find(text => text !== '') ?? ''
        if (last === '' && !holds(views[0])) last = `agreed, but not on what was expected: ${JSON.stringify(views[0]).slice(0, 4000)}`
      } catch (err) { last = String(err).slice(0, 2000) }
      return last === ''
    }, { everyMs: 500, withinMs, what: 'agreement' }).catch(() => { throw new Error(`no agreement within ${withinMs} ms: ${last}`) })
    return views[0]
  }

  const settled = async (): Promise<void> => pollUntil(async () => {
    const counts = await Promise.all(
      [...identities.keys()].map(async index => ((await json(`${at(index).url}/monitor/metrics/freespace`)) as unknown[]).length)
    )
    return counts.every(count => count === identities.size)
  }, { everyMs: 100, withinMs: 30_000, what: 'the free space of all at all' })

  return {
    peers, at, start, settled, agreement, id: index => identities.get(index)?.id ?? '',
    remove: async () => { await Promise.all(peers.map(async peer => peer.remove())) }
  }
}
