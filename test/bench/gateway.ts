/**
 * `npm run bench -- --gateway`: our gateway and Kubo's on the same content, alternating; ratios come from one run only. Loopback only.
 * Needs `ipfs` and `wrk` on PATH: a client in C leaves the cores to the gateways.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { kuboProgram, startKubo } from '../support/kubo.ts'
import { jsonLines, uploadForm } from '../support/peer-process.ts'
import { read } from './gateway-cold.ts'
import { nodePeer, onPath, residentMiB } from './peers.ts'

export interface GatewayBenchInit { root: string, port: number, scale: number, rounds: number }

interface Target { name: 'node' | 'kubo', url: string, pids: readonly number[] }

interface Content { small: string, file: string, fileBytes: number, folder: string }

interface Measure {
  name: string
  unit: string
  /** Of the ratio to Kubo. */
  goal: string
  of (target: Target, content: Content): Promise<number>
}

const here = dirname(fileURLToPath(import.meta.url))
const folderEntries = 10_000
const readers = 200
const secondsEach = 3

const wrkUnits: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/** Requests and MB a second. Throws when an answer isn't 2xx or doesn't come. */
async function wrk (
  url: string, connections: number, { script, env = {} }: { script?: string, env?: NodeJS.ProcessEnv } = {}
): Promise<{ requests: number, mb: number }> {
  const args = [
    '-t', '1', '-c', String(connections), '-d', `${secondsEach}s`, '--timeout', '60s',
    ...(script == null ? [] : ['-s', join(here, script)]), url
  ]
  const { stdout } = await promisify(execFile)('wrk', args, { env: { ...process.env, ...env } })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk saw errors at ${url}:\n${stdout}`)
  const [, count, unit = ''] = /Transfer\/sec:\s+([\d.]+)([KMG]?)B/.exec(stdout) ?? []
  return { requests: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), mb: Number(count) * (wrkUnits[unit] ?? NaN) / 1e6 }
}

/** The most memory that is resident while many read the file as fast as they can. */
async function residentUnderReaders ({ url, pids }: Target, { file }: Content): Promise<number> {
  const going: IncomingMessage[] = []
  const refused: number[] = []
  const asked = Array.from({ length: readers }, () => get(`${url}/ipfs/${file}`, { agent: false }, response => {
    if (response.statusCode !== 200) refused.push(response.statusCode ?? 0)
    response.on('error', () => {})
    response.resume()
    going.push(response)
  }))
  for (const request of asked) request.on('error', () => refused.push(0))
  let peak = 0
  const everybodyBy = Date.now() + 60_000
  for (let at = 0; at < secondsEach * 10 || (going.length < readers && refused.length === 0 && Date.now() < everybodyBy); at++) {
    await new Promise(resolve => setTimeout(resolve, 100))
    peak = Math.max(peak, await residentMiB(pids))
  }
  const lost = [...refused]
  for (const request of asked) request.destroy()
  if (lost.length > 0 || going.length < readers) {
    throw new Error(`${going.length} of ${readers} readers were served, ${lost.length} were refused`)
  }
  return peak
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN

async function listing ({ url }: Target, { folder }: Content, of: 'firstByteMs' | 'wholeMs'): Promise<number> {
  const times: number[] = []
  for (let at = 0; at < 5; at++) times.push((await read(`${url}/ipfs/${folder}/`))[of])
  return median(times)
}

const at = ({ url }: Target, cid: string, query = ''): string => `${url}/ipfs/${cid}${query}`

const measures: readonly Measure[] = [
  {
    name: '4 KiB file, 32 connections', unit: 'requests/s', goal: '>= 1.5',
    of: async (target, { small }) => (await wrk(at(target, small), 32)).requests
  },
  { name: '100 MB file, 1 connection', unit: 'MB/s', goal: '>= 1.2', of: async (target, { file }) => (await wrk(at(target, file), 1)).mb },
  { name: '100 MB file, 4 connections', unit: 'MB/s', goal: '>= 1.2', of: async (target, { file }) => (await wrk(at(target, file), 4)).mb },
  {
    name: '1 MiB ranges at random, 4 connections',
    unit: 'ranges/s',
    goal: '>= 1.2',
    of: async (target, { file, fileBytes }) => (
      await wrk(at(target, file), 4, { script: 'gateway-ranges.lua', env: { GATEWAY_FILE_BYTES: String(fileBytes) } })
    ).requests
  },
  {
    name: 'CAR of the 100 MB file', unit: 'MB/s', goal: '>= 1.2',
    of: async (target, { file }) => (await wrk(at(target, file, '?format=car'), 1)).mb
  },
  {
    name: 'listing of 10,000 entries: first byte', unit: 'ms', goal: '<= 0.5',
    of: async (target, content) => listing(target, content, 'firstByteMs')
  },
  {
    name: 'listing of 10,000 entries: whole', unit: 'ms', goal: '<= 1', of: async (target, content) => listing(target, content, 'wholeMs')
  },
  { name: `most memory while ${readers} read 100 MB`, unit: 'MiB', goal: '<= 1', of: residentUnderReaders }
]

type Kubo = Awaited<ReturnType<typeof startKubo>>

/** Into Kubo first; what it made of that goes to our peer block by block, so that both serve the same DAG. */
async function put (kubo: Kubo, peerUrl: string, files: ReadonlyArray<{ name: string, bytes: Uint8Array }>, query = ''): Promise<string> {
  const added = await fetch(
    `${kubo.url}/api/v0/add?cid-version=1&raw-leaves=true&chunker=size-262144${query}`, { method: 'POST', body: uploadForm(files) }
  )
  const cid: string = (await jsonLines(added)).at(-1).Hash
  const car = new Uint8Array(await (await kubo.call(`dag/export?arg=${cid}`)).arrayBuffer())
  const response = await fetch(`${peerUrl}/add?format=car`, { method: 'POST', body: uploadForm([{ name: 'content.car', bytes: car }]) })
  const ours = (await jsonLines(response)).at(-1).cid
  if (ours !== cid) throw new Error(`the roots differ: ${ours}, ${cid} at Kubo`)
  return cid
}

async function contentOf (kubo: Kubo, peerUrl: string, fileBytes: number): Promise<Content> {
  const entries = Array.from(
    { length: folderEntries }, (_, index) => ({ name: `entry-${index}.txt`, bytes: Buffer.from(`entry ${index}\n`) })
  )
  return {
    fileBytes,
    small: await put(kubo, peerUrl, [{ name: 'small', bytes: randomBytes(4096) }]),
    file: await put(kubo, peerUrl, [{ name: 'file', bytes: randomBytes(fileBytes) }]),
    folder: await put(kubo, peerUrl, entries, '&wrap-with-directory=true')
  }
}

/** Prints one table. */
export async function benchGateway ({ root, port, scale, rounds }: GatewayBenchInit): Promise<void> {
  if (kuboProgram == null || !onPath('wrk')) throw new Error('`ipfs` and `wrk` have to be on PATH')
  const load = loadavg()[0] ?? 0
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
  const peer = await nodePeer(root, folder, { port })
  const kubo = await startKubo(kuboProgram, [['Addresses.Gateway', '"/ip4/127.0.0.1/tcp/0"']])
  const figures = new Map<string, number[]>()
  try {
    await peer.start()
    const content = await contentOf(kubo, peer.url, Math.max(2 ** 21, Math.ceil(100e6 * scale)))
    const targets: readonly Target[] = [
      { name: 'node', url: `http://127.0.0.1:${port + 5}`, pids: peer.pids() },
      { name: 'kubo', url: await kubo.gateway(), pids: [kubo.pid] }
    ]
    for (let round = 0; round < rounds; round++) {
      for (const measure of measures) {
        for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
          const key = `${measure.name} ${target.name}`
          figures.set(key, [...(figures.get(key) ?? []), await measure.of(target, content)])
        }
      }
    }
  } finally {
    await Promise.all([peer.stop(), kubo.close()])
    await rm(folder, { recursive: true, force: true })
  }
  print(figures)
  console.log(
    `\nmachine: ${availableParallelism()} cores, load average ${load.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after, our own load included`
  )
}

function print (figures: ReadonlyMap<string, number[]>): void {
  const lines = measures.map(({ name, unit, goal }) => {
    const [node, kubo] = (['node', 'kubo'] as const).map(one => median(figures.get(`${name} ${one}`) ?? [])) as [number, number]
    return `| ${name} | ${unit} | ${figure(node)} | ${figure(kubo)} | ${(node / kubo).toFixed(2)} | ${goal} |`
  })
  console.log(['\n| gateway, all of it here | unit | node | kubo | node / kubo | goal |', '|---|---|---|---|---|---|', ...lines].join('\n'))
}

const figure = (value: number): string => value.toFixed(value < 10 ? 2 : 0)
