import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { systemRandom } from '../../src/base/system.ts'
import { sqlQuota } from '../../src/service/quota/sql-quota.ts'
import { sqlUsage } from '../../src/service/usage/sql-usage.ts'
import type { Usage } from '../../src/service/usage/usage.ts'
import { JumpingClock } from '../support/jumping-clock.ts'
import { pollUntil } from '../support/poll.ts'
import { eachDatabase } from '../support/service-database.ts'
import type { TestPeer } from '../support/service-database.ts'
import { addFile, addUser } from '../support/service-rows.ts'

const dayMs = 86_400_000

/** The promises of `Usage`. */
eachDatabase('usage contract', databases => {
  const started: Usage[] = []
  afterEach(async () => { for (const usage of started.splice(0)) await usage.stop() })

  async function usageOf (peer: TestPeer): Promise<Usage> {
    const usage = sqlUsage(peer)
    started.push(usage)
    await usage.start(new AbortController().signal)
    return usage
  }

  it('counts requests, bytes and views of each user, from all peers', async () => {
    const peer = await databases.open()
    const [user, other] = [await addUser(peer.database), await addUser(peer.database)]
    const here = await usageOf(peer)
    const there = await usageOf(await databases.another())

    here.request(user)
    here.request(user)
    there.request(user)
    here.served(user, 100)
    there.served(user, 11)
    there.viewed(user, 'a')
    here.request(other)
    await Promise.all([here.flush(), there.flush()])

    const [today] = await here.days(user, 1)
    assert.deepEqual({ ...today, day: '' }, { day: '', bytesStored: 0, bytesServed: 111, requests: 3, views: 1 })
    assert.equal((await there.days(other, 1))[0]?.requests, 1)
  })

  it('counts views for the file, with the time of the last', async () => {
    const peer = await databases.open()
    const user = await addUser(peer.database)
    const usage = await usageOf(peer)
    await peer.database.transaction(tx => addFile(tx, user, { cid: 'a' }))
    const before = peer.database.now()

    for (let at = 0; at < 5; at++) usage.viewed(user, 'a')
    await usage.flush()

    const file = await peer.database.db.selectFrom('files').select(['view_count', 'last_accessed_at']).executeTakeFirstOrThrow()
    assert.equal(file.view_count, 5)
    assert.ok(file.last_accessed_at >= before)
  })

  it('lets who reads a file wait for views of the same user only', async () => {
    const peer = await databases.open()
    const [user, other] = [await addUser(peer.database), await addUser(peer.database)]
    const usage = await usageOf(peer)
    await peer.database.transaction(tx => addFile(tx, user, { cid: 'a' }))
    const held = Promise.withResolvers<void>()
    const inHand = Promise.withResolvers<void>()
    const views = async (): Promise<number> => (
      await peer.database.db.selectFrom('files').select('view_count').executeTakeFirstOrThrow()
    ).view_count
    const writing = peer.database.transaction(async tx => {
      await tx.updateTable('users').set({ quota_bytes: 7 }).where('id', 'in', [user, other]).execute()
      inHand.resolve()
      await held.promise
    })
    await inHand.promise

    usage.viewed(user, 'a')
    usage.request(other)
    let isShown = false
    const shown = usage.flushViews(user).then(() => { isShown = true })
    await usage.flushViews(other)
    const wasShown = isShown
    held.resolve()
    await Promise.all([writing, shown])

    assert.deepEqual([wasShown, await views()], [false, 1])
    await usage.flushViews(user)
  })

  it('writes by itself', async () => {
    const peer = await databases.open()
    const user = await addUser(peer.database)
    const usage = await usageOf(peer)

    usage.request(user)

    await pollUntil(async () => (await usage.days(user, 1))[0]?.requests === 1, { what: 'the count' })
  })

  it('writes the last ones when it stops', async () => {
    const peer = await databases.open()
    const user = await addUser(peer.database)
    const usage = await usageOf(peer)

    usage.served(user, 5)
    await usage.stop()

    assert.equal((await usage.days(user, 1))[0]?.bytesServed, 5)
  })

  it('shows every day, and what was stored at its end', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const { database } = peer
    const user = await addUser(database)
    const usage = await usageOf(peer)
    const quota = sqlQuota({ database, random: systemRandom })
    const store = (cid: string, bytes: number) => database.transaction(tx => quota.hold(tx, user, cid, bytes))

    await store('a', 10)
    usage.request(user)
    await usage.flush()
    clock.jump(2 * dayMs)
    await store('b', 5)
    usage.request(user)
    await usage.flush()
    clock.jump(dayMs)
    await store('c', 1)

    const days = await usage.days(user, 5)
    assert.deepEqual(days.map(({ bytesStored, requests }) => [bytesStored, requests]), [[0, 0], [10, 1], [10, 0], [15, 1], [16, 0]])
    assert.equal(days.at(-1)?.day, new Date(database.now()).toISOString().slice(0, 10))
    assert.deepEqual((await usage.days(user, 2)).map(({ bytesStored }) => bytesStored), [15, 16])
  })

  it('minds nobody who is gone', async () => {
    const peer = await databases.open()
    const user = await addUser(peer.database)
    const usage = await usageOf(peer)

    usage.request('nobody')
    usage.viewed('nobody', 'a')
    usage.request(user)
    await usage.flush()

    assert.equal((await usage.days(user, 1))[0]?.requests, 1)
  })
})
