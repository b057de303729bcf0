import { spawn, execFileSync, type ChildProcess } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pollUntil } from '../support/poll.ts'

/** A peer under load: our bundle, or Go's cluster with its Kubo. */
export interface BenchPeer {
  name: string
  url: string
  /** All processes of the peer. */
  pids (): number[]
  /** `args`: further ones of `daemon`; of our peer only. */
  start (args?: readonly string[]): Promise<{ startMs: number }>
  stop (): Promise<void>
}

const loopback = '/ip4/127.0.0.1/tcp/'

export const onPath = (program: string): boolean => {
  try { execFileSync('which', [program], { stdio: 'ignore' }); return true } catch { return false }
}

async function editJson (file: string, edit: (json: any) => void): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8'))
  edit(json)
  await writeFile(file, JSON.stringify(json, null, 2))
}

const healthy = (url: string) => async () => (await fetch(`${url}/health`).catch(() => undefined))?.status === 204

/** A peer of Go's that was up before its Kubo answers adds with 500 for some seconds. */
const takesAdds = (url: string) => async () => {
  const body = new FormData()
  body.set('file', new Blob(['ready']), 'ready')
  return (await fetch(`${url}/add?stream-channels=false`, { method: 'POST', body })).ok
}

async function launch (command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  child.stderr?.resume()
  return child
}

async function end (child: ChildProcess | undefined): Promise<void> {
  if (child == null || child.exitCode != null || child.signalCode != null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(late)
}

/** Our peer, from the built bundle. `port`: REST; the next ports are the proxy, the swarm and so on; `nodeOptions`: flags of Node. */
export async function nodePeer (
  root: string, folder: string, { port, nodeOptions = [] }: { port: number, nodeOptions?: string[] }
): Promise<BenchPeer> {
  const program = join(root, 'dist/helia-cluster-service.js')
  execFileSync(process.execPath, [program, '-c', folder, 'init', '--profile', 'test'], { stdio: 'ignore' })
  await editJson(join(folder, 'service.json'), json => {
    json.cluster.listen_multiaddress = [`${loopback}${port + 2}`]
    json.api = { restapi: { ...json.api.restapi, http_listen_multiaddress: `${loopback}${port}` } }
    json.ipfs_connector.helia.listen_multiaddress = [`${loopback}${port + 6}`]
    json.ipfs_connector.helia.gateway_multiaddress = `${loopback}${port + 5}`
  })
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  return {
    name: 'node',
    url,
    pids: () => child?.pid == null ? [] : [child.pid],
    start: async (args = []) => {
      const from = performance.now()
      child = await launch(process.execPath, [...nodeOptions, program, '-c', folder, 'daemon', ...args])
      await pollUntil(healthy(url), { everyMs: 2, withinMs: 60_000 })
      return { startMs: performance.now() - from }
    },
    stop: async () => end(child)
  }
}

/** Go's cluster peer with its own Kubo, both on loopback without routing. */
export async function goPeer (folder: string, port: number): Promise<BenchPeer> {
  const env = { IPFS_PATH: join(folder, 'ipfs') }
  const config = join(folder, 'cluster')
  await mkdir(folder, { recursive: true })
  const ipfs = (...args: string[]): void => { execFileSync('ipfs', args, { env: { ...process.env, ...env }, stdio: 'ignore' }) }
  ipfs('init', '--profile=test')
  ipfs('bootstrap', 'rm', '--all')
  ipfs('config', 'Addresses.API', `${loopback}${port + 4}`)
  ipfs('config', 'Addresses.Gateway', `${loopback}${port + 5}`)
  for (const [key, value] of [[
    'Addresses.Swarm', `["${loopback}${port + 6}"]`
  ], ['AutoConf.Enabled', 'false'], ['Routing', '{"Type":"none"}'],
    ['Discovery.MDNS.Enabled', 'false'], ['Swarm.RelayClient.Enabled', 'false'], ['DNS.Resolvers', '{}'],
    ['Ipns.DelegatedPublishers', '[]'],
    ['Routing.DelegatedRouters', '[]'], ['AutoTLS.Enabled', 'false'], ['HTTPRetrieval.Enabled', 'false']] as const) {
    try { ipfs('config', '--json', key, value) } catch { /* not every Kubo has every key */ }
  }
  execFileSync('ipfs-cluster-service', ['-c', config, 'init', '--consensus', 'crdt'], { stdio: 'ignore' })
  await editJson(join(config, 'service.json'), json => {
    json.cluster.listen_multiaddress = [`${loopback}${port + 2}`]
    json.cluster.mdns_interval = '0s'
    json.api = { restapi: { ...json.api.restapi, http_listen_multiaddress: `${loopback}${port}` } }
    json.ipfs_connector.ipfshttp.node_multiaddress = `${loopback}${port + 4}`
  })
  const url = `http://127.0.0.1:${port}`
  let kubo: ChildProcess | undefined
  let cluster: ChildProcess | undefined
  return {
    name: 'go',
    url,
    pids: () => [kubo?.pid, cluster?.pid].filter(pid => pid != null),
    start: async () => {
      const from = performance.now()
      kubo = await launch('ipfs', ['daemon'], env)
      cluster = await launch('ipfs-cluster-service', ['-c', config, 'daemon'])
      await pollUntil(healthy(url), { everyMs: 2, withinMs: 60_000 })
      await pollUntil(
        async () => (await fetch(`http://127.0.0.1:${port + 4}/api/v0/id`, { method: 'POST' }).catch(() => undefined))?.ok === true,
        { everyMs: 2, withinMs: 60_000 }
      )
      const startMs = performance.now() - from
      await pollUntil(takesAdds(url), { everyMs: 100, withinMs: 60_000 })
      return { startMs }
    },
    stop: async () => { await end(cluster); await end(kubo) }
  }
}

/** Resident memory of all processes, MiB. */
export async function residentMiB (pids: readonly number[]): Promise<number> {
  let kib = 0
  for (const pid of pids) kib += Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  return kib / 1024
}
