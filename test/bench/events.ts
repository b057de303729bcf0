/**
 * What listeners to events cost: `node test/bench/events.ts --listeners 500 --rate 100 --seconds 20`. The REST API with a log of events
 * runs in a process of its own, all listeners hear all events; V8's young space has the size that the daemon gives it. Tells the share of a
 * core and the memory that the listeners take beyond the same process without them, and how late events come.
 * With `--users` it is the service's API with a SQLite database: each listener is a user of its own, and so many events a second are
 * recorded in all, each for the next user.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { ClientRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { restApi } from '../../src/api/rest/rest-api.ts'
import { serviceApi } from '../../src/api/service/service-api.ts'
import { eventRoutes } from '../../src/api/service/v1/events.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { EventRing } from '../../src/events/event-ring.ts'
import { apiServerDefaults } from '../support/api-server-defaults.ts'
import { permissions } from '../../src/service/accounts/accounts.ts'
import type { Caller } from '../../src/service/accounts/accounts.ts'
import { userEvents } from '../../src/service/events/sql-user-events.ts'
import { memoryLimits } from '../../src/service/limits/memory/memory-limits.ts'
import { FakeCluster } from '../support/fake-cluster.ts'
import { apiDefaults } from '../support/service-api.ts'
import { databaseAt } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const { values: { listeners, rate, seconds, serve, users } } = parseArgs({
  options: {
    listeners: { type: 'string', default: '500' }, rate: { type: 'string', default: '100' }, seconds: { type: 'string', default: '20' },
    serve: { type: 'boolean', default: false }, users: { type: 'boolean', default: false }
  }
})

interface Use { cpuMs: number, rss: number, heap: number, readers: number }
const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
const nameOf = (user: number): string => `user-${user}`
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
const sleep = async (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

if (serve && users) await usersServer(Number(listeners))
else if (serve) await server()
else await measure(Number(listeners), Number(seconds))

/** Events as a busy cluster has them, so many a second. */
async function server (): Promise<void> {
  const feed = new EventRing({ prefix: 'bench.', maxEvents: 4096, maxReaders: 2048 }, { clock: systemClock })
  const api = restApi({ ...apiServerDefaults, listen: ['/ip4/127.0.0.1/tcp/0'] }, {
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
  tellUse(api, () => feed.readers)
  process.on('disconnect', () => process.exit())
}

/** Users' events, each in a transaction of its own: the dearest way. */
async function usersServer (count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-events-'))
  const { database, workers } = databaseAt('sqlite', join(folder, 'service.sqlite'))
  process.on('disconnect', () => { void rm(folder, { recursive: true, force: true }).then(() => process.exit()) })
  const { signal } = new AbortController()
  await database.start(signal)
  await workers.start()
  for (let user = 0; user < count; user++) await addUser(database, { id: nameOf(user) })
  const events = userEvents({}, { database, workers, clock: systemClock, log: silentLogger })
  await events.start(signal)
  let readers = 0
  const counted = {
    follow: async function * (...[user, options]: Parameters<typeof events.follow>) {
      readers++; try { yield * events.follow(user, options) } finally { readers-- }
    }
  }
  const byKey = async (id: string, { address }: { address: string }): Promise<Caller> => ({
    user: { id }, via: { key: { id } }, permissions: new Set(permissions), address
  }) as unknown as Caller
  const api = serviceApi({ ...apiDefaults, listen: ['/ip4/127.0.0.1/tcp/0'], maxConnections: 2 * count }, {
    routes: eventRoutes({ events: counted, clock: systemClock }), credentials: { byKey, bySession: byKey },
    usage: { request: () => {}, served: () => {} }, limits: memoryLimits(), refusal: () => null, pages: null, cluster: null,
    clock: systemClock, log: silentLogger
  })
  await api.start(signal)
  tellUse(api, () => readers)
  const began = performance.now()
  for (let sent = 0; ;) {
    for (; sent < (performance.now() - began) * Number(rate) / 1000; sent++) {
      const data = { cid, name: 'a file', state: 'pinned', sent: Date.now() }
      await database.transaction(async tx => events.record(tx, [{ user: nameOf(sent % count), type: 'file.status', data }]))
    }
    await sleep(5)
  }
}

function tellUse (api: { addresses (): readonly string[] }, readers: () => number): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    globalThis.gc?.()
    const { rss, heapUsed: heap } = process.memoryUsage()
    process.send?.({ cpuMs: (user + system) / 1000, rss, heap, readers: readers() } satisfies Use)
  })
  process.send?.({ port: Number(/\/tcp\/(\d+)$/.exec(api.addresses()[0] ?? '')?.[1]) })
}

async function measure (count: number, forSeconds: number): Promise<void> {
  const child = fork(
    fileURLToPath(import.meta.url), ['--serve', '--rate', rate, '--listeners', listeners, ...(users ? ['--users'] : [])],
    { execArgv: ['--expose-gc', '--max-semi-space-size=4'] }
  )
  const [{ port }] = await once(child, 'message') as [{ port: number }]
  await sleep(2000)
  const quiet = await between(child, forSeconds)
  const late: number[] = []
  const open = await Promise.all(Array.from({ length: count }, async (_, n) => listen(port, n, n % 50 === 0 ? late : undefined)))
  await sleep(2000)
  late.length = 0
  const busy = await between(child, forSeconds)
  for (const one of open) one.destroy()
  child.disconnect()
  late.sort((a, b) => a - b)
  const at = (share: number): number => Math.round(late[Math.floor(late.length * share)] ?? NaN)
  process.stdout.write([
    `${busy.readers} ${users ? 'users who listen' : 'listeners'}, ${rate} events/s for ${forSeconds} s`,
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
async function listen (port: number, n: number, late: number[] | undefined): Promise<ClientRequest> {
  const asking = request({
    host: '127.0.0.1', port, path: users ? '/api/v1/events' : '/events', headers: users ? { 'x-api-key': nameOf(n) } : {}, agent: false
  })
  asking.on('error', () => {})
  asking.end()
  const [response] = await once(asking, 'response')
  if (late == null) response.resume()
  else response.on('data', (piece: Buffer) => {
    for (const [, sent] of piece.toString().matchAll(/"sent":(\d+)/g)) late.push(Date.now() - Number(sent))
  })
  return asking
}
