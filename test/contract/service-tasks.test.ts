import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { ClusterError, isClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import type { TaskContext, TaskHandler, Tasks } from '../../src/service/tasks/tasks.ts'
import { JumpingClock } from '../support/jumping-clock.ts'
import { pollUntil } from '../support/poll.ts'
import { eachDatabase } from '../support/service-database.ts'
import type { TestPeer } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const withCode = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
const signal = new AbortController().signal
/** Until the handler is told to end. */
const aborted = async ({ signal }: TaskContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

/** The promises of `Tasks`. */
eachDatabase('tasks contract', databases => {
  const started: Tasks[] = []
  afterEach(async () => { for (const tasks of started.splice(0)) await tasks.stop() })

  async function tasksOf (peer: TestPeer, handlers: Record<string, TaskHandler<any>>, concurrency = 4): Promise<Tasks> {
    const tasks = sqlTasks({ concurrency }, { ...peer, random: systemRandom })
    for (const [kind, handler] of Object.entries(handlers)) tasks.handle(kind, handler)
    started.push(tasks)
    await tasks.start(signal)
    return tasks
  }

  async function withTasks (handlers: Record<string, TaskHandler<any>>): Promise<{
    peer: TestPeer, tasks: Tasks, user: string, create: (kind: string, input?: unknown, owner?: string) => Promise<string>
  }> {
    const peer = await databases.open()
    const user = await addUser(peer.database)
    const tasks = await tasksOf(peer, handlers)
    return {
      peer, tasks, user, create: (kind, input = null, owner = user) => peer.database.transaction(tx => tasks.create(tx, owner, kind, input))
    }
  }

  it('does what it is given, and says what came of it', async () => {
    const { tasks, user, create } = await withTasks({ sum: async ({ input }) => ({ sum: input.a + input.b }) })

    const id = await create('sum', { a: 1, b: 2 })
    const row = await tasks.finished(user, id)

    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.deepEqual([row.state, row.result, row.error, row.attempts], ['SUCCESS', '{"sum":3}', null, 1])
    assert.ok(row.created_at <= row.started_at! && row.started_at! <= row.completed_at!)
  })

  it('says why it failed, without what is inside of us', async () => {
    const { tasks, user, create } = await withTasks({
      refused: async () => { throw new ClusterError('DENIED') },
      broken: async () => { (undefined as unknown as { x: number }).x++ }
    })

    const refused = await tasks.finished(user, await create('refused'))
    const broken = await tasks.finished(user, await create('broken'))

    assert.deepEqual([refused.state, refused.error], ['FAILURE', 'the content is denied on this peer'])
    assert.deepEqual([broken.state, broken.error], ['FAILURE', 'an unexpected fault'])
  })

  it('begins nothing that was taken back', async () => {
    const { peer, tasks, user } = await withTasks({ any: async () => null })

    await assert.rejects(peer.database.transaction(async tx => {
      await tasks.create(tx, user, 'any', null)
      throw new Error('no')
    }), /no/)

    assert.deepEqual(await tasks.list(user), [])
  })

  it('shows a task to its user only', async () => {
    const { peer, tasks, user, create } = await withTasks({ any: async () => null })
    const other = await addUser(peer.database)
    const id = await create('any')

    for (const stranger of [other, 'nobody']) {
      await assert.rejects(tasks.get(stranger, id), withCode('NOT_FOUND'))
      await assert.rejects(tasks.revoke(stranger, id), withCode('NOT_FOUND'))
      assert.deepEqual(await tasks.list(stranger), [])
    }
    await tasks.finished(user, id)
    assert.deepEqual((await tasks.list(user)).map(row => row.id), [id])
    await assert.rejects(tasks.get(user, 'no-such'), withCode('NOT_FOUND'))
  })

  it('is shared by the peers of a database: each task is done once', async () => {
    const done: string[] = []
    const handler = (peer: string): TaskHandler<number> => async ({ input }) => {
      await new Promise(resolve => setImmediate(resolve))
      done.push(`${peer}:${input}`)
    }
    const { peer, tasks, user } = await withTasks({ count: handler('a') })
    await tasksOf(await databases.another(), { count: handler('b') })

    const ids = await peer.database.transaction(async tx => {
      const ids: string[] = []
      for (let at = 0; at < 30; at++) ids.push(await tasks.create(tx, at % 2 === 0 ? user : null, 'count', at))
      return ids
    })
    await Promise.all(ids.filter((_id, at) => at % 2 === 0).map(id => tasks.finished(user, id)))
    await pollUntil(() => done.length >= 30, { what: 'all tasks' })

    assert.deepEqual(done.map(one => Number(one.split(':')[1])).toSorted((a, b) => a - b), Array.from({ length: 30 }, (_one, at) => at))
  })

  it('leaves kinds that it has no handler for to others', async () => {
    const { peer, user } = await withTasks({ other: async () => null })
    const able = await tasksOf(await databases.another(), { special: async () => 'done' })

    const id = await peer.database.transaction(tx => able.create(tx, user, 'special', null))

    assert.equal((await able.finished(user, id)).result, '"done"')
  })

  it('runs no more than two of a user at once, and others\' meanwhile', async () => {
    const running = new Set<string>()
    let most = 0
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { peer, tasks, user, create } = await withTasks({
      wait: async ({ id }) => {
        running.add(id)
        most = Math.max(most, running.size)
        await released
        running.delete(id)
      },
      quick: async () => null
    })
    const other = await addUser(peer.database)

    const ids = [await create('wait'), await create('wait'), await create('wait'), await create('wait')]
    await tasks.finished(other, await create('quick', null, other))
    assert.ok(running.size <= 2)
    release()
    await Promise.all(ids.map(id => tasks.finished(user, id)))

    assert.equal(most, 2)
  })

  it('goes on where it was when the peer that had it is gone', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const user = await addUser(peer.database)
    const { promise: isHalf, resolve: half } = Promise.withResolvers<void>()
    const dead = await tasksOf(peer, {
      steps: async (_task, { progress }) => {
        await progress({ done: 3 })
        half()
        return new Promise(() => {}) // never again heard of
      }
    })
    const id = await peer.database.transaction(tx => dead.create(tx, user, 'steps', null))
    await isHalf
    started.splice(0)
    await peer.workers.stop()

    const seen: unknown[] = []
    const heir = await tasksOf(await databases.another({ clock }), {
      steps: async ({ progress, attempt }) => { seen.push(progress, attempt) }
    })
    assert.equal((await heir.get(user, id)).state, 'STARTED')
    clock.jump(31_000)
    heir.wake()
    const row = await heir.finished(user, id)

    assert.deepEqual([row.state, ...seen], ['SUCCESS', { done: 3 }, 2])
  })

  it('hands on what it has when it stops in order', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { tasks, user, create } = await withTasks({
      long: async (_task, context) => {
        begin()
        return aborted(context)
      }
    })
    const id = await create('long')
    await begun

    await tasks.stop()
    const heir = await tasksOf(await databases.another(), { long: async ({ attempt }) => attempt })

    assert.equal((await heir.finished(user, id)).result, '1')
  })

  it('keeps a lease for as long as it works', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const user = await addUser(peer.database)
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let taken = 0
    const handlers = { long: async () => { taken++; begin(); await released } }
    const tasks = await tasksOf(peer, handlers)
    const other = await tasksOf(await databases.another({ clock }), handlers)
    const id = await peer.database.transaction(tx => tasks.create(tx, user, 'long', null))
    await begun

    for (let round = 0; round < 3; round++) {
      clock.jump(20_000)
      const before = (await tasks.get(user, id)).lease_until!
      // a notice about the task makes its peer look after the lease
      await peer.database.transaction(tx => peer.database.notify(tx, 'tasks', id))
      await pollUntil(async () => (await tasks.get(user, id)).lease_until! > before, { what: 'a longer lease' })
      other.wake()
    }
    release()
    await tasks.finished(user, id)

    assert.equal(taken, 1)
  })

  it('revokes what waits and what runs, and nothing that is finished', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    let reason: unknown
    const { tasks, user, create, peer } = await withTasks({
      long: async (_task, context) => {
        begin()
        try { return await aborted(context) } catch (err) {
          reason = err
          throw err
        }
      },
      quick: async () => null
    })
    const running = await create('long')
    await begun
    const waiting = await peer.database.transaction(tx => tasks.create(tx, user, 'nobody does this', null))
    const finished = await create('quick')
    await tasks.finished(user, finished)

    await tasks.revoke(user, running)
    await tasks.revoke(user, waiting)
    await assert.rejects(tasks.revoke(user, finished), withCode('CONFLICT'))
    await assert.rejects(tasks.revoke(user, running), withCode('CONFLICT'))

    await pollUntil(() => reason != null, { what: 'the end of the handler' })
    assert.deepEqual([(await tasks.get(user, running)).state, (await tasks.get(user, waiting)).state], ['REVOKED', 'REVOKED'])
    assert.ok((await tasks.get(user, running)).completed_at != null)
  })

  it('gives back what a task held when it ends without a result, however it ends, and once', async () => {
    const peer = await databases.open()
    const user = await addUser(peer.database)
    const tasks = sqlTasks({}, { ...peer, random: systemRandom })
    const after: string[] = []
    const hold = async (kind: string): Promise<string> => peer.database.transaction(async tx => {
      await tx.insertInto('meta').values({ key: `held by ${kind}`, value: '' }).execute()
      return tasks.create(tx, user, kind, { held: `held by ${kind}` })
    })
    const handlers: Record<string, TaskHandler<{ held: string }>> = {
      fails: async () => { throw new ClusterError('DENIED') }, runs: async (_task, context) => aborted(context), works: async () => null
    }
    for (const [kind, handler] of Object.entries(handlers)) {
      tasks.handle<{ held: string }>(kind, handler, {
        onFailure: async (tx, { input: { held }, user: owner, state, error }) => {
          await tx.deleteFrom('meta').where('key', '=', held).execute()
          return async () => { after.push(`${held}: ${state} ${error} ${owner === user}`) }
        }
      })
    }
    started.push(tasks)
    await tasks.start(signal)
    const ids = [await hold('fails'), await hold('works'), await hold('runs')] as const
    await tasks.finished(user, ids[0])
    await tasks.finished(user, ids[1])
    await pollUntil(async () => (await tasks.get(user, ids[2])).state === 'STARTED', { what: 'the one that runs' })

    await tasks.revoke(user, ids[2])

    await pollUntil(() => after.length === 2, { what: 'what comes after' })
    const held = await peer.database.db.selectFrom('meta').select('key').where('key', 'like', 'held by %').execute()
    assert.deepEqual(held, [{ key: 'held by works' }])
    assert.deepEqual(
      after.toSorted(),
      ['held by fails: FAILURE the content is denied on this peer true', 'held by runs: REVOKED the task was revoked true']
    )
  })

  it('lets a step and its progress happen together, and none of it when the task is not ours any more', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let failure: unknown
    const { peer, tasks, user, create } = await withTasks({
      steps: async (_task, { progress }) => {
        const step = (key: string) => peer.database.transaction(async tx => {
          await tx.insertInto('meta').values({ key, value: '' }).execute()
          await progress(key, tx)
        })
        await step('first')
        begin()
        await released
        await step('second').catch(err => { failure = err })
      }
    })
    const id = await create('steps')
    await begun

    await tasks.revoke(user, id)
    release()
    await pollUntil(() => failure != null, { what: 'the refused step' })

    const keys = await peer.database.db.selectFrom('meta').select('key').where('key', 'in', ['first', 'second']).execute()
    assert.deepEqual(keys, [{ key: 'first' }])
    assert.ok(withCode('CONFLICT')(failure))
    assert.equal((await tasks.get(user, id)).progress, '"first"')
  })

  it('tries again what may pass', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const user = await addUser(peer.database)
    let attempts = 0
    const tasks = await tasksOf(peer, { shaky: async () => { if (++attempts < 3) throw new ClusterError('IPFS_UNAVAILABLE') } })
    const id = await peer.database.transaction(tx => tasks.create(tx, user, 'shaky', null))

    for (let waited = 1; waited < 3; waited++) {
      await pollUntil(
        async () => attempts === waited && (await tasks.get(user, id)).state === 'PENDING', { what: 'the next attempt to wait' }
      )
      clock.jump(20_000)
      tasks.wake()
    }

    assert.deepEqual([(await tasks.finished(user, id)).state, attempts], ['SUCCESS', 3])
  })

  it('gives up what never gets on', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const user = await addUser(peer.database)
    let attempts = 0
    const tasks = await tasksOf(peer, { hopeless: async () => { attempts++; throw new ClusterError('IPFS_UNAVAILABLE') } })
    const id = await peer.database.transaction(tx => tasks.create(tx, user, 'hopeless', null))

    await pollUntil(async () => {
      clock.jump(700_000)
      tasks.wake()
      return (await tasks.get(user, id)).state === 'FAILURE'
    }, { what: 'the failure' })

    assert.equal(attempts, 10)
  })

  it('forgets what was finished a month ago', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const user = await addUser(peer.database)
    const tasks = await tasksOf(peer, { any: async () => null })
    const id = await peer.database.transaction(tx => tasks.create(tx, user, 'any', null))
    await tasks.finished(user, id)

    clock.jump(31 * 24 * 3_600_000)
    await tasksOf(peer, {})

    await pollUntil(async () => (await tasks.list(user)).length === 0, { what: 'the end of the row' })
  })
})
