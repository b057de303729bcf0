/**
 * `npm run bench -- --service-pins [--rows 100k]`: what lists of `/api/pinning` take with their counts, among as many pins of one user on
 * SQLite. Medians and the slowest of each, in milliseconds; how many pins of another service are taken over in a second.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinningStatuses } from '../../src/model/pinning-service.ts'
import type { PinFilter } from '../../src/service/pins/pins.ts'
import type { PinPeer } from '../support/service-cluster.ts'
import { anyCid, pinPeer } from '../support/service-cluster.ts'
import { databaseAt } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const words = ['red', 'blue', 'green', 'holiday', 'report', 'photo', 'video', 'music', 'draft', 'final']
const rowsAtOnce = 500
const rounds = 25
const all: PinFilter = { statuses: pinningStatuses }
const pinned: PinFilter = { statuses: ['pinned'] }

export async function benchServicePins ({ rows }: { rows: number }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-'))
  const made = databaseAt('sqlite', join(folder, 'service.sqlite'))
  try {
    await made.database.start(new AbortController().signal)
    const user = await addUser(made.database)
    const peer = await pinPeer(made)
    console.log(`\n${rows} pins of one user: ${Math.round(await fill(peer, user, rows))} taken over in a second`)
    for (const [what, filter, limit] of await cases(peer, user)) {
      await measure(what, async () => (await peer.pins.find(user, filter, { limit })).count)
    }
    await measure('`service ls --stat`: four lists of one', async () => {
      for (const status of pinningStatuses) await peer.pins.find(user, { statuses: [status] }, { limit: 1 })
      return rows
    })
    await peer.stop()
  } finally {
    await made.database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Gives the pins per second. Afterwards most are pinned, as long ago. */
async function fill ({ database, pins }: PinPeer, user: string, rows: number): Promise<number> {
  const begin = performance.now()
  for (let at = 0; at < rows; at += rowsAtOnce) {
    const wishes = Array.from(
      { length: rowsAtOnce },
      (_, index) => ({
        cid: anyCid(), name: `${words[index % words.length]} ${at + index}`, origins: [],
        meta: { app: `app${index % 7}`, n: String(at + index) }
      })
    )
    await database.transaction(async tx => { await pins.takeOver(tx, { id: user, workspace: `w-${user}` }, wishes) })
  }
  const perSecond = rows / (performance.now() - begin) * 1000
  await database.transaction(async tx => {
    await tx.updateTable('pins').set(({ eb }) => ({ status: 'pinned', created: eb('created', '-', 86_400_000) })).execute()
    await tx.updateTable('pins').set({ status: 'failed' }).where('name', 'like', '%77').execute()
    await tx.updateTable('cluster_pins').set({ status: 'pinned', applied: 1, next_try_at: null, replicas: 1, wanted_replicas: 1 }).execute()
  })
  return perSecond
}

async function cases ({ pins }: PinPeer, user: string): Promise<Array<[what: string, filter: PinFilter, limit: number]>> {
  const { pins: some } = await pins.find(user, pinned, { limit: 1000 })
  const middle = some[500]?.created ?? 0
  return [
    ['pinned', pinned, 20], ['a thousand', pinned, 1000], ['all statuses', all, 20], ['failed', { statuses: ['failed'] }, 20],
    ['before', { ...pinned, before: middle }, 20], ['after', { ...pinned, after: middle }, 20],
    ['10 CIDs', { ...all, cids: some.slice(0, 10).map(({ cid }) => cid) }, 20],
    ['exact name', { ...all, name: { text: some[0]?.name ?? '', match: 'exact' } }, 20],
    ['iexact', { ...all, name: { text: 'RED 5000', match: 'iexact' } }, 20],
    ['part of a name, rare', { ...all, name: { text: '9999', match: 'partial' } }, 20],
    ['part of every tenth name', { ...pinned, name: { text: 'HOLI', match: 'ipartial' } }, 20],
    ['meta, rare', { ...all, meta: { n: '777' } }, 20], ['meta of every seventh', { ...pinned, meta: { app: 'app3' } }, 20],
    ['meta and part of a name', { ...all, meta: { app: 'app3' }, name: { text: 'holiday', match: 'partial' } }, 20]
  ]
}

async function measure (what: string, work: () => Promise<number>): Promise<void> {
  const times: number[] = []
  let count = 0
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now()
    count = await work()
    times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)
  console.log(
    `${what.padEnd(40)} of ${String(count).padStart(7)}  ${(times[rounds >> 1] ?? 0).toFixed(1).padStart(7)} ${(times.at(-1) ?? 0).toFixed(1).padStart(7)}`
  )
}
