import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'

const program = fileURLToPath(new URL('reaped-peer.ts', import.meta.url))

/** What a peer is like at one moment. */
export interface Sample {
  rssMib: number, fds: number, lagP99Ms: number, pins: number, height: number, problems: string[], reopened: number, silent: number
}

export interface SoakPeer extends PeerProcess {
  sample (): Promise<Sample>
  /** Streams that were reset here so far. */
  reaped (): number
}

/** A peer whose gossip streams die, with its figures. Settings are the defaults but for addresses. */
export async function soakPeer ({ secret, metricsPort }: { secret: string, metricsPort: number }): Promise<SoakPeer> {
  const peer = await peerProcess(json => {
    json.cluster.secret = secret
    json.consensus.crdt.trusted_peers = ['*']
    json.observations = { ...json.observations, metrics: { enable_stats: true, prometheus_endpoint: `/ip4/127.0.0.1/tcp/${metricsPort}` } }
  }, { daemon: program })
  const statusOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  return {
    ...peer,
    reaped: () => peer.log().match(/^REAPED /gm)?.length ?? 0,
    sample: async () => {
      const [ready, text] = await Promise.all([
        fetch(`${peer.url}/health/ready`).then(async response => response.json()) as Promise<{
          pins: number, height: number, problems: string[] | null
        }>,
        fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(async response => response.text())
      ])
      const figure = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
      return {
        rssMib: statusOf(peer.pid()),
        fds: readdirSync(`/proc/${peer.pid()}/fd`).length,
        lagP99Ms: figure('nodejs_eventloop_lag_p99_seconds') * 1000,
        pins: ready.pins,
        height: ready.height,
        problems: ready.problems ?? [],
        reopened: figure('helia_cluster_gossip_streams_reopened_total'),
        silent: figure('helia_cluster_gossip_silent_peers')
      }
    }
  }
}
