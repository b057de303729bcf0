/**
 * `node test/bench/attacks.ts [--only a,b] [--seconds S]`: one attack after the other on a peer in a process of its own, and what each does
 * to others: how long `/id` takes meanwhile and the memory above idle. Ends with status 1 when a limit is passed. Loopback only. An attack
 * is one entry of `attacks` below.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'
import type { Attack, Attacked } from './attacks/attack.ts'
import { readerAttacks } from './attacks/readers.ts'
import { residentMiB } from './peers.ts'

const attacks: readonly Attack[] = [...readerAttacks]

/** What `/id` may take under an attack, milliseconds. */
const mostP99Ms = 250
const secret = 'ab'.repeat(32)
const everyMs = 20
/** Quick attacks are repeated for so long. */
const leastMs = 2000

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, seconds: { type: 'string', default: '10' } } })
const wanted = values.only === '' ? attacks : attacks.filter(({ name }) => values.only.split(',').includes(name))

interface Figures { name: string, p50Ms: number, p99Ms: number, mostMs: number, extraMiB: number, said: string }

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN

async function measured (attack: Attack, peer: Attacked): Promise<Figures> {
  const idleMiB = await residentMiB([peer.pid])
  const prober = fork(fileURLToPath(new URL('./attacks/prober.ts', import.meta.url)), [`${peer.url}/id`, String(everyMs)])
  await new Promise(resolve => prober.once('spawn', resolve))
  let mostMiB = idleMiB
  const timer = setInterval(() => { void residentMiB([peer.pid]).then(mib => { mostMiB = Math.max(mostMiB, mib) }, () => {}) }, 50)
  const signal = AbortSignal.timeout(Number(values.seconds) * 1000)
  const from = performance.now()
  let said: string | void = ''
  do said = await attack.run(peer, signal).catch((err: Error) => `${err.name}: ${err.message}`.slice(0, 200))
  while (!signal.aborted && performance.now() - from < leastMs)
  clearInterval(timer)
  const times = await new Promise<Array<number | null>>(resolve => {
    prober.once('message', (message: Array<number | null>) => resolve(message))
    prober.send('end')
  })
  const sorted = times.map(ms => ms ?? Infinity).toSorted((a, b) => a - b)
  return {
    name: attack.name, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), mostMs: sorted.at(-1) ?? NaN,
    extraMiB: mostMiB - idleMiB, said: said ?? ''
  }
}

const [proxyPort = 0] = await freePorts(1)
const process_ = await peerProcess(json => {
  json.cluster.secret = secret
  json.api.ipfsproxy = { listen_multiaddress: `/ip4/127.0.0.1/tcp/${proxyPort}` }
})
const rows: Figures[] = []
try {
  await process_.start()
  let address = ''
  await pollUntil(
    async () => (address = (await (await fetch(`${process_.url}/id`)).json() as { addresses: string[] }).addresses[0] ?? '') !== '',
    { what: 'an address' }
  )
  // a start takes the processor to itself for a moment
  await pollUntil(async () => (await fetch(`${process_.url}/health/ready`)).ok, { withinMs: 60_000, everyMs: 200, what: 'readiness' })
  for (const attack of wanted) {
    const { url, gateway } = process_
    const figures = await measured(attack, { url, gateway, proxy: `http://127.0.0.1:${proxyPort}`, pid: process_.pid(), secret, address })
    rows.push(figures)
    const [p50, p99, most] = [figures.p50Ms, figures.p99Ms, figures.mostMs].map(ms => ms.toFixed(1))
    console.log(
      `${figures.name}: /id p50 ${p50} ms, p99 ${p99} ms, most ${most} ms; ${Math.round(figures.extraMiB)} MiB above idle${figures.said === '' ? '' : `; ${figures.said}`}`
    )
  }
} finally {
  // what warned, for whoever asks
  if (process.env.ATTACKS_LOG != null) console.error(process_.log().split('\n').filter(line => !/\t(INFO|DEBUG)\t/.test(line)).join('\n'))
  await process_.remove()
}
// not a finite number, too
const tooSlow = rows.filter(({ p99Ms }) => !(p99Ms < mostP99Ms))
if (tooSlow.length > 0) {
  console.error(`/id took more than ${mostP99Ms} ms under: ${tooSlow.map(({ name }) => name).join(', ')}`)
  process.exitCode = 1
}
