/**
 * What listeners to events cost: `node test/bench/events.ts --listeners 500 --rate 100 --seconds 20`. The REST API with a log of events runs in a process of its own, all listeners
 * hear all events; V8's young space has the size that the daemon gives it. Tells the share of a core and the memory that the listeners take beyond the same process without them, and how late events come.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import type { ClientRequest } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { restApi, restApiDefaults } from '../../src/api/rest/rest-api.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { EventRing } from '../../src/events/event-ring.ts'
import { FakeCluster } from '../support/fake-cluster.ts'

const { values: { listeners, rate, seconds, serve } } = parseArgs({
  options: { listeners: { type: 'string', default: '500' }, rate: { type: 'string', default: '100' }, seconds: { type: 'string', default: '20' }, serve: { type: 'boolean', default: false } }
})

interface Use { cpuMs: number, rss: number, heap: number, readers: number }
const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
const sleep = async (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

if (serve) await server()
else await measure(Number(listeners), Number(seconds))

/** Events as a busy cluster has them, so many a second. */
async function server (): Promise<void> {
  const feed = new EventRing({ prefix: 'bench.', maxEvents: 4096, maxReaders: 2048 }, { clock: systemClock })
  const api = restApi({ ...restApiDefaults, listen: ['/ip4/127.0.0.1/tcp/0'] }, {
    cluster: new FakeCluster(), watching: { feed, warnings: { list: () => [] } }, clock: systemClock, log: silentLogger
  })
  await api.start(new AbortController().signal)
  let sent = 0
  const began = performance.now()
  setInterval(() => {
    for (; sent < (performance.now() - began) * Number(rate) / 1000; sent++) {
      const at = Date.now()
      feed.add('pin.status', () => ({ cid, peer: '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE', status: 'pinned', sent: at }))
    }
  }, 5)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    globalThis.gc?.()
    const { rss, heapUsed: heap } = process.memoryUsage()
    process.send?.({ cpuMs: (user + system) / 1000, rss, heap, readers: feed.readers } satisfies Use)
  })
  process.send?.({ port: Number(/\/tcp\/(\d+)$/.exec(api.addresses()[0] ?? '')?.[1]) })
}

async function measure (count: number, forSeconds: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--serve', '--rate', rate], { execArgv: ['--expose-gc', '--max-semi-space-size=4'] })
  const [{ port }] = await once(child, 'message') as [{ port: number }]
  await sleep(2000)
  const quiet = await between(child, forSeconds)
  const late: number[] = []
  const open = await Promise.all(Array.from({ length: count }, async (_, n) => listen(port, n % 50 === 0 ? late : undefined)))
  await sleep(2000)
  late.length = 0
  const busy = await between(child, forSeconds)
  for (const one of open) one.destroy()
  child.kill()
  late.sort((a, b) => a - b)
  const at = (share: number): number => Math.round(late[Math.floor(late.length * share)] ?? NaN)
  process.stdout.write([
    `${busy.readers} listeners, ${rate} events/s for ${forSeconds} s`,
    `core: ${busy.share.toFixed(1)} % with them, ${quiet.share.toFixed(1)} % without: ${(busy.share - quiet.share).toFixed(1)} %`,
    `memory: ${mib(busy.rss - quiet.rss)} MiB more resident, ${mib(busy.heap - quiet.heap)} MiB more heap`,
    `events come late by: median ${at(0.5)} ms, p99 ${at(0.99)} ms\n`
  ].join('\n'))
}

async function between (child: ChildProcess, forSeconds: number): Promise<Use & { share: number }> {
  const before = await useOf(child)
  const began = performance.now()
  await sleep(forSeconds * 1000)
  const after = await useOf(child)
  return { ...after, share: (after.cpuMs - before.cpuMs) / (performance.now() - began) * 100 }
}

async function useOf (child: ChildProcess): Promise<Use> {
  child.send('use')
  const [use] = await once(child, 'message') as [Use]
  return use
}

/** A listener that reads all; `late` gets how old each event is. */
async function listen (port: number, late: number[] | undefined): Promise<ClientRequest> {
  const asking = request({ host: '127.0.0.1', port, path: '/events', agent: false })
  asking.on('error', () => {})
  asking.end()
  const [response] = await once(asking, 'response')
  if (late == null) response.resume()
  else response.on('data', (piece: Buffer) => { for (const [, sent] of piece.toString().matchAll(/"sent":(\d+)/g)) late.push(Date.now() - Number(sent)) })
  return asking
}
