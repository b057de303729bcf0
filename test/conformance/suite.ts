import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The public suite's program; it runs its tests with Go. */
const program = 'gateway-conformance'

export interface SuiteCounts { run: number, passed: number, failed: string[], skipped: string[] }

export interface ProgramEnd { status: number | null, output: string }

/** Runs a program to its end. */
export async function run (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ProgramEnd> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { output += data })
  return new Promise(resolve => {
    child.once('error', err => resolve({ status: null, output: String(err) }))
    child.once('exit', status => resolve({ status, output }))
  })
}

/** Why the suite can't run here; undefined when it can. */
export async function whySkipped (): Promise<string | undefined> {
  for (const [name, args] of [[program, ['--help']], ['go', ['version']]] as const) {
    if ((await run(name, args)).status == null) return `${name} is not on PATH`
  }
  return undefined
}

/** What the suite asks for: blocks in CARs, signed records, and names. */
export interface Fixtures { folder: string, cars: string[], records: string[], nameMap: string, remove (): Promise<void> }

export async function fixtures (): Promise<Fixtures> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-conformance-'))
  const { status, output } = await run(program, ['extract-fixtures', '--directory', folder, '--merged'])
  if (status !== 0) throw new Error(output)
  const files = (await readdir(folder)).map(name => join(folder, name))
  return {
    folder,
    cars: files.filter(file => file.endsWith('.car')),
    records: files.filter(file => file.endsWith('.ipns-record')),
    nameMap: (await readFile(join(folder, 'dnslinks.IPFS_NS_MAP'), 'utf8')).trim(),
    remove: async () => rm(folder, { recursive: true, force: true })
  }
}

export interface SuiteInit {
  /** Of the gateway, on 127.0.0.1. */
  url: string
  /** Of the same gateway, on localhost. */
  subdomainUrl: string
  /** "trustless-block-gateway,…"; absent: all. */
  specs?: string
  folder: string
}

/** Runs the suite against a gateway, and counts as its own report does: one for each test that checks something. */
export async function runSuite ({ url, subdomainUrl, specs, folder }: SuiteInit): Promise<SuiteCounts> {
  const report = join(folder, 'report.json')
  const { output } = await run(
    program, ['test', '--gateway-url', url, '--subdomain-url', subdomainUrl, ...specs == null ? [] : ['--specs', specs], '--json', report]
  )
  const text = await readFile(report, 'utf8').catch(() => { throw new Error(output) })
  return counted(text)
}

interface Event { Action: string, Test?: string }

/** Leaves of the tree of tests: a test that has others below it isn't counted. */
function counted (report: string): SuiteCounts {
  const ends = new Map<string, string>()
  for (const line of report.split('\n')) {
    if (!line.startsWith('{')) continue
    const { Action: action, Test: test } = JSON.parse(line) as Event
    if (test != null && (action === 'pass' || action === 'fail' || action === 'skip')) ends.set(test, action)
  }
  const parents = new Set(
    [...ends.keys()].flatMap(test => test.split('/').slice(1).map((_, at) => test.split('/').slice(0, at + 1).join('/')))
  )
  const leaves = [...ends].filter(([test]) => !parents.has(test))
  const named = (action: string): string[] => leaves.filter(([, end]) => end === action).map(([test]) => test)
  const [passed, failed, skipped] = [named('pass'), named('fail'), named('skip')]
  return { run: passed.length + failed.length, passed: passed.length, failed, skipped }
}
