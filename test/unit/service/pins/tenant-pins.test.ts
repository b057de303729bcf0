import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { pinningStatuses } from '../../../../src/model/pinning-service.ts'
import type { PinFilter, TenantPin, WantedPin } from '../../../../src/service/pins/pins.ts'
import type { PinRow } from '../../../../src/service/sql/tables.ts'
import { pollUntil } from '../../../support/poll.ts'
import type { PinPeer } from '../../../support/service-cluster.ts'
import { anyCid, pinPeer } from '../../../support/service-cluster.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'

const ownerOf = (user: string) => ({ id: user, workspace: `w-${user}` })
const wanted = (change: Partial<WantedPin> = {}): WantedPin => ({ cid: anyCid(), name: '', origins: [], meta: {}, ...change })
const all: PinFilter = { statuses: pinningStatuses }

const made = async ({ pins }: PinPeer, user: string, change: Partial<WantedPin> = {}): Promise<TenantPin> =>
  pins.create(ownerOf(user), wanted(change))
const until = async ({ pins }: PinPeer, user: string, requestId: string, test: (pin: TenantPin) => boolean): Promise<void> =>
  pollUntil(async () => test(await pins.get(user, requestId)), { everyMs: 5, what: 'the pin' })
const usedBy = async ({ database }: PinPeer, user: string): Promise<number> =>
  (await database.db.selectFrom('users').select('used_bytes').where('id', '=', user).executeTakeFirstOrThrow()).used_bytes
const namesOf = async ({ pins }: PinPeer, user: string, filter: Partial<PinFilter>): Promise<string[]> =>
  (await pins.find(user, { ...all, ...filter }, { limit: 100 })).pins.map(({ name }) => name)

