import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from './free-ports.ts'
import { pollUntil } from './poll.ts'
import { programFile } from './programs.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const program = programFile('service')

/** The program as the package has it; `scripts/build.ts` makes it. */
export const bundledProgram = join(root, 'dist/helia-cluster-service.js')

const loopback = '/ip4/127.0.0.1/tcp/'
/** Of a peer that doesn't come. */
const shownLog = 4000

/** The real service program on a temporary folder, loopback only. */
export interface PeerProcess {
  folder: string
  url: string
  gateway: string
  /** Text on stderr so far. */
  log (): string
  pid (): number
  start (args?: string[]): Promise<void>
  /** Sends the signal and waits for the end; gives the exit code (null when killed). */
  end (signal?: NodeJS.Signals): Promise<number | null>
  edit (change: (json: any) => void): Promise<void>
  remove (): Promise<void>
}

export interface ProgramResult { status: number, stdout: string, stderr: string }

/** Runs the service program once, to its end. `input`: its standard input. */
export async function runService (args: string[], env: NodeJS.ProcessEnv = {}, input?: string): Promise<ProgramResult> {
  try {
    const run = promisify(execFile)(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
    if (input != null) run.child.stdin?.end(input)
    const { stdout, stderr } = await run
    return { status: 0, stdout, stderr }
  } catch (err) {
    const { code, stdout, stderr } = err as { code: number, stdout: string, stderr: string }
    return { status: code, stdout, stderr }
  }
}

/**
 * Passes once around the event loop, which then knows that the connections of a process are gone: a request on one of them, kept alive from
 * before, would fail.
 */
async function noticed (): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(resolve => setImmediate(resolve))
}

export interface PeerProcessInit {
  /** The program to run, the sources' or the bundled one. */
  daemon?: string
  /** How its process is started. */
  by?: (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess
}

/** Initializes a peer (test profile, free ports); `start` runs its daemon until REST answers. */
export async function peerProcess (
  change: (json: any) => void = () => {}, { daemon = program, by = spawn }: PeerProcessInit = {}
): Promise<PeerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-peer-'))
  const result = await runService(['-c', folder, 'init', '--profile', 'test'])
  if (result.status !== 0) throw new Error(`init failed: ${result.stderr}`)
  const [rest = 0, swarm = 0, ipfs = 0, gateway = 0] = await freePorts(4)
  const config = join(folder, 'service.json')
  const edit = async (change: (json: any) => void): Promise<void> => {
    const json = JSON.parse(await readFile(config, 'utf8'))
    change(json)
    await writeFile(config, JSON.stringify(json, null, 2))
  }
  await edit(json => {
    json.cluster.listen_multiaddress = [`${loopback}${swarm}`]
    json.api = { restapi: { ...json.api.restapi, http_listen_multiaddress: `${loopback}${rest}` } }
    json.ipfs_connector.helia.listen_multiaddress = [`${loopback}${ipfs}`]
    json.ipfs_connector.helia.gateway_multiaddress = `${loopback}${gateway}`
    change(json)
  })
  let child: ChildProcess | undefined
  let log = ''
  const url = `http://127.0.0.1:${rest}`
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child == null || child.exitCode != null || child.signalCode != null) return child?.exitCode ?? null
    const ended = new Promise<number | null>(resolve => child?.once('exit', resolve))
    child.kill(signal)
    const code = await ended
    await noticed()
    return code
  }
  return {
    folder,
    url,
    gateway: `http://127.0.0.1:${gateway}`,
    log: () => log,
    pid: () => child?.pid ?? 0,
    edit,
    end,
    start: async (args = []) => {
      child = by(process.execPath, [daemon, '-c', folder, 'daemon', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout?.on('data', data => { log += data })
      child.stderr?.on('data', data => { log += data })
      await pollUntil(async () => {
        const code = child?.exitCode ?? child?.signalCode
        if (code != null) throw new Error(`the daemon ended with ${code}:\n${log}`)
        return (await fetch(`${url}/health`).catch(() => undefined))?.status === 204
      }, { withinMs: 30_000, what: 'the peer' }).catch((err: Error) => { throw new Error(`${err.message}\n${log.slice(-shownLog)}`) })
    },
    remove: async () => {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Reads a reply of JSON lines. */
export async function jsonLines (response: Response): Promise<any[]> {
  return (await response.text()).split('\n').filter(line => line !== '').map(line => JSON.parse(line))
}

export interface UploadFile { name: string, bytes: Uint8Array }

/** A multipart body for `/add`. */
export function uploadForm (files: readonly UploadFile[]): FormData {
  const form = new FormData()
  for (const { name, bytes } of files) form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), encodeURIComponent(name))
  return form
}
