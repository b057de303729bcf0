/**
 * `npm run bench -- --cluster`: clusters of three beside each other, fresh peers and fetches. Node peers run the bundle, as users do;
 * loopback only.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mixedCluster, type Kind, type MixedCluster } from '../interop/mixed-cluster.ts'
import { bundledProgram } from '../support/peer-process.ts'
import { fetched } from './cluster-fetch.ts'
import { joined, type Filling } from './cluster-fresh.ts'
import { onPath } from './peers.ts'

export interface ClusterBenchInit {
  scale: number
  rounds: number
  /** What each of the load tool's runs may take; a fresh peer has two minutes, a fetch one. */
  loadLimitMs?: number
}

/** One figure. Columns without a figure (too late, failed, no Go) are left out. */
interface ClusterRow { name: string, unit: string, better: 'more' | 'less', goal: string, node?: number, mixed?: number, go?: number }

type Column = 'node' | 'mixed' | 'go'

const loadTool = join(dirname(fileURLToPath(import.meta.url)), 'rest-load.mjs')
const goals: Record<string, string> = { visible: '<= 1', spread: '>= 2', 'add-replicated': '>= 1.5, mixed >= 0.3' }

/** What failed or took too long costs its own row only. */
async function attempt<T> (what: string, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (err) {
    console.log(`${what}: no figure, ${String(err).slice(0, 300)}`)
    return undefined
  }
}

/** All of a peer's processes. */
const pidsOf = (cluster: MixedCluster): number[] =>
  cluster.peers.flatMap(peer => 'pids' in peer ? (peer as { pids: () => number[] }).pids() : [peer.pid()])

async function startAll (kinds: readonly Kind[]): Promise<MixedCluster> {
  const cluster = await mixedCluster(kinds, undefined, bundledProgram)
  try {
    for (const index of kinds.keys()) await cluster.start(index)
    await cluster.settled()
    return cluster
  } catch (err) {
    await cluster.remove()
    throw err
  }
}

async function runLoad (args: string[], limitMs: number): Promise<void> {
  const child = spawn(process.execPath, [loadTool, ...args], { stdio: 'ignore' })
  const late = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const ended = await new Promise(resolve => child.once('exit', resolve))
  clearTimeout(late)
  if (ended == null) throw new Error(`took more than ${limitMs} ms`)
}

async function load (
  clusters: ReadonlyMap<Column, MixedCluster>, name: string, workloads: string,
  { scale, rounds, limitMs }: { scale: number, rounds: number, limitMs: number }
): Promise<ClusterRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
  const out = join(folder, 'out.json')
  try {
    const targets = [...clusters].map(
      ([column, cluster]) => `${column}=${cluster.peers.map(peer => peer.url).join('|')},${pidsOf(cluster).join('+')}`
    )
    await runLoad(
      [...targets, '--workload', workloads, '--scale', String(scale), '--rounds', String(rounds), '--drain', '60', '--out', out], limitMs
    )
    const { rows } = JSON.parse(await readFile(out, 'utf8')) as { rows: Record<string, Record<string, string | number | null>> }
    return Object.entries(rows).map(([row, { unit, ...by }]) => {
      const figures = Object.fromEntries(
        [...clusters.keys()].flatMap(column => typeof by[column] === 'number' ? [[column, by[column]]] : [])
      )
      return {
        name: `${row}${name}`, unit: String(unit), better: /^ms|MiB|CPU/.test(String(unit)) ? 'less' : 'more', goal: goals[row] ?? '',
        ...figures
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function underLoad (init: ClusterBenchInit, withGo: boolean): Promise<ClusterRow[]> {
  const kinds: Array<[Column, Kind[]]> = [['node', ['node', 'node', 'node']]]
  if (withGo) kinds.push(['mixed', ['go', 'node', 'go']], ['go', ['go', 'go', 'go']])
  const clusters = new Map<Column, MixedCluster>()
  try {
    for (const [column, mix] of kinds) {
      const cluster = await attempt(column, async () => startAll(mix))
      if (cluster != null) clusters.set(column, cluster)
    }
    const limitMs = init.loadLimitMs ?? 240_000
    const rows = await attempt('load', async () => load(clusters, '', 'visible,spread,add-replicated', { ...init, limitMs }))
    const large = await attempt('2,000 pins', async () => load(clusters, ' of 2,000', 'spread', { scale: 4, rounds: 1, limitMs }))
    return [...rows ?? [], ...large ?? []]
  } finally {
    await Promise.all([...clusters.values()].map(async cluster => cluster.remove()))
  }
}

async function freshPeers (withGo: boolean): Promise<ClusterRow[]> {
  const rows: ClusterRow[] = []
  for (const filling of ['batched', 'unbatched'] satisfies Filling[]) {
    const speed = async (source: Kind, fresh: Kind): Promise<number | undefined> =>
      attempt(`${fresh} from ${source}, ${filling}`, async () => joined({ source, fresh, filling }))
    const go = withGo ? await speed('go', 'go') : undefined
    const row = (name: string, goal: string, node: number | undefined): void => {
      rows.push({
        name: `fresh peer, ${filling}: ${name}`, unit: 'pins/s', better: 'more', goal, ...(node == null ? {} : { node }),
        ...(go == null ? {} : { go })
      })
    }
    row('from a Node peer', '>= 10', await speed('node', 'node'))
    if (withGo) row('from a Go peer', filling === 'batched' ? '>= 2' : '>= 0.5', await speed('go', 'node'))
  }
  return rows
}

async function fetches (): Promise<ClusterRow[]> {
  const [node, go] = [await attempt('fetch', async () => fetched('node')), await attempt('fetch', async () => fetched('go'))]
  const row = (
    name: string, unit: string, better: 'more' | 'less', goal: string, of: (one: { mbPerS: number, extraMiB: number }) => number
  ): ClusterRow =>
    ({ name, unit, better, goal, ...(node == null ? {} : { node: of(node) }), ...(go == null ? {} : { go: of(go) }) })
  return [
    row('100 MiB pinned from Kubo', 'MB/s', 'more', '>= 0.35', ({ mbPerS }) => mbPerS),
    row('the same, extra memory', 'MiB', 'less', '< 250 MiB', ({ extraMiB }) => extraMiB)
  ]
}

const figure = (value: number | undefined): string => value == null ? '-' : value.toFixed(value < 10 ? 2 : 0)
const ratio = (one: number | undefined, go: number | undefined): string =>
  one == null || go == null || go === 0 ? '' : (one / go).toFixed(2)

/** Runs all and prints one table with ratios to Go of the same run. Without Go on PATH: our peers alone. */
export async function benchCluster (init: ClusterBenchInit): Promise<void> {
  const withGo = ['ipfs-cluster-service', 'ipfs'].every(onPath)
  if (!withGo) console.log('Go is not on PATH (ipfs-cluster-service and ipfs): figures of our peers only')
  const from = loadavg()[0] ?? 0
  const rows = [...await underLoad(init, withGo), ...await freshPeers(withGo), ...withGo ? await fetches() : []]
  const lines = rows.map(({ name, unit, better, goal, node, mixed, go }) =>
    [name, unit, figure(node), figure(mixed), figure(go), ratio(node, go), ratio(mixed, go), better, goal])
  console.log(
    [
      '\n| what | unit | node | mixed | go | node / go | mixed / go | better | goal |', '|---|---|---|---|---|---|---|---|---|',
      ...lines.map(line => `| ${line.join(' | ')} |`)
    ].join('\n')
  )
  console.log(
    `\nmachine: ${availableParallelism()} cores, load average ${from.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after, our own load included`
  )
}
