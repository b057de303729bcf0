import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Clock } from '../../../../src/base/clock.ts'
import { ClusterError, isClusterError } from '../../../../src/base/errors.ts'
import { Listeners } from '../../../../src/base/listeners.ts'
import type { CID } from '../../../../src/model/cid.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { defaultPinOptions } from '../../../../src/model/pin.ts'
import type { TrackerStatus } from '../../../../src/model/status.ts'
import type { ClusterPinStatus } from '../../../../src/service/cluster-pins/cluster-pins.ts'
import { markOf } from '../../../../src/service/cluster-pins/mark.ts'
import { pollUntil } from '../../../support/poll.ts'
import type { PinPeer } from '../../../support/service-cluster.ts'
import { anyCid, pinPeer } from '../../../support/service-cluster.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'

/** Nothing happens by time. */
const stoppedClock: Clock = {
  now: () => 1_900_000_000_000,
  elapsed: () => 0,
  sleep: async (_ms, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
  after: () => () => {}
}

const acquired = async ({ database, clusterPins }: PinPeer, cid: string, options = {}): Promise<ClusterPinStatus> => {
  const status = await database.transaction(async tx => clusterPins.acquire(tx, cid, options))
  clusterPins.wake()
  return status
}

const released = async ({ database, clusterPins }: PinPeer, cid: string): Promise<void> => {
  await database.transaction(async tx => clusterPins.release(tx, cid))
  clusterPins.wake()
}

const until = async ({ clusterPins }: PinPeer, cid: string, test: (status: ClusterPinStatus | undefined) => boolean): Promise<void> =>
  pollUntil(async () => test(await clusterPins.status(cid)), { everyMs: 5, what: 'the status' })

eachDatabase('pins of the cluster that the service owns', databases => {
  it('are made for the first owner, with a mark and his queue, and removed when the last one goes', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins, database } = peer
    const cid = anyCid()

    const first = await acquired(peer, cid, { name: 'holiday', tenant: 'ann', origins: ['/ip4/203.0.113.1/tcp/4001'] })
    await clusterPins.applied(cid)
    const pin = cluster.allocation(parseCid(cid))
    await acquired(peer, cid, { name: 'other', tenant: 'bob' })
    await released(peer, cid)
    await clusterPins.applied(cid)
    const between = cluster.pins.has(cid)
    await released(peer, cid)
    await clusterPins.applied(cid)

    assert.equal(first.state, 'queued')
    assert.deepEqual([pin.name, pin.origins, pin.metadata], ['holiday', ['/ip4/203.0.113.1/tcp/4001'], markOf(database.serviceId(), 'ann')])
    assert.deepEqual([between, cluster.pins.has(cid), await clusterPins.status(cid)], [true, false, undefined])
    assert.deepEqual(await database.db.selectFrom('cluster_pins').selectAll().execute(), [])
  })

  it('are borrowed when they are in the pinset already, and stay as they are', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    await cluster.pin(parseCid(cid), { ...defaultPinOptions(), name: 'of the operator' })

    await acquired(peer, cid, { name: 'mine' })
    await until(peer, cid, status => status?.state === 'pinned')
    await released(peer, cid)
    await clusterPins.applied(cid)

    assert.equal(cluster.allocation(parseCid(cid)).name, 'of the operator')
    assert.equal(await clusterPins.status(cid), undefined)
  })

  it('are asked about again when the pinset changes while the peers are asked: the answer may be of before', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster } = peer
    const cid = anyCid()
    await acquired(peer, cid)
    await until(peer, cid, status => status?.state === 'pinned')
    const status = cluster.status.bind(cluster)
    const [asked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let answers = 0
    cluster.status = async (...call) => {
      const answer = await status(...call)
      if (answers++ > 0) return answer
      asked.resolve()
      await goOn.promise
      return answer
    }
    const changeAgain = async (): Promise<void> => { await cluster.pin(parseCid(cid), cluster.allocation(parseCid(cid))) }

    await changeAgain()
    await asked.promise
    cluster.pinStatuses.set(cid, ['pin_error'])
    await changeAgain()
    goOn.resolve()

    await until(peer, cid, now => now?.state === 'failed')
  })

  it('stay when somebody else pinned over them meanwhile', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    await acquired(peer, cid)
    await clusterPins.applied(cid)

    await cluster.pin(parseCid(cid), { ...defaultPinOptions(), name: 'of the operator' })
    await released(peer, cid)
    await clusterPins.applied(cid)

    assert.equal(cluster.allocation(parseCid(cid)).name, 'of the operator')
  })

  it('are made again when somebody else removes them while there is an owner', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    await acquired(peer, cid)
    await clusterPins.applied(cid)

    await cluster.unpin(parseCid(cid))

    await pollUntil(() => cluster.pins.has(cid), { everyMs: 5 })
  })

  it('leave nothing behind when the transaction is taken back', async () => {
    const { clusterPins, database } = await pinPeer(await databases.open())
    const cid = anyCid()

    await assert.rejects(database.transaction(async tx => {
      await clusterPins.acquire(tx, cid)
      throw new Error('changed my mind')
    }), /changed my mind/)

    assert.equal(await clusterPins.status(cid), undefined)
  })

  it('tell their status in the transaction that notes it, and are pinned when all replicas are there', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    const told: string[] = []
    clusterPins.onStatus(async (tx, changed, { state }) => {
      const row = await tx.selectFrom('cluster_pins').select('status').where('cid', '=', changed).executeTakeFirst()
      told.push(`${state} ${row?.status}`)
    })
    cluster.pinStatuses.set(cid, ['pinned', 'pinning', 'remote'])

    await acquired(peer, cid)
    await until(peer, cid, status => status?.state === 'pinning')
    const under = await clusterPins.status(cid)
    cluster.pinStatuses.set(cid, ['pinned', 'pinned', 'remote'])
    await until(peer, cid, status => status?.state === 'pinned')

    assert.deepEqual([under?.replicas, under?.wanted, under?.info.replicas], [1, 2, '1 of 2'])
    assert.equal((await clusterPins.status(cid))?.info.replicas, '2 of 2')
    assert.deepEqual(told, ['pinning pinning', 'pinned pinned'])
  })

  it('are applied, noted and told without a timer: by who asks, by the outbox, by the tracker', async () => {
    const operations = new Listeners<{ cid: () => CID, status: TrackerStatus }>()
    const peer = await pinPeer(
      await databases.open({ clock: stoppedClock }), { tracker: { onOperation: listener => operations.add(listener) } }
    )
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    const { signal } = new AbortController()
    cluster.pinStatuses.set(cid, ['pinning'])

    const pinning = clusterPins.nextStatus(cid, { signal })
    await acquired(peer, cid)
    await Promise.all([clusterPins.applied(cid), pinning])
    const between = (await clusterPins.status(cid))?.state
    const pinned = clusterPins.nextStatus(cid, { signal })
    cluster.pinStatuses.set(cid, ['pinned'])
    operations.emit({ cid: () => parseCid(cid), status: 'pinned' })
    await pinned

    assert.deepEqual([between, (await clusterPins.status(cid))?.state], ['pinning', 'pinned'])
    await released(peer, cid)
    await clusterPins.applied(cid)
    assert.equal(cluster.pins.has(cid), false)
  })

  it('take back the status when who is told of it fails, and try again', async () => {
    const peer = await pinPeer(await databases.open())
    const cid = anyCid()
    let calls = 0
    peer.clusterPins.onStatus(async () => { if (++calls < 2) throw new Error('not now') })

    await acquired(peer, cid)
    await peer.clusterPins.applied(cid)
    await pollUntil(async () => {
      await peer.clusterPins.refresh([cid])
      return (await peer.clusterPins.status(cid))?.state === 'pinned'
    }, { everyMs: 5 })

    assert.equal(calls, 2)
  })

  it('wait with a reason and the next try while the cluster can not take them, and go on then', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    cluster.refusal = new ClusterError('NOT_ENOUGH_PEERS', {}, { message: 'not enough peers to allocate CID' })

    await acquired(peer, cid)
    await assert.rejects(clusterPins.applied(cid), err => isClusterError(err, 'NOT_ENOUGH_PEERS'))
    const waiting = await clusterPins.status(cid)
    cluster.refusal = undefined
    await acquired(peer, cid)
    await until(peer, cid, status => status?.state === 'pinned')

    assert.deepEqual([waiting?.state, waiting?.info.error], ['queued', 'not enough peers to allocate CID'])
    assert.match(waiting?.info.since ?? '', /^\d{4}-.*Z$/)
    assert.ok((waiting?.info.next_try ?? '') > (waiting?.info.since ?? ''))
  })

  it('fail when the cluster refuses them, and when no replica comes; another owner has it tried again', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const [denied, stuck] = [anyCid(), anyCid()]
    cluster.refusal = new ClusterError('DENIED')
    await acquired(peer, denied)
    await until(peer, denied, status => status?.state === 'failed')
    cluster.refusal = undefined
    cluster.pinStatuses.set(stuck, ['pin_error'])
    await acquired(peer, stuck)
    await until(peer, stuck, status => status?.state === 'failed')
    const failed = await clusterPins.status(stuck)

    const again = await acquired(peer, stuck)
    await pollUntil(() => cluster.recovered.length > 0, { everyMs: 5, what: 'another try' })
    cluster.pinStatuses.set(stuck, ['pinned'])
    await until(peer, stuck, status => status?.state === 'pinned')

    assert.equal(failed?.info.error, 'context canceled')
    assert.equal(again.state, 'queued')
    assert.deepEqual(cluster.recovered, [stuck])
  })

  it('are pinned again when they are wanted again while they are being removed', async () => {
    const peer = await pinPeer(await databases.open())
    const { cluster, clusterPins } = peer
    const cid = anyCid()
    await acquired(peer, cid)
    await clusterPins.applied(cid)
    cluster.beforeUnpin = async () => {
      cluster.beforeUnpin = async () => {}
      await acquired(peer, cid)
    }

    await released(peer, cid)
    await pollUntil(() => cluster.changes.includes('unpin'), { everyMs: 5 })
    await clusterPins.applied(cid)
    await until(peer, cid, status => status?.state === 'pinned')

    assert.ok(cluster.pins.has(cid))
  })

  it('are finished by whoever comes after a peer that died in between', async () => {
    const dead = await pinPeer(await databases.open())
    const [cid, gone] = [anyCid(), anyCid()]
    await acquired(dead, gone)
    await dead.clusterPins.applied(gone)
    await dead.stop()
    await acquired(dead, cid)
    await released(dead, gone)
    // as if it had taken them and then died
    await dead.database.transaction(async tx => {
      await tx.updateTable('cluster_pins').set({ next_try_at: Date.now() + 60_000 }).execute()
    })

    const heir = await pinPeer(await databases.another(), dead)
    await pollUntil(async () => dead.cluster.pins.has(cid) && !dead.cluster.pins.has(gone), { everyMs: 5 })

    await until(heir, cid, status => status?.state === 'pinned')
    await heir.stop()
  })

  it('are done once by two peers that share the database', async () => {
    const one = await pinPeer(await databases.open())
    const two = await pinPeer(await databases.another(), one)
    const cids = Array.from({ length: 40 }, anyCid)

    await Promise.all(cids.map(async (cid, at) => acquired(at % 2 === 0 ? one : two, cid)))
    await pollUntil(
      async () => [...(await one.clusterPins.statuses(cids)).values()].every(({ state }) => state === 'pinned'), { everyMs: 10 }
    )

    assert.equal(one.cluster.changes.filter(change => change === 'pin').length, cids.length)
    await two.stop()
  })

  it('settle the quota with the size of what is pinned', async () => {
    const peer = await pinPeer(await databases.open())
    const { clusterPins, database, quota, sizes } = peer
    const user = await addUser(database, { quota_bytes: 1000 })
    const cid = anyCid()
    const told: unknown[] = []
    clusterPins.onSize(async (_tx, sized, bytes, over) => { told.push([sized, bytes, [...over]]) })
    sizes.set(cid, 1500)

    await database.transaction(async tx => {
      await quota.hold(tx, user, cid, null)
      await clusterPins.acquire(tx, cid)
    })
    clusterPins.wake()
    // listeners are told before the commit
    const row = database.db.selectFrom('users').select('used_bytes').where('id', '=', user)
    await pollUntil(async () => (await row.executeTakeFirstOrThrow()).used_bytes === 1500, { everyMs: 5, what: 'the use of the account' })

    assert.deepEqual(told, [[cid, 1500, [user]]])
  })

  it('can not be released by who does not own them', async () => {
    const peer = await pinPeer(await databases.open())

    await assert.rejects(released(peer, anyCid()), err => isClusterError(err, 'INTERNAL'))
  })
})
