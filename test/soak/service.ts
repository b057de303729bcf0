/**
 * `npm run soak:service -- [--minutes N] [--users N] [--think-ms N] [--database sqlite|postgres] [--seed S] [--csv FILE]`: one real peer
 * from the sources with the section `api.service` (default settings and limits; each user comes from an address of its own) and `--users`
 * people (default 200) who use it at the same time: they sign up, make keys, upload small and middle files, pin CIDs, list with filters,
 * read at the gateway what is only staged, delete, and now and then leave. Each has one request under way, always; `--think-ms` lets them
 * rest in between. The repository has 4 GB, so it is collected under way. Every answer is compared with what the user knows. Memory is
 * sampled every two seconds. Exit code 0: not one answer was wrong, nothing acknowledged was lost, and memory is flat (judged from three
 * minutes on: the last fifth of the run takes at most 15 % more than the second).
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../sim/dice.ts'
import { freePorts } from '../support/free-ports.ts'
import { pollUntil } from '../support/poll.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { demand, programOptions } from '../support/program-options.ts'
import { servicePeer } from '../support/service-peer.ts'
import type { ServicePeer } from '../support/service-peer.ts'
import { ServiceRequests } from './service-requests.ts'
import { fifths, growth, median, sampleOf } from './service-samples.ts'
import type { ProcessSample } from './service-samples.ts'
import { ServiceUser } from './service-user.ts'

const usage = 'npm run soak:service -- [--minutes N] [--users N] [--think-ms N] [--database sqlite|postgres] [--seed S] [--csv FILE]'
const values = programOptions(usage, {
  minutes: { type: 'string', default: '5' }, users: { type: 'string', default: '200' }, 'think-ms': { type: 'string', default: '0' },
  database: { type: 'string', default: 'sqlite' }, seed: { type: 'string', default: '1' }, csv: { type: 'string' }
})
const numbers = [values.minutes, values.users, values['think-ms'], values.seed].map(Number)
const [minutes, userCount, thinkMs, seed] = numbers as [number, number, number, number]
const areNumbers = minutes > 0 && Number.isInteger(userCount) && userCount > 0 && thinkMs >= 0 && Number.isInteger(seed)
demand(areNumbers, '--minutes is above 0, --users a whole number above 0, --think-ms not below 0, --seed whole')
demand(['sqlite', 'postgres'].includes(values.database), '--database is sqlite or postgres')

const everyMs = 2000
/** Memory is judged when the run takes so long. */
const judgedMinutes = 3
const allowedGrowth = 0.15
/** What was begun is done in this time. */
const settleMs = 120_000
const shownErrors = 20
/** With so many the run ends: the peer is not there any more. */
const hopelessErrors = 2000

const errors: string[] = []
const noteError = (err: unknown): void => { errors.push(err instanceof Error ? err.message : String(err)) }

async function sample (peer: ServicePeer, { metricsUrl, until }: { metricsUrl: string, until: AbortSignal }): Promise<ProcessSample[]> {
  const samples: ProcessSample[] = []
  const from = performance.now()
  while (!until.aborted) {
    samples.push(await sampleOf(peer.pid(), { metricsUrl, atMs: performance.now() - from }))
    await sleep(everyMs, undefined, { signal: until }).catch(() => {})
  }
  return samples
}

/** Whoever got a wrong answer goes on, so that one fault doesn't end the load. */
async function workOf (user: ServiceUser, until: AbortSignal): Promise<void> {
  while (!until.aborted && errors.length < hopelessErrors) await user.work(until).catch(noteError)
}

/** What is different at the end from what users know, when nothing changes any more. */
async function lastLook (users: readonly ServiceUser[]): Promise<string[]> {
  let found: string[] = ['nobody has looked']
  const isRight = async (): Promise<boolean> => {
    found = (await Promise.all(users.map(async user => user.differences()))).flat()
    return found.length === 0
  }
  await pollUntil(isRight, { everyMs: 1000, withinMs: settleMs }).catch(err => { if (found.length === 0) noteError(err) })
  return found
}

