import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../support/free-ports.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const loopback = '/ip4/127.0.0.1/tcp/'
const run = promisify(execFile)

/** Why tests with these programs can't run, or false when all are on PATH: what `describe` takes as `skip`. */
export function missing (...programs: string[]): string | false {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const absent = programs.filter(program => !folders.some(folder => existsSync(join(folder, program))))
  return absent.length === 0 ? false : `${absent.join(', ')} not on PATH`
}

/** Kubo settings that keep it on loopback: it neither listens nor asks beyond. */
function aloneOnLoopback (json: any, { api, gateway, swarm }: { api: number, gateway: number, swarm: number }): void {
  Object.assign(json.Addresses, { API: `${loopback}${api}`, Gateway: `${loopback}${gateway}`, Swarm: [`${loopback}${swarm}`] })
  json.Bootstrap = []
  json.AutoConf = { Enabled: false }
  json.AutoTLS = { Enabled: false }
  json.HTTPRetrieval = { Enabled: false }
  json.Routing = { Type: 'none', DelegatedRouters: [] }
  json.Ipns.DelegatedPublishers = []
  json.DNS.Resolvers = {}
  json.Discovery.MDNS.Enabled = false
  json.Swarm.RelayClient = { Enabled: false }
}

async function editJson (file: string, change: (json: any) => void): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8'))
  change(json)
  await writeFile(file, JSON.stringify(json, null, 2))
}

const running = (child: ChildProcess): boolean => child.exitCode == null && child.signalCode == null

async function endOf (child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<number | null> {
  if (child == null || !running(child)) return child?.exitCode ?? null
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
  const code = await ended
  clearTimeout(late)
  return code
}

export interface GoPeer extends PeerProcess {
  /** The cluster's and Kubo's. */
  pids (): number[]
}

/** Go's cluster peer with its own Kubo. `end` ends both; `pid` is the cluster's. */
export async function goPeer (change: (json: any) => void = () => {}): Promise<GoPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-go-'))
  const cluster = join(folder, 'cluster')
  const config = join(cluster, 'service.json')
  const env = { ...process.env, IPFS_PATH: join(folder, 'ipfs') }
  const [rest = 0, swarm = 0, api = 0, gateway = 0, ipfs = 0] = await freePorts(5)
  await run('ipfs', ['init', '--profile=test'], { env })
  await editJson(join(folder, 'ipfs/config'), json => aloneOnLoopback(json, { api, gateway, swarm: ipfs }))
  await run('ipfs-cluster-service', ['-c', cluster, 'init', '--consensus', 'crdt'], { env })
  const edit = async (change: (json: any) => void): Promise<void> => editJson(config, change)
  await edit(json => {
    Object.assign(json.cluster, { listen_multiaddress: [`${loopback}${swarm}`], mdns_interval: '0s' })
    json.api = { restapi: { ...json.api.restapi, http_listen_multiaddress: `${loopback}${rest}` } }
    json.ipfs_connector.ipfshttp.node_multiaddress = `${loopback}${api}`
    change(json)
  })
  let children: ChildProcess[] = []
  let log = ''
  const launch = (program: string, args: string[]): void => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    child.stdout.on('data', data => { log += data })
    child.stderr.on('data', data => { log += data })
    children.push(child)
  }
  const answers = async (what: string, url: string, init: RequestInit = {}): Promise<void> => pollUntil(async () => {
    if (!children.every(running)) throw new Error(`a program ended:\n${log.slice(-4000)}`)
    return (await fetch(url, init).catch(() => undefined))?.ok === true
  }, { withinMs: 60_000, what })
  const url = `http://127.0.0.1:${rest}`
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    const [kubo, service] = children
    const code = await endOf(service, signal)
    await endOf(kubo, signal)
    return code
  }
  return {
    folder,
    url,
    gateway: `http://127.0.0.1:${gateway}`,
    log: () => log,
    pid: () => children[1]?.pid ?? 0,
    pids: () => children.flatMap(({ pid }) => pid ?? []),
    edit,
    end,
    start: async (args = []) => {
      children = []
      launch('ipfs', ['daemon'])
      await answers('Kubo', `http://127.0.0.1:${api}/api/v0/id`, { method: 'POST' })
      launch('ipfs-cluster-service', ['-c', cluster, 'daemon', ...args])
      await answers('the Go peer', `${url}/health`)
    },
    remove: async () => {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  }
}