eachDatabase('pins of users', databases => {
  it('have request ids of their own, also for the same CID, and follow the cluster', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const cid = anyCid()

    const [one, two] = [
      await made(peer, user, { cid, name: 'one' }),
      await made(peer, user, { cid, name: 'two', meta: { app: 'x' }, origins: ['/ip4/203.0.113.1/tcp/4001'] })
    ]
    await until(peer, user, one.requestId, ({ status }) => status === 'pinned')
    await until(peer, user, two.requestId, ({ status }) => status === 'pinned')
    const found = await peer.pins.get(user, two.requestId)

    assert.notEqual(one.requestId, two.requestId)
    assert.match(one.requestId, /^[0-9A-Za-z]{22}$/)
    assert.deepEqual([found.cid, found.name, found.meta, found.origins], [cid, 'two', { app: 'x' }, ['/ip4/203.0.113.1/tcp/4001']])
    assert.deepEqual(await peer.pins.counts(user), { queued: 0, pinning: 0, pinned: 2, failed: 0 })
    assert.equal(peer.cluster.pins.size, 1)
  })

  it('are newest first in pages that miss none and have none twice, with an honest count', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const names = Array.from({ length: 25 }, (_, at) => `pin ${at}`)
    for (const name of names) await made(peer, user, { name })

    const pages: string[][] = []
    const counts: number[] = []
    for (let before: number | undefined; ;) {
      const { count, pins } = await peer.pins.find(user, { ...all, ...(before == null ? {} : { before }) }, { limit: 10 })
      counts.push(count)
      if (pins.length === 0) break
      pages.push(pins.map(({ name }) => name))
      before = pins.at(-1)?.created
    }

    assert.deepEqual(pages.flat(), names.toReversed())
    assert.deepEqual(counts, [25, 15, 5, 0])
  })

  it('have times of their own when many come at once', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)

    const many = await Promise.all(Array.from({ length: 30 }, async () => made(peer, user)))

    assert.equal(new Set(many.map(({ created }) => created)).size, 30)
  })

  it('are found by name in all four ways, by CID, status, time and meta, and by all of them together', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const red = await made(peer, user, { name: 'Red Fox', meta: { app: 'zoo', kind: 'fox' } })
    const blue = await made(peer, user, { name: 'blue fox', meta: { app: 'zoo' } })
    const bird = await made(peer, user, { name: 'bird' })
    peer.cluster.pinStatuses.set(bird.cid, ['pinning'])
    await pollUntil(async () => (await peer.pins.counts(user)).pinned >= 2)

    assert.deepEqual(await namesOf(peer, user, { name: { text: 'Red Fox', match: 'exact' } }), ['Red Fox'])
    assert.deepEqual(await namesOf(peer, user, { name: { text: 'red fox', match: 'exact' } }), [])
    assert.deepEqual(await namesOf(peer, user, { name: { text: 'red fox', match: 'iexact' } }), ['Red Fox'])
    assert.deepEqual(await namesOf(peer, user, { name: { text: ' fox', match: 'partial' } }), ['blue fox'])
    assert.deepEqual(await namesOf(peer, user, { name: { text: ' FOX', match: 'ipartial' } }), ['blue fox', 'Red Fox'])
    assert.deepEqual(await namesOf(peer, user, { cids: [bird.cid, red.cid, anyCid()] }), ['bird', 'Red Fox'])
    assert.deepEqual(await namesOf(peer, user, { cids: [red.cid], statuses: ['failed', 'queued'] }), [])
    assert.deepEqual(await namesOf(peer, user, { before: blue.created }), ['Red Fox'])
    assert.deepEqual(await namesOf(peer, user, { after: blue.created }), ['bird'])
    assert.deepEqual(await namesOf(peer, user, { meta: { app: 'zoo' } }), ['blue fox', 'Red Fox'])
    assert.deepEqual(await namesOf(peer, user, { meta: { app: 'zoo', kind: 'fox' } }), ['Red Fox'])
    assert.deepEqual(
      await namesOf(peer, user, { meta: { app: 'zoo' }, name: { text: 'blue', match: 'partial' }, statuses: ['pinned', 'failed'] }),
      ['blue fox']
    )
    assert.equal((await peer.pins.find(user, { ...all, name: { text: 'fox', match: 'ipartial' } }, { limit: 1 })).count, 2)
  })

  it('are nobody else\'s', async () => {
    const peer = await pinPeer(await databases.open())
    const [mine, yours] = [await addUser(peer.database), await addUser(peer.database)]
    const pin = await made(peer, mine)
    const isAbsent = (err: unknown): boolean => isClusterError(err, 'NOT_FOUND')

    await assert.rejects(peer.pins.get(yours, pin.requestId), isAbsent)
    await assert.rejects(peer.pins.change(ownerOf(yours), pin.requestId, wanted({ cid: pin.cid })), isAbsent)
    await assert.rejects(peer.pins.replace(ownerOf(yours), pin.requestId, wanted()), isAbsent)
    await assert.rejects(peer.pins.remove(yours, pin.requestId), isAbsent)

    assert.equal((await peer.pins.find(yours, all, { limit: 10 })).count, 0)
    assert.deepEqual(await peer.pins.counts(yours), { queued: 0, pinning: 0, pinned: 0, failed: 0 })
    assert.equal((await peer.pins.get(mine, pin.requestId)).requestId, pin.requestId)
    assert.equal(await peer.database.transaction(async tx => peer.pins.removeOf(tx, yours, pin.cid)), 0)
  })

  it('keep the CID for as long as one of any user is left', async () => {
    const peer = await pinPeer(await databases.open())
    const [mine, yours] = [await addUser(peer.database), await addUser(peer.database)]
    const cid = anyCid()
    const pins = [await made(peer, mine, { cid }), await made(peer, yours, { cid })] as const
    await peer.clusterPins.applied(cid)

    await peer.pins.remove(mine, pins[0].requestId)
    const between = peer.cluster.pins.has(cid)
    await peer.pins.remove(yours, pins[1].requestId)

    assert.deepEqual([between, peer.cluster.pins.has(cid)], [true, false])
  })

  it('change all but their CID, and are replaced under a new request id', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const pin = await made(peer, user, { name: 'old', meta: { a: '1' } })

    const changed = await peer.pins.change(
      ownerOf(user), pin.requestId, wanted({ cid: pin.cid, name: 'new', meta: { b: '2' }, origins: ['/ip4/203.0.113.9/tcp/1'] })
    )
    await assert.rejects(peer.pins.change(ownerOf(user), pin.requestId, wanted()), err => isClusterError(err, 'INVALID_ARGUMENT'))
    const next = await peer.pins.replace(ownerOf(user), pin.requestId, wanted({ name: 'next' }))

    assert.deepEqual(
      [changed.requestId, changed.cid, changed.name, changed.meta, changed.created],
      [pin.requestId, pin.cid, 'new', { b: '2' }, pin.created]
    )
    assert.notEqual(next.requestId, pin.requestId)
    await assert.rejects(peer.pins.get(user, pin.requestId), err => isClusterError(err, 'NOT_FOUND'))
    await pollUntil(() => peer.cluster.pins.has(next.cid) && !peer.cluster.pins.has(pin.cid))
    assert.equal((await peer.pins.find(user, { ...all, meta: { b: '2' } }, { limit: 10 })).count, 0)
  })

  it('count against the quota once their size is known, each CID once', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database, { quota_bytes: 1000 })
    const cid = anyCid()
    peer.sizes.set(cid, 600)

    const pin = await made(peer, user, { cid })
    await until(peer, user, pin.requestId, ({ sizeBytes }) => sizeBytes === 600)
    const second = await made(peer, user, { cid })
    const used = await usedBy(peer, user)
    await peer.pins.remove(user, pin.requestId)
    await peer.pins.remove(user, second.requestId)

    assert.deepEqual([used, second.sizeBytes, await usedBy(peer, user)], [600, 600, 0])
  })

  it('are refused when their size is known and too large, and when the account is full', async () => {
    const peer = await pinPeer(await databases.open())
    const [rich, poor] = [await addUser(peer.database), await addUser(peer.database, { quota_bytes: 500 })]
    const [large, exact] = [anyCid(), anyCid()]
    peer.sizes.set(large, 501).set(exact, 500)
    const isFull = (err: unknown): boolean => isClusterError(err, 'QUOTA_EXCEEDED')
    const pin = await made(peer, rich, { cid: large })
    await until(peer, rich, pin.requestId, ({ sizeBytes }) => sizeBytes != null)

    await assert.rejects(made(peer, poor, { cid: large }), isFull)
    const fits = await made(peer, poor, { cid: exact })
    await until(peer, poor, fits.requestId, ({ sizeBytes }) => sizeBytes != null)
    await assert.rejects(made(peer, poor), isFull)

    assert.equal((await peer.pins.find(poor, all, { limit: 10 })).count, 1)
    assert.equal((await made(peer, poor, { cid: exact })).sizeBytes, 500)
  })

  it('fail and are let go when they turn out to be too large; an update tries again', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database, { quota_bytes: 500 })
    const cid = anyCid()
    peer.sizes.set(cid, 600)

    const pin = await made(peer, user, { cid })
    await until(peer, user, pin.requestId, ({ status }) => status === 'failed')
    const failed = await peer.pins.get(user, pin.requestId)
    await pollUntil(() => !peer.cluster.pins.has(cid))
    const full = await usedBy(peer, user)
    await peer.database.transaction(async tx => {
      await tx.updateTable('users').set({ quota_bytes: 1000 }).where('id', '=', user).execute()
    })
    await peer.pins.change(ownerOf(user), pin.requestId, wanted({ cid }))
    await until(peer, user, pin.requestId, ({ status }) => status === 'pinned')

    assert.deepEqual([failed.info.reason, full], ['INSUFFICIENT_FUNDS', 0])
    await pollUntil(async () => await usedBy(peer, user) === 600)
  })

  it('count nothing while the cluster fails, and count again when it succeeds', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const cid = anyCid()
    const first = await made(peer, user, { cid })
    await until(peer, user, first.requestId, ({ sizeBytes }) => sizeBytes != null)
    peer.cluster.pinStatuses.set(cid, ['pin_error'])
    // another change of the pin has it looked at
    await peer.cluster.pin(parseCid(cid), peer.cluster.allocation(parseCid(cid)))
    await pollUntil(async () => (await peer.pins.counts(user)).failed === 1)
    const whileFailed = await usedBy(peer, user)

    peer.cluster.pinStatuses.delete(cid)
    await until(peer, user, first.requestId, ({ status }) => status === 'pinned')

    assert.equal(whileFailed, 0)
    await pollUntil(async () => await usedBy(peer, user) === 100)
    assert.equal((await peer.database.db.selectFrom('cluster_pins').select('owners').executeTakeFirstOrThrow()).owners, 1)
  })

  it('tell who lists them of the newest of a CID, in the same transaction', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const cid = anyCid()
    const told: Array<string | null> = []
    peer.pins.onChange(async (_tx, _user, _cid, newest: PinRow | null) => { told.push(newest?.name ?? null) })

    const one = await made(peer, user, { cid, name: 'one' })
    const two = await made(peer, user, { cid, name: 'two' })
    await peer.pins.change(ownerOf(user), two.requestId, wanted({ cid, name: 'three' }))
    await peer.pins.remove(user, two.requestId)
    await peer.pins.remove(user, one.requestId)

    assert.deepEqual(told, ['one', 'two', 'three', 'one', null])
  })

  it('are given oldest first, all of them, to who exports them', async () => {
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const wishes = Array.from({ length: 620 }, (_, at) => wanted({ name: `${at}` }))
    await peer.database.transaction(async tx => { await peer.pins.takeOver(tx, ownerOf(user), wishes) })

    const names: string[] = []
    for await (const batch of peer.pins.all(user)) names.push(...batch.map(({ name }) => name))

    assert.deepEqual(names, wishes.map(({ name }) => name))
  })
})