function printTimings (requests: ServiceRequests, seconds: number): void {
  const timings = requests.timings().toSorted((a, b) => b.count - a.count)
  console.log('\n| request | count | per second | median ms | p99 ms | slowest ms |\n|---|---|---|---|---|---|')
  for (const { kind, count, medianMs, p99Ms, slowestMs } of timings) {
    const times = [medianMs, p99Ms, slowestMs].map(ms => ms.toFixed(0))
    console.log(`| ${kind} | ${count} | ${(count / seconds).toFixed(1)} | ${times.join(' | ')} |`)
  }
  const all = timings.reduce((sum, { count }) => sum + count, 0)
  console.log(`| all | ${all} | ${(all / seconds).toFixed(0)} | | | |`)
}

function printSamples (samples: readonly ProcessSample[]): void {
  console.log('\n| part of the run | RSS median MiB | lowest | highest | heap median MiB | open files | loop lag p99 ms |')
  console.log('|---|---|---|---|---|---|---|')
  for (const [at, part] of fifths(samples).entries()) {
    const of = (figure: keyof ProcessSample): number[] => part.map(one => one[figure])
    const rss = of('rssMiB')
    const others = (['heapMiB', 'fds', 'lagP99Ms'] as const).map(name => median(of(name)))
    const cells = [median(rss), Math.min(...rss), Math.max(...rss), ...others]
    console.log(`| ${at + 1} of 5 | ${cells.map(figure => figure.toFixed(0)).join(' | ')} |`)
  }
  console.log(`\nmemory of the last fifth against the second: ${(growth(samples) * 100).toFixed(1)} % more`)
}

function writeCsv (file: string, samples: readonly ProcessSample[]): void {
  const cells = ({ atMs, rssMiB, heapMiB, fds, lagP99Ms }: ProcessSample): number[] => [atMs / 1000, rssMiB, heapMiB, fds, lagP99Ms]
  const lines = samples.map(one => cells(one).map(figure => figure.toFixed(1)).join())
  writeFileSync(file, `${['s,rss,heap,fds,lag', ...lines].join('\n')}\n`)
}

async function soak (peer: ServicePeer, metricsUrl: string): Promise<boolean> {
  const requests = new ServiceRequests(peer.service)
  const dice = new Dice(seed)
  const users = Array.from({ length: userCount }, (_user, number) =>
    new ServiceUser({ number, thinkMs }, { requests, dice: new Dice(dice.whole(1, 2 ** 30)) }))
  const begun = performance.now()
  await Promise.all(users.map(async user => user.begin()))
  console.log(`${userCount} users signed up and made keys in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  const end = AbortSignal.timeout(minutes * 60_000)
  const from = performance.now()
  const working = users.map(async user => workOf(user, end))
  const samples = await sample(peer, { metricsUrl, until: end })
  await Promise.all(working)
  const seconds = (performance.now() - from) / 1000
  const different = await lastLook(users)
  requests.close()
  if (values.csv != null) writeCsv(values.csv, samples)
  printTimings(requests, seconds)
  printSamples(samples)
  const isFlat = minutes < judgedMinutes || growth(samples) <= allowedGrowth
  const verdict = `${errors.length} errors, ${different.length} differences at the end, memory ${isFlat ? 'flat' : 'GROWS'}`
  console.log(`${userCount} users for ${(seconds / 60).toFixed(1)} minutes on ${values.database}: ${verdict}`)
  for (const text of [...errors, ...different].slice(0, shownErrors)) console.log(`  ${text}`)
  return errors.length === 0 && different.length === 0 && isFlat
}

const server = values.database === 'postgres' ? await PostgresServer.create({ isDurable: true }) : undefined
const [metricsPort] = await freePorts(1)
const database = server == null ? {} : { url: await server.createDatabase() }
const section = { registration: 'open', trusted_proxies: ['127.0.0.1'], database }
const peer = await servicePeer(section, json => {
  const metrics = { enable_stats: true, prometheus_endpoint: `/ip4/127.0.0.1/tcp/${metricsPort}` }
  json.observations = { ...json.observations, metrics }
  // so small that what was deleted has to be collected every few minutes
  json.ipfs_connector.helia.storage_max = '4GB'
})
let isWell = false
try {
  await peer.start()
  isWell = await soak(peer, `http://127.0.0.1:${metricsPort}/metrics`)
} finally {
  if (!isWell) {
    writeFileSync(`${peer.folder}/soak.log`, peer.log())
    console.log(`left for a look: ${peer.folder} with soak.log`)
  }
  await (isWell ? peer.remove() : peer.end('SIGKILL'))
  await server?.remove()
}
process.exit(isWell ? 0 : 1)
