/**
 * `npm run bench [-- --scale S] [-- --pins 100k] [-- --workload a,b]`: the same load on our built bundle and, when ipfs-cluster-service and
 * ipfs are on PATH, on Go's pair beside it, alternating; a ratio is told for each pair of rounds, and what other programs took of the
 * machine meanwhile. All of it is done with `--starts` starts of the programs, each on a new folder and the other way round than the one
 * before, since one process of a build may be a fifth slower than the next one; a figure is the median of its starts. `--before DIR`:
 * beside another built checkout instead of Go's pair. `--profile ROW`: a CPU profile of that workload's main thread, as a file that
 * browsers and editors show as a flame graph. `--cluster`: clusters of three instead (`cluster.ts`);
 * `--gateway`: the gateway and Kubo's (`gateway.ts`); `--gateway-cold`: what another peer holds, by the gateway (`gateway-cold.ts`);
 * `--service-sql`: the service's databases (`service-sql.ts`); `--service-pins`: lists of the service's pins (`service-pins.ts`);
 * `--service-upload`: the service's upload beside the raw one (`service-upload.ts`); `--million`: one peer with a large pinset
 * (`million.ts`). Prints one table; ratios come from one run only.
 * Loopback only.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programOptions } from '../support/program-options.ts'
import { goPeer, nodePeer, onPath, residentMiB, type BenchPeer } from './peers.ts'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../..')
const values =
  programOptions('npm run bench -- [--scale S] [--starts N] [--rounds N] [--workload a,b] [--pins 100k] [--port N] [--before DIR] [--profile ROW] [--cluster] [--gateway] [--gateway-cold] [--service-sql [--rows 100k] [--only sqlite|postgres]] [--service-pins [--rows 100k]] [--service-upload] [--million [--pins 100k,1m]]',
  {
  scale: { type: 'string', default: '1' },
  starts: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '' },
  workload: { type: 'string', default: 'single' },
  pins: { type: 'string', default: '' },
  port: { type: 'string', default: '24000' },
  before: { type: 'string', default: '' },
  profile: { type: 'string', default: '' },
  cluster: { type: 'boolean', default: false },
  gateway: { type: 'boolean', default: false },
  'gateway-cold': { type: 'boolean', default: false },
  'service-sql': { type: 'boolean', default: false },
  'service-pins': { type: 'boolean', default: false },
  'service-upload': { type: 'boolean', default: false },
  million: { type: 'boolean', default: false },
  rows: { type: 'string', default: '100k' },
  only: { type: 'string', default: '' }
})

/**
 * `pairs`: node / other of each pair of rounds; `starts`: that of each start; `busy`: cores that other programs took meanwhile; `cpu`: CPU
 * seconds for the unit of work that is named.
 */
interface Row {
  name: string, unit: string, node: number, other: number | undefined, better: 'more' | 'less', pairs?: number[] | undefined,
  starts?: number[] | undefined, busy?: number | undefined, cpu?: Row | undefined
}

/** Who stands beside our peer. */
const other = values.before === '' ? 'go' : 'before'

async function run (command: string, args: string[], goesOnAfter: number[] = []): Promise<void> {
  const child = spawn(command, args, { stdio: 'inherit' })
  const status = await new Promise<number | null>(resolve => child.once('exit', resolve))
  if (status === 0) return
  if (status == null || !goesOnAfter.includes(status)) throw new Error(`${command} ${args[0]} ended with ${status}`)
  process.exitCode = status
}

/** Rounds of each row: as asked for, or what the table takes by itself. */
const rounds = (byItself: number): number => values.rounds === '' ? byItself : Number(values.rounds)

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN

/** Start to /health, the median of several starts on the same folder, after one that had time to keep what makes the next ones quicker. */
async function startTimes (peers: BenchPeer[]): Promise<Map<string, number>> {
  const times = new Map<string, number[]>(peers.map(peer => [peer.name, []]))
  for (const peer of peers) await peer.start()
  await idle(5000)
  for (const peer of peers) await peer.stop()
  for (let round = 0; round < 5; round++) {
    for (const peer of peers) {
      times.get(peer.name)?.push((await peer.start()).startMs)
      await peer.stop()
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]))
}

