import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runDaemon } from '../../cmd/helia-cluster-service/daemon.ts'
import { CommandFailed } from '../../cmd/helia-cluster-service/terminal.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { startNode } from '../../src/node/node.ts'

/** What a peer says of itself between start and stop. `output`: its log. */
export interface Seen { ids: string, pins: Map<string, string>, health: { problems: string[], pins: number }, output: string }

/** Starts a peer on a folder, looks at it and stops it. Rejects with CommandFailed when it says that it can't start. */
export type PeerRun = (folder: string) => Promise<Seen>

/** The daemon in this process. */
export const thisProcess: PeerRun = async folder => {
  let stop = (): void => {}
  let seen: Promise<Seen> | undefined
  let output = ''
  const note = (text: string): void => { output += text }
  const code = await runDaemon({ folder, levels: 'warn', trust: false }, {
    terminal: { variables: {}, out: note, err: note, ask: async () => '', askSecretly: async () => '' },
    fetch: async () => ({ status: 404, text: '' }),
    loadNode: async () => startNode,
    onSignal: listener => {
      stop = () => listener('SIGTERM')
      return () => {}
    },
    onFault: () => () => {},
    endBySignal: () => {},
    onReady: node => {
      seen = lookedAt(node.addresses.restapi?.[0] ?? '').finally(() => stop())
      seen.catch(() => {})
    }
  })
  if (code !== 0 || seen == null) throw new Error(`the daemon ended with ${code}:\n${output}`)
  return { ...await seen, output }
}

const program = join(dirname(fileURLToPath(import.meta.url)), '../../cmd/helia-cluster-service/bin.js')
const longestMs = 300_000

/** The real program in a process of its own. */
export const ownProcess: PeerRun = async folder => {
  const child = spawn(
    process.execPath, [program, '-c', folder, 'daemon'], { stdio: ['ignore', 'pipe', 'pipe'], timeout: longestMs, killSignal: 'SIGKILL' }
  )
  let output = ''
  const ready = Promise.withResolvers<string | undefined>()
  const note = (data: Buffer): void => {
    output += data.toString()
    const address = /READY.*?"restapi":\["([^"]+)"/.exec(output)?.[1]
    if (address != null) ready.resolve(address)
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  const address = await Promise.race([ready.promise, ended.then(() => undefined)])
  if (address == null) {
    if (await ended === 1 && !/\n\s+at /.test(output)) throw new CommandFailed(output, { cause: new ClusterError('INVALID_DATA') })
    throw new Error(`the program ended with ${await ended}:\n${output}`)
  }
  const seen = await lookedAt(address).finally(() => child.kill('SIGTERM'))
  if (await ended !== 0) throw new Error(`the program ended with ${await ended}:\n${output}`)
  return { ...seen, output }
}

async function lookedAt (address: string): Promise<Seen> {
  const url = `http://127.0.0.1:${/\/tcp\/(\d+)/.exec(address)?.[1]}`
  const text = async (path: string): Promise<string> => (await fetch(url + path, { headers: { connection: 'close' } })).text()
  const { id, ipfs } = JSON.parse(await text('/id'))
  const lines = (await text('/allocations')).split('\n').filter(line => line !== '').map(line => JSON.parse(line))
  return {
    ids: JSON.stringify([id, ipfs.id]), pins: new Map(lines.map(pin => [pin.cid as string, JSON.stringify(pin)])),
    health: JSON.parse(await text('/health/ready')), output: ''
  }
}
