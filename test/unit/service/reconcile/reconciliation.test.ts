import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseCid } from '../../../../src/model/cid.ts'
import { defaultPinOptions } from '../../../../src/model/pin.ts'
import { markOf } from '../../../../src/service/cluster-pins/mark.ts'
import type { Repairs } from '../../../../src/service/reconcile/reconciliation.ts'
import { Reconciliation } from '../../../../src/service/reconcile/reconciliation.ts'
import type { StagedObject, Staging } from '../../../../src/service/staging/staging.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { pollUntil } from '../../../support/poll.ts'
import type { PinPeer } from '../../../support/service-cluster.ts'
import { anyCid, pinPeer } from '../../../support/service-cluster.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addFile, addUser } from '../../../support/service-rows.ts'

const nothing: Repairs = { owners: 0, statuses: 0, holdings: 0, removedByOthers: 0, orphanPins: 0, stagedObjects: 0, reservations: 0 }
const hourMs = 3_600_000

/** A staging area with these objects. */
class FakeStaging implements Pick<Staging, 'keys' | 'remove'> {
  readonly objects = new Map<string, StagedObject>()

  put (key: string, changedAt: number): void { this.objects.set(key, { key, sizeBytes: 1, changedAt, isOpen: false }) }
  async * keys (): AsyncGenerator<StagedObject> { yield * Array.from(this.objects.values()) }
  async remove (key: string): Promise<void> { this.objects.delete(key) }
}

async function reconciled (peer: PinPeer, { staging = new FakeStaging(), live = [] as string[], log = peer.log } = {}): Promise<Repairs> {
  const reconciliation = new Reconciliation({
    ...peer, log, staging: staging as unknown as Staging, liveStagingKeys: async keys => new Set(keys.filter(key => live.includes(key)))
  })
  return reconciliation.run(new AbortController().signal)
}

const wanted = (cid: string, name = '') => ({ cid, name, origins: [], meta: {} })

/** A user with a pin that is pinned and measured. */
async function settled (peer: PinPeer): Promise<{ user: string, cid: string, requestId: string }> {
  const user = await addUser(peer.database)
  const cid = anyCid()
  const { requestId } = await peer.pins.create({ id: user, workspace: `w-${user}` }, wanted(cid))
  await pollUntil(async () => (await peer.pins.get(user, requestId)).sizeBytes != null, { everyMs: 5 })
  return { user, cid, requestId }
}

