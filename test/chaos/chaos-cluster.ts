import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openRelays } from '../interop/partition-relay.ts'
import type { Relays } from '../interop/partition-relay.ts'
import { damageOnce, dice } from '../rot/damage.ts'
import { killedPeer, membersOf } from '../soak/kill-cluster.ts'
import type { KilledPeer } from '../soak/kill-cluster.ts'
import { freePorts } from '../support/free-ports.ts'
import { pollUntil } from '../support/poll.ts'
import { noSmallDisk, smallDisk } from '../support/small-disk.ts'
import type { SmallDisk } from '../support/small-disk.ts'

const preload = fileURLToPath(new URL('shifted-clock.mjs', import.meta.url))
const filler = 'filler'
/** Of a peer that doesn't come. */
const shownLog = 4000
/** Room for the reserve, the pinset of some dozen rounds, and logs. */
const diskSize = '200m'

/** A peer to which anything may be done. */
export interface ChaosPeer extends KilledPeer {
  /** Takes every byte that its disk has left; `give` gives it back. */
  fill: () => void
  give: () => void
  /** Its clock is wrong by that much. */
  shift: (ms: number) => Promise<void>
  /** Damages one place of a file of its state; it must not run. Gives what was done. */
  damage: (seed: number) => Promise<string>
  /** Ends it, and copies its folder; gives where to. */
  keep: () => Promise<string>
  /** Ends it and whatever was made for it. */
  discard: () => Promise<void>
}

export interface ChaosCluster {
  peers: ChaosPeer[]
  relays: Relays
  /** Whether disks can be filled here. */
  hasSmallDisks: boolean
  /** Resolves when all are members everywhere, after whatever happened. */
  whole: () => Promise<void>
  remove: () => Promise<void>
}

/** Peers on disks of their own (where that can be had) that reach each other by relays only. None runs yet. */
export async function chaosCluster (count: number, { daemon }: { daemon: string }): Promise<ChaosCluster> {
  const hasSmallDisks = noSmallDisk() === false
  const peers: ChaosPeer[] = []
  const relays = await openRelays(count, at => peers[at]?.pid() ?? 0)
  const ports = await freePorts(2 * count)
  for (let at = 0; at < count; at++) {
    const swarm = ports[at] ?? 0
    relays.lead(at, swarm)
    peers.push(await chaosPeer({ swarm, metrics: ports[count + at] ?? 0, announced: relays.address(at), daemon, hasSmallDisks }))
  }
  const addresses = peers.map(({ id }, at) => `${relays.address(at)}/p2p/${id}`)
  await Promise.all(peers.map(async ({ edit }, at) => edit(json => { json.cluster.peer_addresses = addresses.toSpliced(at, 1) })))
  return {
    peers,
    relays,
    hasSmallDisks,
    whole: async () => pollUntil(
      async () => (await Promise.all(peers.map(async peer => membersOf(peer, 'ping').catch(() => 0)))).every(members => members === count),
      { withinMs: 120_000, what: 'the membership of all' }
    ),
    remove: async () => {
      await Promise.all(peers.map(async peer => peer.discard()))
      await relays.close()
    }
  }
}

interface ChaosPeerInit { swarm: number, metrics: number, announced: string, daemon: string, hasSmallDisks: boolean }

async function chaosPeer ({ swarm, metrics, announced, daemon, hasSmallDisks }: ChaosPeerInit): Promise<ChaosPeer> {
  const shiftFile = join(tmpdir(), `helia-cluster-chaos-shift-${process.pid}-${swarm}`)
  let disk: SmallDisk | undefined
  const by = (program: string, args: readonly string[], options: SpawnOptions): ChildProcess => {
    const env = { ...process.env, NODE_OPTIONS: `--import=${preload}`, CHAOS_SHIFT_FILE: shiftFile }
    return disk == null ? spawn(program, [...args], { ...options, env }) : disk.spawn(program, args, { ...options, env })
  }
  const peer = await killedPeer({ swarm, metrics, daemon, by })
  await peer.edit(json => {
    json.cluster.announce_multiaddress = [announced]
    json.cluster.state_sync_interval = '5s'
  })
  const path = (): string => disk?.path ?? peer.folder
  return {
    ...peer,
    start: async args => {
      // what was edited before the first start has to lie on the disk
      if (disk == null && hasSmallDisks) disk = await smallDisk(peer.folder, diskSize)
      await peer.start(args).catch(async (err: Error) => {
        const log = await readFile(join(path(), 'stderr.log'), 'utf8').catch(() => '')
        throw new Error(`${err.message}\n${log.slice(-shownLog)}`, { cause: err })
      })
    },
    fill: () => disk?.fill(filler),
    give: () => {
      try {
        disk?.remove(filler)
      } catch { /* it was never full */ }
    },
    shift: async ms => writeFile(shiftFile, String(ms)),
    damage: async seed => {
      const { file, kind, at } = await damageOnce(join(path(), 'state'), dice(seed))
      return `${kind} at ${at} of ${file}`
    },
    keep: async () => {
      await peer.end('SIGKILL')
      await writeFile(join(path(), 'output.log'), peer.log()).catch(() => {})
      await cp(path(), `${peer.folder}-kept`, { recursive: true, filter: file => !file.endsWith(filler) })
      return `${peer.folder}-kept`
    },
    discard: async () => {
      await peer.end('SIGKILL')
      disk?.close()
      await peer.remove()
      await rm(shiftFile, { force: true })
    }
  }
}