const idle = async (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

function row (name: string, unit: string, better: Row['better'], figures: ReadonlyMap<string, number>): Row {
  return { name, unit, better, node: figures.get('node') ?? NaN, other: figures.get(other) }
}

async function resident (peers: BenchPeer[]): Promise<Map<string, number>> {
  return new Map(await Promise.all(peers.map(async peer => [peer.name, await residentMiB(peer.pids())] as const)))
}

/** Rows that explain others. */
const isDetail = ({ name }: Row): boolean => /\.(p50|p99|rss-peak)\b/.test(name)

/** What the load tool ends with then, and whole figures of everything else. */
const ruleBroken = 1

/** Above this many cores, what others do shows in the figures. */
const busyCores = 0.1

function print (rows: readonly Row[]): void {
  const shown = rows.filter(row => Number.isFinite(row.node) || Number.isFinite(row.other))
  printTable('what', shown.filter(one => !isDetail(one)))
  printTable('in detail', shown.filter(isDetail))
  console.log(`\nmachine: ${availableParallelism()} cores, load average ${loadavg().map(load => load.toFixed(1)).join(' ')} (1, 5, 15 min)`)
  const disturbed = shown.filter(({ busy = 0 }) => busy > busyCores)
  if (disturbed.length > 0) {
    console.log(
      `WARNING: the machine was busy with other work, so these rows say little: ${disturbed.map(({ name, busy = 0 }) => `${name} (${busy.toFixed(1)} cores)`).join(', ')}`
    )
  }
}

function printTable (title: string, rows: readonly Row[]): void {
  if (rows.length === 0) return
  const cells = rows.map(({ name, unit, node, other: beside, better, pairs = [], starts = [], cpu }) => {
    const ratio = beside == null || beside === 0 ? '' : `${(node / beside).toFixed(2)} (${better} is better)`
    return [
      name, unit, figure(node), figure(beside), ratio, starts.map(one => one.toFixed(2)).join(' '), spread(pairs),
      cpu == null ? '' : `${figure(cpu.node)} / ${figure(cpu.other)} ${cpu.unit}`
    ]
  })
  console.log(
    [
      `\n| ${title} | unit | node | ${other} | node / ${other} | each start | each pair | CPU node / ${other} |`,
      '|---|---|---|---|---|---|---|---|',
      ...cells.map(line => `| ${line.join(' | ')} |`)
    ].join('\n')
  )
}

const spread = (ratios: number[]): string =>
  ratios.length < 2 ? '' : `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`

const figure = (value: number | undefined): string => value == null ? '-' : value.toFixed(value < 0.1 ? 3 : value < 10 ? 2 : 0)

type LoadFigure = { unit: string, pairs?: number[], busy?: number } & Record<string, unknown>

/**
 * Runs the load tool; its own rules (equal roots, nothing lost) are checked there, and a broken one fails the bench: that row is without
 * the figure of who broke it, and the others are measured all the same.
 */
async function load (peers: BenchPeer[], workload: string, folder: string): Promise<Row[]> {
  const out = join(folder, `load-${workload.replaceAll(',', '-')}.json`)
  const targets = peers.map(peer => `${peer.name}=${peer.url},${peer.pids().join('+')}`)
  await run(
    process.execPath,
    [
      join(here, 'rest-load.mjs'), ...targets, '--workload', workload, '--scale', values.scale, '--rounds', String(rounds(2)),
      '--drain', '1200', '--out', out
    ],
    [ruleBroken]
  )
  const { rows } = JSON.parse(await readFile(out, 'utf8')) as { rows: Record<string, LoadFigure> }
  const read = ([name, { unit, pairs, busy, ...by }]: [string, LoadFigure]): Row => {
    const figures = peers.flatMap(peer => typeof by[peer.name] === 'number' ? [[peer.name, by[peer.name] as number] as const] : [])
    return { ...row(name, unit, /^ms|MiB|CPU/.test(unit) ? 'less' : 'more', new Map(figures)), pairs: turned(pairs, peers), busy }
  }
  const all = Object.entries(rows).map(read)
  const cpuOf = new Map(all.filter(({ name }) => name.endsWith('.cpu')).map(cpu => [cpu.name.slice(0, -'.cpu'.length), cpu]))
  return all.filter(({ name }) => !name.endsWith('.cpu')).map(one => ({ ...one, cpu: cpuOf.get(one.name) }))
}

/** The load tool divides the first target's figure by the second's; here it is always ours by the other's. */
const turned = (pairs: number[] | undefined, peers: BenchPeer[]): number[] | undefined =>
  peers[0]?.name === 'node' ? pairs : pairs?.map(ratio => 1 / ratio)

/** One workload on our peer alone, its main thread profiled; the file lies in the working directory. */
async function profileRow (workload: string): Promise<void> {
  const { busiest, profiled } = await import('./row-profile.ts')
  const inspectorPort = Number(values.port) + 9
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
  const peer = await nodePeer(root, join(folder, 'node'), {
    port: Number(values.port), nodeOptions: [`--inspect=127.0.0.1:${inspectorPort}`]
  })
  try {
    await peer.start()
    await load([peer], workload, folder)
    const { result, profile } = await profiled(inspectorPort, async () => load([peer], workload, folder))
    await writeFile(`${workload}.cpuprofile`, profile)
    print(result)
    console.log(
      `\n${workload}.cpuprofile: a flame graph in Chromium's developer tools (Performance, "load profile"), Visual Studio Code or speedscope. Most time of their own took:\n  ${busiest(profile).join('\n  ')}`
    )
  } finally {
    await peer.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

if (values['service-sql']) {
  const { benchServiceSql } = await import('./service-sql.ts')
  await benchServiceSql({ rows: Number(values.rows.replace(/k$/, '000')), only: values.only })
  process.exit()
}
if (values['service-pins']) {
  const { benchServicePins } = await import('./service-pins.ts')
  await benchServicePins({ rows: Number(values.rows.replace(/k$/, '000')) })
  process.exit()
}
await run(process.execPath, [join(root, 'scripts/build.ts')])
if (values.cluster) {
  const { benchCluster } = await import('./cluster.ts')
  await benchCluster({ scale: Number(values.scale), rounds: rounds(3) })
  process.exit()
}
if (values.gateway) {
  const { benchGateway } = await import('./gateway.ts')
  await benchGateway({ root, port: Number(values.port), scale: Number(values.scale), rounds: rounds(3) })
  process.exit()
}
if (values['gateway-cold']) {
  const { benchGatewayCold } = await import('./gateway-cold.ts')
  await benchGatewayCold({ scale: Number(values.scale), rounds: rounds(3) })
  process.exit()
}
if (values['service-upload']) {
  const { benchServiceUpload } = await import('./service-upload.ts')
  await benchServiceUpload({ root, port: Number(values.port), scale: Number(values.scale), rounds: rounds(3) })
  process.exit()
}
if (values.million) {
  const { benchMillion } = await import('./million.ts')
  const sizes = (values.pins || '100k,1m').split(',').map(text => Number(text.replace(/k$/, '000').replace(/m$/, '000000')))
  await benchMillion({ root, port: Number(values.port), sizes })
  process.exit()
}
if (values.profile !== '') {
  await profileRow(values.profile)
  process.exit()
}

/** Our peer and who stands beside it, on folders of their own; every other time the second has the first one's place. */
async function contestants (folder: string, swapped: boolean): Promise<BenchPeer[]> {
  const port = Number(values.port)
  const peers = [await nodePeer(root, join(folder, 'node'), { port })]
  if (values.before !== '')
    peers.push({ ...await nodePeer(resolve(values.before), join(folder, 'before'), { port: port + 20 }), name: 'before' })
  else if (onPath('ipfs-cluster-service') && onPath('ipfs')) peers.push(await goPeer(join(folder, 'go'), port + 20))
  return swapped ? peers.toReversed() : peers
}

/** The load on newly started peers; the first of all starts measures what an idle peer is like, too, the last one the filled pinset. */
async function oneStart (number: number, starts: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
  const peers = await contestants(folder, number % 2 === 1)
  try {
    const rows: Row[] = number === 0 ? [row('start to /health', 'ms', 'less', await startTimes(peers))] : []
    for (const peer of peers) await peer.start()
    if (number === 0) {
      await idle(15_000)
      rows.push(row('memory idle', 'MiB', 'less', await resident(peers)))
    }
    rows.push(...await load(peers, values.workload, folder), row('memory after the load', 'MiB', 'less', await resident(peers)))
    if (values.pins !== '' && number === starts - 1) rows.push(...await filled(peers, folder))
    return rows
  } finally {
    for (const peer of peers) await peer.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Peers that hold `--pins` pins: filling, lists, and a restart. */
async function filled (peers: BenchPeer[], folder: string): Promise<Row[]> {
  const rows = (await load(peers, `pinset-${values.pins}`, folder)).map(one => ({
    ...one, name: one.name.startsWith('fill') ? one.name : `${one.name} at ${values.pins}`
  }))
  for (const peer of peers) await peer.stop()
  const restarts = new Map<string, number>()
  for (const peer of peers) restarts.set(peer.name, (await peer.start()).startMs)
  await idle(15_000)
  return [
    ...rows, row(`restart with ${values.pins} pins`, 'ms', 'less', restarts),
    row(`memory after the restart with ${values.pins} pins`, 'MiB', 'less', await resident(peers))
  ]
}

/** One row of the same row of several starts: medians, the pairs of all of them, and the ratio of each start. */
function joined (rows: readonly Row[]): Row {
  const first = rows[0] as Row
  const middle = (pick: (row: Row) => number | undefined): number => median(rows.flatMap(one => pick(one) ?? []))
  const cpus = rows.flatMap(({ cpu }) => cpu ?? [])
  return {
    ...first,
    node: middle(({ node }) => node),
    other: rows.every(one => one.other == null) ? undefined : middle(one => one.other),
    pairs: rows.flatMap(({ pairs = [] }) => pairs),
    starts: rows.flatMap(({ node, other: beside }) => beside == null ? [] : [node / beside]),
    busy: Math.max(...rows.map(({ busy = 0 }) => busy)),
    cpu: cpus.length === 0 ? undefined : joined(cpus)
  }
}

const starts = Number(values.starts)
if (!(starts >= 1)) throw new Error('--starts is a number from 1')
if (values.before === '' && !(onPath('ipfs-cluster-service') && onPath('ipfs')))
  console.log('Go is not on PATH (ipfs-cluster-service and ipfs): figures of our peer only')
const byName = new Map<string, Row[]>()
for (let number = 0; number < starts; number++) {
  console.log(`\nstart ${number + 1} of ${starts}`)
  for (const one of await oneStart(number, starts)) byName.set(one.name, [...byName.get(one.name) ?? [], one])
}
print([...byName.values()].map(joined))