eachDatabase('the reconciliation', databases => {
  it('finds nothing to repair where all is well', async () => {
    const peer = await pinPeer(await databases.open())
    await settled(peer)

    assert.deepEqual(await reconciled(peer), nothing)
  })

  it('pins again what somebody else removed, and leaves alone what others pinned', async () => {
    const peer = await pinPeer(await databases.open())
    const { cid } = await settled(peer)
    const theirs = anyCid()
    await peer.cluster.pin(parseCid(theirs), defaultPinOptions())
    // unheard: as while this peer was down
    peer.cluster.pins.delete(cid)

    const repaired = await reconciled(peer)
    await pollUntil(() => peer.cluster.pins.has(cid), { everyMs: 5 })

    assert.deepEqual(repaired, { ...nothing, removedByOthers: 1 })
    assert.ok(peer.cluster.pins.has(theirs))
  })

  it('removes pins of its own that nobody owns, once they are an hour old', async () => {
    const peer = await pinPeer(await databases.open())
    const [old, young, foreign] = [anyCid(), anyCid(), anyCid()]
    const hold = async (cid: string, service: string, timestamp: number): Promise<void> => {
      const pin = await peer.cluster.pin(parseCid(cid), { ...defaultPinOptions(), metadata: markOf(service) })
      peer.cluster.hold({ ...pin, timestamp })
    }
    await hold(old, peer.database.serviceId(), Date.now() - 2 * hourMs)
    await hold(young, peer.database.serviceId(), Date.now())
    await hold(foreign, 'another', Date.now() - 2 * hourMs)

    const repaired = await reconciled(peer)

    assert.deepEqual(repaired, { ...nothing, orphanPins: 1 })
    assert.deepEqual([old, young, foreign].map(cid => peer.cluster.pins.has(cid)), [false, true, true])
  })

  it('leaves many of them, and says so: an older database was put back', async () => {
    const peer = await pinPeer(await databases.open())
    const log = new NotedLogger()
    for (let at = 0; at < 101; at++) {
      const pin = await peer.cluster.pin(parseCid(anyCid()), { ...defaultPinOptions(), metadata: markOf(peer.database.serviceId()) })
      peer.cluster.hold({ ...pin, timestamp: Date.now() - 2 * hourMs })
    }

    const repaired = await reconciled(peer, { log })

    assert.deepEqual([repaired, peer.cluster.pins.size], [nothing, 101])
    assert.equal(log.lines.filter(({ level }) => level === 'error').length, 1)
  })

  it('counts owners and holdings again', async () => {
    const peer = await pinPeer(await databases.open())
    const { user, cid } = await settled(peer)
    const [lost, filed] = [anyCid(), anyCid()]
    await peer.database.transaction(async tx => {
      await tx.updateTable('cluster_pins').set({ owners: 3 }).where('cid', '=', cid).execute()
      await tx.updateTable('holdings').set({ holders: 2 }).execute()
      await tx.updateTable('users').set({ used_bytes: 7 }).where('id', '=', user).execute()
      await peer.clusterPins.acquire(tx, lost)
      await addFile(tx, user, { cid: filed, state: 'pinned', owns_pin: 1, size_bytes: 50 })
    })

    const repaired = await reconciled(peer)

    assert.deepEqual(repaired, { ...nothing, owners: 3, holdings: 3 })
    await pollUntil(() => peer.cluster.pins.has(filed) && !peer.cluster.pins.has(lost), { everyMs: 5 })
    assert.deepEqual(await reconciled(peer), nothing)
    const { used_bytes: used } = await peer.database.db.selectFrom('users').select('used_bytes').where('id', '=', user)
      .executeTakeFirstOrThrow()
    assert.equal(used, 150)
  })

  it('gives tenant pins the status of their CID', async () => {
    const peer = await pinPeer(await databases.open())
    const { user } = await settled(peer)
    await peer.database.transaction(async tx => { await tx.updateTable('pins').set({ status: 'queued' }).execute() })

    const repaired = await reconciled(peer)

    assert.deepEqual(
      [repaired, await peer.pins.counts(user)], [{ ...nothing, statuses: 1 }, { queued: 0, pinning: 0, pinned: 1, failed: 0 }]
    )
  })

  it('removes what lies in staging for nobody, however young: a process that died a moment ago left it', async () => {
    const peer = await pinPeer(await databases.open())
    const staging = new FakeStaging()
    staging.put('orphan', Date.now() - 2 * hourMs)
    staging.put('young', Date.now())
    staging.put('live', Date.now() - 2 * hourMs)

    const repaired = await reconciled(peer, { staging, live: ['live'] })

    assert.deepEqual([repaired, [...staging.objects.keys()]], [{ ...nothing, stagedObjects: 2 }, ['live']])
  })

  it('forgets the tokens of imports that ended before they could do so', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    await peer.database.transaction(async tx => {
      const row = { user_id: user, kind: 'pins-import', version: 1, run_at: 0, created_at: 0 }
      const input = JSON.stringify({ endpoint: 'https://example.com', token: 'secret', workspace: 'w' })
      await tx.insertInto('tasks').values(
        [{ ...row, id: 'revoked', state: 'REVOKED', input }, { ...row, id: 'waiting', state: 'PENDING', input }]
      ).execute()
    })

    await reconciled(peer)

    const rows = await peer.database.db.selectFrom('tasks').select(['id', 'input']).orderBy('id').execute()
    assert.deepEqual(rows.map(({ id, input }) => [id, JSON.parse(input).token]), [['revoked', ''], ['waiting', 'secret']])
  })

  it('gives back reservations whose time is over', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    await peer.database.transaction(async tx => {
      await peer.quota.reserve(tx, user, 10, 'upload', { ttlMs: 1 })
      await tx.updateTable('reservations').set({ expires_at: 1 }).execute()
    })

    assert.deepEqual(await reconciled(peer), { ...nothing, reservations: 1 })
  })
})
