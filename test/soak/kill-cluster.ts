import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../support/free-ports.ts'
import { bundledProgram, peerProcess } from '../support/peer-process.ts'
import type { PeerProcess, PeerProcessInit } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

export interface KilledPeer extends PeerProcess {
  id: string
  /** Roots of the IPFS node, by the metric. */
  roots: () => Promise<number>
}

/** Peers that know each other. */
export interface KilledCluster {
  peers: KilledPeer[]
  after: (ms: number) => Promise<unknown>
  /** Starts those that don't run; resolves when all are members everywhere. `started`: one of them answers. */
  start: (started?: (at: number) => void) => Promise<void>
  stop: () => Promise<void>
  remove: () => Promise<void>
}

const second = '1s'

export async function killedCluster (count: number): Promise<KilledCluster> {
  const ports = await freePorts(2 * count)
  const peers = await Promise.all(
    ports.slice(0, count).map(async (swarm, at) => killedPeer({ swarm, metrics: ports[count + at] ?? 0, daemon: bundledProgram }))
  )
  const addresses = peers.map(({ id }, at) => `/ip4/127.0.0.1/tcp/${ports[at]}/p2p/${id}`)
  await Promise.all(peers.map(async ({ edit }, at) => edit(json => { json.cluster.peer_addresses = addresses.toSpliced(at, 1) })))
  const running = new Set<KilledPeer>()
  return {
    peers,
    after: async ms => sleep(ms),
    start: async (started = () => {}) => {
      await Promise.all(peers.map(async (peer, at) => {
        if (running.has(peer) && await isUp(peer)) return
        await peer.start()
        running.add(peer)
        started(at)
      }))
      await pollUntil(
        async () => (await Promise.all(peers.map(async peer => membersOf(peer)))).every(members => members === count),
        { withinMs: 60_000, what: 'the membership of all' }
      )
    },
    stop: async () => { await Promise.all(peers.map(async peer => peer.end('SIGKILL'))) },
    remove: async () => { await Promise.all(peers.map(async peer => peer.remove())) }
  }
}

/** Ports of the cluster's swarm and of metrics, and what `peerProcess` takes. */
export interface KilledPeerInit extends PeerProcessInit { swarm: number, metrics: number }

/** A peer with short intervals. It doesn't run yet. */
export async function killedPeer ({ swarm, metrics, ...program }: KilledPeerInit): Promise<KilledPeer> {
  let id = ''
  const peer = await peerProcess(json => {
    json.cluster.secret = 'ab'.repeat(32)
    json.cluster.listen_multiaddress = [`/ip4/127.0.0.1/tcp/${swarm}`]
    json.cluster.monitor_ping_interval = second
    json.cluster.pin_recover_interval = '5s'
    json.cluster.disable_repinning = true
    json.consensus.crdt.rebroadcast_interval = second
    json.ipfs_connector.helia.connect_swarms_delay = '3s'
    json.informer = { ...json.informer, disk: { ...json.informer?.disk, metric_ttl: '2s' } }
    json.observations = { ...json.observations, metrics: { enable_stats: true, prometheus_endpoint: `/ip4/127.0.0.1/tcp/${metrics}` } }
  }, program)
  id = await idOf(peer.folder)
  const roots = async (): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    return Number(/^ipfscluster_pins_ipfs_pins (\d+)$/m.exec(text)?.[1] ?? -1)
  }
  return { ...peer, id, roots }
}

async function idOf (folder: string): Promise<string> {
  const { default: { id } } = await import(`${folder}/identity.json`, { with: { type: 'json' } }) as { default: { id: string } }
  return id
}

const isUp = async ({ url }: PeerProcess): Promise<boolean> => fetch(`${url}/health`).then(({ status }) => status === 204, () => false)

/** How many members a peer knows by this metric; default: their free space, without which nobody is allocated. */
export async function membersOf ({ url }: PeerProcess, metric = 'freespace'): Promise<number> {
  const metrics = await (await fetch(`${url}/monitor/metrics/${metric}`)).json().catch(() => []) as unknown[] | null
  return metrics?.length ?? 0
}
