import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import { memoryDatastore } from './memory-datastore.ts'
import { kuboConnector, type KuboConnector, type KuboDeps, type KuboInit } from '../../src/ipfs/kubo/connector.ts'
import { pollUntil } from './poll.ts'

/** Where the real Kubo is: `ipfs` on the path, or in $GO_BIN; null when there is none. */
export const kuboProgram: string | null = findKubo()

function findKubo (): string | null {
  const candidates = [...process.env['GO_BIN'] == null ? [] : [join(process.env['GO_BIN'], 'ipfs')], 'ipfs', '/tmp/go-bin/ipfs']
  for (const program of candidates) {
    try {
      execFileSync(program, ['version'], { stdio: 'ignore' })
      return program
    } catch {} // not there
  }
  return null
}

/** A Kubo that is alone, on 127.0.0.1 only. */
export interface RunningKubo {
  pid: number
  /** Multiaddress of the RPC API. */
  api: string
  url: string
  /** A call of the RPC API. */
  call (path: string): Promise<Response>
  /** No pins, no blocks, and this limit. */
  empty (storageMaxBytes: number): Promise<void>
  cli (...args: string[]): Promise<string>
  /** URL of its gateway, if the settings ask for one. */
  gateway (): Promise<string>
  close (): Promise<void>
}

const settings: Array<[key: string, json: string]> = [
  [
    'Addresses',
    '{"API":"/ip4/127.0.0.1/tcp/0","Gateway":[],"Swarm":["/ip4/127.0.0.1/tcp/0"],"Announce":[],"AppendAnnounce":[],"NoAnnounce":[]}'
  ],
  ['AutoConf.Enabled', 'false'],
  ['Routing', '{"Type":"none"}'],
  ['Discovery.MDNS.Enabled', 'false'],
  ['Swarm.RelayClient.Enabled', 'false'],
  ['DNS.Resolvers', '{}'],
  ['Ipns.DelegatedPublishers', '[]'],
  ['AutoTLS.Enabled', 'false'],
  ['HTTPRetrieval.Enabled', 'false'],
  ['Bootstrap', '[]']
]

/** `more`: settings in place of those above. */
export async function startKubo (program: string, more: typeof settings = []): Promise<RunningKubo> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-kubo-'))
  const env = { ...process.env, IPFS_PATH: folder }
  const cli = async (...args: string[]): Promise<string> => (await promisify(execFile)(program, args, { env })).stdout
  await cli('init', '--profile=test')
  for (const [key, json] of [...settings, ...more]) await cli('config', '--json', key, json)
  const daemon = spawn(program, ['daemon'], { env, stdio: 'ignore' })
  let api = ''
  await pollUntil(async () => {
    if (daemon.exitCode != null) throw new Error(`Kubo ended with ${daemon.exitCode}`)
    api = await readFile(join(folder, 'api'), 'utf8').catch(() => '')
    return api !== ''
  }, { withinMs: 30_000, what: 'Kubo' })
  const url = `http://127.0.0.1:${api.split('/').at(-1)}`
  const call = async (path: string): Promise<Response> => fetch(`${url}/api/v0/${path}`, { method: 'POST' })
  return {
    pid: daemon.pid ?? 0,
    api,
    url,
    cli,
    call,
    gateway: async () => (await readFile(join(folder, 'gateway'), 'utf8')).trim(),
    empty: async storageMaxBytes => {
      const { Keys: pins = {} } = await (await call('pin/ls?type=all')).json() as { Keys?: Record<string, { Type: string }> }
      const roots = Object.keys(pins).filter(cid => !pins[cid]?.Type.startsWith('indirect'))
      if (roots.length > 0) await (await call(`pin/rm?${roots.map(cid => `arg=${cid}`).join('&')}`)).text()
      await (await call('repo/gc?quiet=true')).text()
      await (await call(`config?arg=Datastore.StorageMax&arg=${storageMaxBytes}B`)).text()
    },
    close: async () => {
      await end(daemon)
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function end (daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode != null) return
  const ended = new Promise(resolve => daemon.once('exit', resolve))
  daemon.kill()
  await ended
}

/** A connector to this Kubo, as a peer has it. */
export function connectorTo (address: string, init: Partial<KuboInit> = {}, deps: Partial<KuboDeps> = {}): KuboConnector {
  return kuboConnector({
    address,
    requestTimeoutMs: 10_000,
    pinTimeoutMs: 10_000,
    unpinTimeoutMs: 10_000,
    repoGcTimeoutMs: 10_000,
    unpinDisable: false,
    agentVersion: 'helia-cluster/0.0.0-test',
    ...init
  }, { clock: systemClock, random: systemRandom, log: silentLogger, temporaryStore: memoryTemporaryStore, ...deps })
}

async function memoryTemporaryStore (): Promise<{ store: Datastore, discard: () => Promise<void> }> {
  const store = memoryDatastore()
  await store.start(new AbortController().signal)
  return { store, discard: async () => store.stop() }
}
