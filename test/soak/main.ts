/**
 * `npm run soak -- [--minutes N] [--rate N] [--reap-ms N] [--seed S] [--csv FILE]`: three real peers from the sources on loopback, with the
 * default settings; users add, pin and unpin (`--rate` operations a second, default 2) while each peer resets one of its gossip streams
 * every `--reap-ms` milliseconds on average (default 20000; 0: never). Every ten seconds memory, open files, lag of the event loop, pins,
 * heights and problems are noted. At the end all pinsets must be the same and hold what was acknowledged. Exit code 0: all is well.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../support/free-ports.ts'
import { pollUntil } from '../support/poll.ts'
import { demand, programOptions } from '../support/program-options.ts'
import { Dice } from '../sim/dice.ts'
import { soakPeer } from './soak-peer.ts'
import type { Sample, SoakPeer } from './soak-peer.ts'
import { SoakUsers } from './soak-users.ts'

const values = programOptions('npm run soak -- [--minutes N] [--rate N] [--reap-ms N] [--seed S] [--csv FILE]', {
  minutes: { type: 'string', default: '5' }, rate: { type: 'string', default: '2' }, 'reap-ms': { type: 'string', default: '20000' },
  seed: { type: 'string', default: '1' }, csv: { type: 'string' }
})
const [minutes, rate, reapMs, seed] = [
  values.minutes, values.rate, values['reap-ms'], values.seed
].map(Number) as [number, number, number, number]
demand(
  [minutes, rate].every(value => value > 0) && reapMs >= 0 && Number.isInteger(seed),
  '--minutes and --rate are above 0, --reap-ms is not below, --seed is whole'
)
process.env.REAP_MS = String(reapMs)

const everyMs = 10_000
/** How long pinsets may take to become equal after the last operation. */
const agreeMs = 120_000

interface Row { atMs: number, samples: Sample[] }

async function startAll (): Promise<SoakPeer[]> {
  const ports = await freePorts(3)
  const peers = await Promise.all(ports.map(async metricsPort => soakPeer({ secret: 'cd'.repeat(32), metricsPort })))
  const [first, ...others] = peers
  if (first == null) throw new RangeError('no peers')
  await first.start()
  const addressOf = async (): Promise<string | undefined> => (
    (await (await fetch(`${first.url}/id`)).json()) as { addresses: string[] | null }
  ).addresses?.[0]
  await pollUntil(async () => await addressOf() != null, { withinMs: 60_000, what: 'the address of the first peer' })
  const address = await addressOf() ?? ''
  await Promise.all(others.map(async peer => peer.start(['--bootstrap', address])))
  await Promise.all(peers.map(async ({ url }) => pollUntil(async () => {
    const metrics = await (await fetch(`${url}/monitor/metrics/freespace`)).json().catch(() => null) as unknown[] | null
    return metrics?.length === 3
  }, { withinMs: 120_000, what: 'the membership of all' })))
  return peers
}

async function pinsetOf ({ url }: SoakPeer): Promise<Set<string>> {
  const text = await (await fetch(`${url}/allocations`)).text()
  return new Set(text.split('\n').filter(line => line !== '').map(line => (JSON.parse(line) as { cid: string }).cid))
}

function note (row: Row, csv: string | undefined): void {
  const cells = row.samples.flatMap(
    ({ rssMib, fds, lagP99Ms, pins, height, problems, silent }) =>
      [rssMib.toFixed(0), fds, lagP99Ms.toFixed(0), pins, height, silent, problems.join('+')]
  )
  if (csv != null) appendFileSync(csv, `${[Math.round(row.atMs / 1000), loadavg()[0]?.toFixed(1), ...cells].join(',')}\n`)
}

const median = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0

