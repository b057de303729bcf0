/**
 * `npm run bench -- --gateway-cold`: what one other peer holds, read through the gateway for the first time. Ours from ours and from Kubo,
 * beside Kubo from Kubo; loopback only.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { availableParallelism, loadavg } from 'node:os'
import { mixedCluster, type Kind } from '../interop/mixed-cluster.ts'
import { kuboProgram, startKubo } from '../support/kubo.ts'
import { bundledProgram, jsonLines, uploadForm } from '../support/peer-process.ts'
import { onPath } from './peers.ts'

/** Two nodes that are connected: what is put into the one is read at the gateway of the other. */
interface Pair {
  /** Resolves to the CID. */
  put (bytes: Uint8Array): Promise<string>
  /** URL of the other's gateway. */
  gateway: string
  /** All processes of both. */
  pids: readonly number[]
  close (): Promise<void>
}

type Column = 'node from node' | 'node from kubo' | 'kubo from kubo'

export interface GatewayColdInit { scale: number, rounds: number }

/** Two peers of a cluster. Pins go to the first one only, and the gateway of the second one is asked. */
async function clusterPair (holder: Kind): Promise<Pair> {
  const cluster = await mixedCluster([holder, 'node'], undefined, bundledProgram)
  try {
    for (const index of [0, 1]) await cluster.start(index)
    await cluster.settled()
  } catch (err) {
    await cluster.remove()
    throw err
  }
  const { url } = cluster.at(0)
  return {
    gateway: cluster.at(1).gateway,
    pids: cluster.peers.flatMap(peer => 'pids' in peer ? (peer as { pids: () => number[] }).pids() : [peer.pid()]),
    put: async bytes => {
      const query =
        `cid-version=1&raw-leaves=true&chunker=size-262144&replication-min=1&replication-max=1&user-allocations=${cluster.id(0)}`
      const response = await fetch(`${url}/add?${query}`, { method: 'POST', body: uploadForm([{ name: 'file', bytes }]) })
      return (await jsonLines(response)).at(-1).cid
    },
    close: async () => cluster.remove()
  }
}

async function kuboPair (program: string): Promise<Pair> {
  const [holder, reader] = [await startKubo(program), await startKubo(program, [['Addresses.Gateway', '"/ip4/127.0.0.1/tcp/0"']])]
  const { Addresses: addresses } = await (await holder.call('id')).json() as { Addresses: string[] }
  await reader.cli('swarm', 'connect', addresses.find(address => address.startsWith('/ip4/127.0.0.1/tcp/')) ?? '')
  return {
    gateway: await reader.gateway(),
    pids: [holder.pid, reader.pid],
    put: async bytes => {
      const response = await fetch(
        `${holder.url}/api/v0/add?cid-version=1&raw-leaves=true&chunker=size-262144`,
        { method: 'POST', body: uploadForm([{ name: 'file', bytes }]) }
      )
      return (await jsonLines(response)).at(-1).Hash
    },
    close: async () => { await Promise.all([holder.close(), reader.close()]) }
  }
}

interface Read { bytes: number, firstByteMs: number, wholeMs: number }

/** One GET, with a client that costs little. Throws when the answer isn't whole. */
export async function read (url: string, range?: string): Promise<Read> {
  const from = performance.now()
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, timeout: 120_000, headers: range == null ? {} : { range } }, response => {
      let bytes = 0
      let firstByteMs = NaN
      response.on('data', (piece: Uint8Array) => {
        if (bytes === 0) firstByteMs = performance.now() - from
        bytes += piece.length
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200 || response.statusCode === 206) resolve({ bytes, firstByteMs, wholeMs: performance.now() - from })
        else reject(new Error(`the gateway answers ${response.statusCode}`))
      })
    })
    asked.once('timeout', () => asked.destroy(new Error('the answer stands still')))
    asked.once('error', reject)
    asked.end()
  })
}

/** Processor time that the processes have used. Seconds. */
async function cpuSeconds (pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map(async pid => (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ')))
  return stats.reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0) / 100
}

interface Figures { mbPerS: number, cpuSeconds: number, firstByteMs: number, rangeMs: number }

async function round (pair: Pair, sizeBytes: number): Promise<Figures> {
  const cid = await pair.put(randomBytes(sizeBytes))
  const before = await cpuSeconds(pair.pids)
  const whole = await read(`${pair.gateway}/ipfs/${cid}`)
  const used = await cpuSeconds(pair.pids) - before
  if (whole.bytes !== sizeBytes) throw new Error(`${whole.bytes} of ${sizeBytes} bytes came`)
  const other = await pair.put(randomBytes(sizeBytes))
  const from = Math.floor(sizeBytes / 2) + 1000
  const part = await read(`${pair.gateway}/ipfs/${other}`, `bytes=${from}-${from + 2 ** 20 - 1}`)
  return { mbPerS: sizeBytes / 1e6 / whole.wholeMs * 1000, cpuSeconds: used, firstByteMs: whole.firstByteMs, rangeMs: part.wholeMs }
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN

/** Prints one table; ratios are to Kubo's of the same run. Without Go on PATH: our peers alone. */
export async function benchGatewayCold ({ scale, rounds }: GatewayColdInit): Promise<void> {
  const load = loadavg()[0] ?? 0
  const makers: Array<[Column, () => Promise<Pair>]> = [['node from node', async () => clusterPair('node')]]
  if (['ipfs-cluster-service', 'ipfs'].every(onPath)) makers.push(['node from kubo', async () => clusterPair('go')])
  if (kuboProgram != null) makers.push(['kubo from kubo', async () => kuboPair(kuboProgram as string)])
  const pairs = new Map<Column, Pair>()
  const figures = new Map<Column, Figures[]>(makers.map(([column]) => [column, []]))
  try {
    for (const [column, make] of makers) pairs.set(column, await make())
    for (let at = 0; at < rounds; at++) {
      for (const [column, pair] of pairs) figures.get(column)?.push(await round(pair, Math.ceil(100e6 * scale)))
    }
  } finally {
    await Promise.all([...pairs.values()].map(async pair => pair.close()))
  }
  const line = (name: string, unit: string, goal: string, of: (one: Figures) => number): string => {
    const by = (column: Column): number => median((figures.get(column) ?? []).map(of))
    const kubo = by('kubo from kubo')
    const cells = (['node from node', 'node from kubo'] as const).map(column => by(column))
    return `| ${[name, unit, ...[...cells, kubo].map(figure), ...cells.map(value => figure(value / kubo)), goal].join(' | ')} |`
  }
  console.log([
    '\n| held by one other peer, cold | unit | node from node | node from kubo | kubo from kubo | node / kubo | mixed / kubo | goal |',
    '|---|---|---|---|---|---|---|---|',
    line('100 MB file', 'MB/s', '>= 0.7', one => one.mbPerS),
    line('processor time of both for it', 's', '', one => one.cpuSeconds),
    line('first byte of it', 'ms', '', one => one.firstByteMs),
    line('1 MiB range of 100 MB', 'ms', '', one => one.rangeMs)
  ].join('\n'))
  console.log(
    `\nmachine: ${availableParallelism()} cores, load average ${load.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after, our own load included`
  )
}

const figure = (value: number): string => Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : 0) : '-'
