import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Listeners } from '../../../src/base/listeners.ts'
import { ClusterError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/system.ts'
import { WorkerRunner } from '../../../src/base/worker.ts'
import type { PinsetChange } from '../../../src/consensus/consensus.ts'
import { ClusterEvents } from '../../../src/events/cluster-events.ts'
import type { LoggedEvent } from '../../../src/events/events.ts'
import { StatusLog } from '../../../src/events/status-log.ts'
import { oldestPlace } from '../../../src/events/events.ts'
import type { Warning } from '../../../src/events/warnings.ts'
import { parseCid } from '../../../src/model/cid.ts'
import type { Alert, Metric } from '../../../src/model/metric.ts'
import type { Pin } from '../../../src/model/pin.ts'
import type { OperationChange } from '../../../src/tracker/tracker.ts'
import { SimClock } from '../../support/sim-clock.ts'

const cid = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')

const refuse = (): never => { throw new ClusterError('PEER_UNREACHABLE', {}) }
const unreachable = { status: refuse, statusAll: refuse }

async function watched ({ clock = new SimClock(), elsewhere }: { clock?: SimClock, elsewhere?: StatusLog } = {}) {
  const [changes, operations, alerts, warnings] = [
    new Listeners<readonly PinsetChange[]>(), new Listeners<OperationChange>(), new Listeners<Alert>(), new Listeners<Warning>()
  ]
  let members = ['a', 'b']
  const metric = (peer: string): Metric => ({
    name: 'ping', peer, value: JSON.stringify({ peer_name: `name of ${peer}` })
  }) as unknown as Metric
  const workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  const events = new ClusterEvents({ self: 'a', peersetMetric: 'ping' }, {
    consensus: { onChange: listener => changes.add(listener) },
    tracker: { onOperation: listener => operations.add(listener) },
    monitor: { latest: () => members.map(metric), lastKnownOf: (_name, peer) => metric(peer), onAlert: listener => alerts.add(listener) },
    warnings: { onWarning: listener => warnings.add(listener) },
    ...(elsewhere == null ? {} : {
      elsewhere: {
        statuses: { follow: (_peer, from, options) => elsewhere.follow(from, options) }, remotes: unreachable, log: silentLogger
      }
    }),
    workers, clock, random: systemRandom
  })
  await workers.start()
  await events.start()
  await clock.settle()
  const told = async (): Promise<Array<[string, unknown]>> => {
    const end = new AbortController()
    const found: LoggedEvent[] = []
    for await (const batch of events.follow({ after: oldestPlace, signal: end.signal })) {
      found.push(...batch.events)
      end.abort()
    }
    return found.map(({ type, data }) => [type, data])
  }
  return {
    clock, changes, operations, alerts, warnings, events, told, setMembers: (now: string[]) => { members = now },
    stop: async () => { await events.stop(); await workers.stop() }
  }
}

describe('events of the cluster', () => {
  it('tell of the pinset, and of how pins go on this peer', async () => {
    const { changes, operations, told, stop } = await watched()
    changes.emit([{ cid, pin: { cid, name: 'n'.repeat(5000), type: 'pin', allocations: ['a'] } as unknown as Pin }])
    operations.emit({ cid: () => cid, status: 'pin_error', error: 'no luck', attempts: 3 })
    changes.emit([{ cid, pin: undefined }])

    const [put, status, removed] = await told()
    assert.deepEqual(status, ['pin.status', {
      cid: cid.toString(), peer: 'a', status: 'pin_error', error: 'no luck', attempts: 3, peername: 'name of a'
    }])
    assert.deepEqual(removed, ['pin.removed', { cid: cid.toString() }])
    assert.equal((put![1] as { name: string }).name.length, 256)
    await stop()
  })

  it('tell who comes and goes, and not who was there at the start', async () => {
    const { clock, told, setMembers, stop } = await watched()
    setMembers(['a', 'c'])
    await clock.advance(1500)

    assert.deepEqual(await told(), [['peer.up', { peer: 'c', peername: 'name of c' }], ['peer.down', { peer: 'b', peername: 'name of b' }]])
    await stop()
  })

  it('tell of alerts, warnings, tasks and drains', async () => {
    const { alerts, warnings, events, told, stop } = await watched()
    alerts.emit({ name: 'freespace', peer: 'b', triggeredAt: 0 } as unknown as Alert)
    warnings.emit({ level: 'warn', component: 'crdt', message: 'behind', facts: { inner: 1 }, firstAt: 0, lastAt: 0, count: 1 })
    events.task({ taskId: 't1', kind: 'pins-import', state: 'FAILURE', error: 'no' })
    events.peerDrain({ peer: 'b', state: 'waiting', left: 3, moved: 4, reason: 'no room' })

    assert.deepEqual(await told(), [
      ['alert', { metric: 'freespace', peer: 'b', peername: 'name of b', triggered_at: '1970-01-01T00:00:00Z' }],
      ['warning', { level: 'warn', component: 'crdt', message: 'behind' }],
      ['task.status', { task_id: 't1', kind: 'pins-import', state: 'FAILURE', error: 'no' }],
      ['peer.drain', { peer: 'b', peername: 'name of b', state: 'waiting', left: 3, moved: 4, reason: 'no room' }]
    ])
    await stop()
  })

  it('tell how pins go on the others, and tell who was away while nobody listened that some of that is missing', async () => {
    const clock = new SimClock()
    const other = new StatusLog({ clock, random: systemRandom })
    const { events, stop } = await watched({ clock, elsewhere: other })
    await clock.advance(1500)
    const leave = new AbortController()
    const first = events.follow({ signal: leave.signal })
    const { value: begin } = await first.next()
    const next = first.next()
    other.add(() => ({ cid: cid.toString(), peer: 'liar', status: 'pinned' }))
    await clock.advance(1000)
    const { value: heard } = await next
    assert.deepEqual(
      heard?.events.map(({ type, data }) => [type, data]),
      [['pin.status', { cid: cid.toString(), peer: 'b', status: 'pinned', peername: 'name of b' }]]
    )

    const gone = first.next()
    leave.abort()
    await gone
    await clock.advance(30_000)
    const { signal } = new AbortController()
    const soon = await events.follow({ after: heard?.last, signal }).next()
    assert.equal(soon.value?.missed, false)
    await stop()

    const { clock: time, events: quiet, changes, stop: end } = await watched({ elsewhere: other })
    const early = quiet.follow({ signal: new AbortController().signal })
    const { value: place } = await early.next()
    await early.return()
    await time.advance(120_000)
    changes.emit([{ cid, pin: undefined }])
    const late = await quiet.follow({ after: place?.last, signal }).next()
    assert.deepEqual([begin?.missed, late.value?.missed, late.value?.events.length], [false, true, 1])
    await end()
  })

  it('have ids that mean nothing to the log of the next start', async () => {
    const [first, second] = [await watched(), await watched()]
    first.changes.emit([{ cid, pin: undefined }])
    second.changes.emit([{ cid, pin: undefined }])
    const { signal } = new AbortController()
    const { value } = await first.events.follow({ after: oldestPlace, signal }).next()
    const { value: other } = await second.events.follow({ after: value?.last, signal }).next()

    assert.equal(other?.missed, true)
    await first.stop()
    await second.stop()
  })
})
