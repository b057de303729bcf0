import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemRandom } from '../../src/base/system.ts'
import { isClusterError } from '../../src/base/errors.ts'
import { reservationExpiry, sqlQuota } from '../../src/service/quota/sql-quota.ts'
import type { Quota } from '../../src/service/quota/quota.ts'
import type { SqlDatabase } from '../../src/service/sql/sql.ts'
import { JumpingClock } from '../support/jumping-clock.ts'
import { eachDatabase } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const exceeded = (err: unknown): boolean => isClusterError(err, 'QUOTA_EXCEEDED')
const missing = (err: unknown): boolean => isClusterError(err, 'NOT_FOUND')

/** The promises of `Quota`. */
eachDatabase('quota contract', databases => {
  const quotaOf = (database: SqlDatabase): Quota => sqlQuota({ database, random: systemRandom })
  const used = async (database: SqlDatabase, user: string): Promise<number> =>
    (await database.db.selectFrom('users').select('used_bytes').where('id', '=', user).executeTakeFirstOrThrow()).used_bytes

  async function withUser (quotaBytes = 100): Promise<{ database: SqlDatabase, user: string, quota: Quota }> {
    const { database } = await databases.open()
    return { database, quota: quotaOf(database), user: await addUser(database, { quota_bytes: quotaBytes }) }
  }

  it('reserves up to the last byte, and not one more', async () => {
    const { database, quota, user } = await withUser()

    const first = await database.transaction(tx => quota.reserve(tx, user, 60, 'upload'))
    await database.transaction(tx => quota.reserve(tx, user, 40, 'upload'))
    await assert.rejects(database.transaction(tx => quota.reserve(tx, user, 1, 'upload')), exceeded)
    assert.equal(await used(database, user), 100)

    await database.transaction(tx => quota.release(tx, first))
    await database.transaction(tx => quota.release(tx, first))
    assert.equal(await used(database, user), 40)
  })

  it('extends a reservation as long as there is room', async () => {
    const { database, quota, user } = await withUser()
    const id = await database.transaction(tx => quota.reserve(tx, user, 0, 'upload'))

    await database.transaction(tx => quota.extend(tx, id, 100))
    await assert.rejects(database.transaction(tx => quota.extend(tx, id, 1)), exceeded)
    await database.transaction(tx => quota.extend(tx, id, 0))

    assert.equal(await used(database, user), 100)
    await database.transaction(tx => quota.release(tx, id))
    assert.equal(await used(database, user), 0)
    await assert.rejects(database.transaction(tx => quota.extend(tx, id, 1)), missing)
  })

  it('is not passed by many at the same time, on any peer', async () => {
    const { database, user } = await withUser(1000)
    const peers = [database, (await databases.another()).database]
    const attempts = Array.from({ length: 60 }, async (_one, at) => {
      const peer = peers[at % peers.length]!
      const quota = quotaOf(peer)
      await peer.transaction(async tx => at % 3 === 0 ? quota.hold(tx, user, `cid-${at}`, 100) : quota.reserve(tx, user, 100, 'upload'))
    })

    const results = await Promise.allSettled(attempts)

    const failed = results.filter(result => result.status === 'rejected')
    assert.equal(results.length - failed.length, 10)
    assert.ok(failed.every(({ reason }) => exceeded(reason)), `${failed.map(({ reason }) => reason).find(reason => !exceeded(reason))}`)
    assert.equal(await used(database, user), 1000)
  })

  it('counts a CID once, however many things hold it', async () => {
    const { database, quota, user } = await withUser()
    const hold = () => database.transaction(tx => quota.hold(tx, user, 'a', 70))
    const drop = () => database.transaction(tx => quota.drop(tx, user, 'a'))

    await hold()
    await hold()
    assert.equal(await used(database, user), 70)
    assert.equal(await drop(), true)
    assert.equal(await used(database, user), 70)
    assert.equal(await drop(), true)
    assert.equal(await used(database, user), 0)
    assert.equal(await drop(), false)
  })

  it('turns a reservation into what is held, also when the quota was lowered meanwhile', async () => {
    const { database, quota, user } = await withUser()
    const id = await database.transaction(tx => quota.reserve(tx, user, 100, 'upload'))
    await database.transaction(tx => tx.updateTable('users').set({ quota_bytes: 10 }).where('id', '=', user).execute())

    await database.transaction(tx => quota.hold(tx, user, 'a', 90, { reservation: id }))

    assert.equal(await used(database, user), 90)
    await assert.rejects(database.transaction(tx => quota.hold(tx, user, 'b', 1)), exceeded)
    assert.deepEqual(await database.db.selectFrom('reservations').selectAll().execute(), [])
  })

  it('keeps the reservation when what shall be held is more', async () => {
    const { database, quota, user } = await withUser()
    const id = await database.transaction(tx => quota.reserve(tx, user, 50, 'upload'))

    await assert.rejects(database.transaction(tx => quota.hold(tx, user, 'a', 101, { reservation: id })), exceeded)

    assert.equal(await used(database, user), 50)
    assert.equal((await database.db.selectFrom('reservations').selectAll().execute()).length, 1)
  })

  it('does not take another user\'s reservation', async () => {
    const { database, quota, user } = await withUser()
    const other = await addUser(database, { quota_bytes: 100 })
    const id = await database.transaction(tx => quota.reserve(tx, other, 100, 'upload'))

    await database.transaction(tx => quota.hold(tx, user, 'a', 100, { reservation: id }))

    assert.deepEqual([await used(database, user), await used(database, other)], [100, 100])
  })

  it('counts sizes when they become known, and tells who is over by that', async () => {
    const { database, quota, user } = await withUser()
    const rich = await addUser(database)
    const sized = await addUser(database)
    await database.transaction(async tx => {
      await quota.hold(tx, user, 'a', null)
      await quota.hold(tx, user, 'a', null)
      await quota.hold(tx, rich, 'a', null)
      await quota.hold(tx, sized, 'a', 7)
    })

    const over = await database.transaction(tx => quota.settle(tx, 'a', 150))

    assert.deepEqual(over, [user])
    assert.deepEqual([await used(database, user), await used(database, rich), await used(database, sized)], [150, 150, 7])
    assert.deepEqual(await database.transaction(tx => quota.settle(tx, 'a', 150)), [])
    await database.transaction(async tx => [await quota.drop(tx, user, 'a'), await quota.drop(tx, user, 'a')])
    assert.equal(await used(database, user), 0)
  })

  it('takes the size from a later holder that knows it', async () => {
    const { database, quota, user } = await withUser()
    await database.transaction(tx => quota.hold(tx, user, 'a', null))

    await assert.rejects(database.transaction(tx => quota.hold(tx, user, 'a', 101)), exceeded)
    await database.transaction(tx => quota.hold(tx, user, 'a', 100))

    assert.equal(await used(database, user), 100)
  })

  it('gives back what was reserved by somebody who never came back', async () => {
    const clock = new JumpingClock()
    const { database } = await databases.open({ clock })
    const quota = quotaOf(database)
    const user = await addUser(database, { quota_bytes: 100 })
    const worker = reservationExpiry({ database, quota })
    const signal = new AbortController().signal
    await database.transaction(async tx => {
      await quota.reserve(tx, user, 30, 'lost')
      await quota.reserve(tx, user, 40, 'long', { ttlMs: 10 * 3_600_000 })
    })
    const extended = await database.transaction(tx => quota.reserve(tx, user, 20, 'extended'))

    clock.jump(3_500_000)
    await database.transaction(tx => quota.extend(tx, extended, 0))
    clock.jump(200_000)
    assert.equal(await worker.work(signal), 'busy')
    assert.equal(await worker.work(signal), 'idle')

    assert.equal(await used(database, user), 60)
  })

  it('refuses unknown users and odd numbers', async () => {
    const { database, quota, user } = await withUser()

    await assert.rejects(database.transaction(tx => quota.reserve(tx, 'nobody', 1, 'upload')), missing)
    for (const bytes of [-1, 0.5, NaN, 2 ** 53]) {
      await assert.rejects(
        database.transaction(tx => quota.reserve(tx, user, bytes, 'upload')), err => isClusterError(err, 'INVALID_ARGUMENT')
      )
    }
  })

  it('finds and corrects a sum that is wrong', async () => {
    const { database, quota, user } = await withUser()
    await database.transaction(async tx => {
      await quota.hold(tx, user, 'a', 30)
      await quota.reserve(tx, user, 20, 'upload')
    })
    assert.equal(await database.transaction(tx => quota.recount(tx, user)), 0)
    await database.transaction(tx => tx.updateTable('users').set({ used_bytes: 57 }).where('id', '=', user).execute())

    assert.equal(await database.transaction(tx => quota.recount(tx, user)), 7)

    assert.equal(await used(database, user), 50)
  })

  it('is always the sum, whatever happens in parallel', async () => {
    const { database, user } = await withUser(500)
    const peers = [database, (await databases.another()).database]
    const steps = Array.from({ length: 80 }, async (_one, at) => {
      const peer = peers[at % peers.length]!
      const quota = quotaOf(peer)
      const cid = `cid-${at % 7}`
      await peer.transaction(async tx => {
        const kind = at % 4
        if (kind === 0) await quota.hold(tx, user, cid, (at % 7) * 30)
        else if (kind === 1) await quota.drop(tx, user, cid)
        else if (kind === 2) await quota.hold(tx, user, cid, null)
        else await quota.settle(tx, cid, (at % 7) * 30)
      })
    })

    const results = await Promise.allSettled(steps)

    const odd = results.flatMap(result => result.status === 'rejected' && !exceeded(result.reason) ? [result.reason] : [])
    assert.deepEqual(odd, [])
    assert.equal(await database.transaction(tx => quotaOf(database).recount(tx, user)), 0)
  })
})