/** First minute, last minute, highest; heights are told at the end. */
function summary (rows: readonly Row[], peers: readonly SoakPeer[]): void {
  const span = Math.max(1, Math.min(6, Math.floor(rows.length / 2)))
  for (const at of peers.keys()) {
    const of = (figure: keyof Sample): number[] => rows.map(({ samples }) => samples[at]?.[figure] as number)
    const course = (figure: keyof Sample): string =>
      `${median(of(figure).slice(0, span)).toFixed(0)} -> ${median(of(figure).slice(-span)).toFixed(0)} (most ${Math.max(...of(figure)).toFixed(0)})`
    const problems = rows.filter(({ samples }) => (samples[at]?.problems.length ?? 0) > 0)
    console.log(
      `peer ${at + 1}: RSS ${course('rssMib')} MiB, fds ${course('fds')}, lag p99 ${course('lagP99Ms')} ms, streams reset ${peers[at]?.reaped()}, opened again ${of('reopened').at(-1)}`
    )
    console.log(
      `  samples with problems ${problems.length} of ${rows.length}: ${[...new Set(problems.flatMap(({ samples }) => samples[at]?.problems ?? []))].join(', ') || '-'}; with silent peers ${of('silent').filter(count => count > 0).length}`
    )
  }
  const spread = rows.map(
    ({ samples }) => Math.max(...samples.map(({ height }) => height)) - Math.min(...samples.map(({ height }) => height))
  )
  console.log(`heights apart: median ${median(spread)}, most ${Math.max(...spread)}`)
}

async function soak (peers: readonly SoakPeer[]): Promise<string[]> {
  const users = new SoakUsers(peers.map(({ url }) => url), new Dice(seed))
  const rows: Row[] = []
  const end = new AbortController()
  const startedAt = performance.now()
  if (values.csv != null) {
    writeFileSync(
      values.csv,
      `s,load,${peers.map((_, at) => ['rss', 'fds', 'lag', 'pins', 'height', 'silent', 'problems'].map(name => `${name}${at + 1}`).join()).join()}\n`
    )
  }
  const work = users.work(rate, end.signal)
  while (performance.now() - startedAt < minutes * 60_000) {
    await sleep(everyMs)
    const row = { atMs: performance.now() - startedAt, samples: await Promise.all(peers.map(async peer => peer.sample())) }
    rows.push(row)
    note(row, values.csv)
  }
  end.abort()
  await work
  for (const peer of peers) process.kill(peer.pid(), 'SIGUSR2')
  const from = performance.now()
  let faults: string[] = []
  const agree = async (): Promise<boolean> => {
    const pinsets = await Promise.all(peers.map(pinsetOf))
    faults = pinsets.flatMap((pinset, at) => users.missingIn(pinset).map(fault => `peer ${at + 1}: ${fault}`))
    if (new Set(pinsets.map(pinset => [...pinset].toSorted().join())).size > 1) faults.push('the pinsets differ')
    return faults.length === 0
  }
  await pollUntil(agree, { everyMs: 500, withinMs: agreeMs, what: 'agreement' }).catch(() => {})
  summary(rows, peers)
  console.log(
    `${users.counts.acknowledged} operations acknowledged, ${users.counts.failed} failed, ${users.counts.notYet} unpins came before the pin was known there`
  )
  for (const failure of users.failures.slice(0, 10)) console.log(`  ${failure}`)
  console.log(
    `the pinsets ${faults.length === 0 ? `agree ${((performance.now() - from) / 1000).toFixed(1)} s after the last operation` : 'do not agree'}`
  )
  return faults
}

function keepLog ({ folder, log }: SoakPeer): void {
  writeFileSync(`${folder}/soak.log`, log())
  console.log(`left for a look: ${folder} with soak.log`)
}

const peers = await startAll()
let faults: string[] = ['it was not finished']
try {
  faults = await soak(peers)
  for (const fault of faults.slice(0, 20)) console.log(fault)
} finally {
  if (faults.length > 0) for (const peer of peers) keepLog(peer)
  await Promise.all(peers.map(async peer => faults.length > 0 ? peer.end('SIGKILL') : peer.remove()))
}
process.exit(faults.length === 0 ? 0 : 1)
