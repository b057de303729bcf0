import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import type { LoggedEvent } from '../../src/events/events.ts'
import { oldestPlace } from '../../src/events/events.ts'
import { userEvents } from '../../src/service/events/sql-user-events.ts'
import type { NewUserEvent, UserEvents, UserEventType } from '../../src/service/events/user-events.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import { JumpingClock } from '../support/jumping-clock.ts'
import { pollUntil } from '../support/poll.ts'
import { eachDatabase } from '../support/service-database.ts'
import type { TestPeer } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const signal = new AbortController().signal

/** The promises of `UserEvents`. */
eachDatabase('user events contract', databases => {
  const ending: Array<() => unknown> = []
  afterEach(async () => { for (const end of ending.splice(0).toReversed()) await end() })

  async function eventsOf (peer: TestPeer, keptEvents?: number): Promise<UserEvents> {
    const events = userEvents(keptEvents == null ? {} : { keptEvents }, peer)
    await events.start(signal)
    ending.push(async () => { await events.stop() })
    return events
  }

  async function withEvents (keptEvents?: number): Promise<{
    peer: TestPeer, events: UserEvents, user: string, record: (types: UserEventType[], owner?: string) => Promise<void>
  }> {
    const peer = await databases.open()
    const events = await eventsOf(peer, keptEvents)
    const user = await addUser(peer.database)
    const record = async (types: UserEventType[], owner = user): Promise<void> =>
      peer.database.transaction(tx => events.record(tx, types.map((type, n): NewUserEvent => ({ user: owner, type, data: { n } }))))
    return { peer, events, user, record }
  }

  /** What a reader has had; `missed` whenever it was told so. */
  function reading (events: UserEvents, user: string, after?: string) {
    const end = new AbortController()
    const state = { had: [] as LoggedEvent[], missed: 0, isOver: false, begun: 0 }
    const done = (async () => {
      for await (const batch of events.follow(user, { after, signal: end.signal })) {
        state.begun++
        state.had.push(...batch.events)
        if (batch.missed) state.missed++
      }
      state.isOver = true
    })()
    ending.push(async () => {
      end.abort()
      await done
    })
    return { state, types: () => state.had.map(({ type }) => type), ids: () => state.had.map(({ id }) => Number(id)) }
  }

  it('tells what happens after it was asked, in the order of the transactions', async () => {
    const { events, user, record } = await withEvents()
    await record(['file.created'])
    const reader = reading(events, user)
    await pollUntil(() => reader.state.begun > 0)

    await record(['file.status', 'pin.created'])
    await record(['file.deleted'])
    await pollUntil(() => reader.state.had.length === 3)

    assert.deepEqual([reader.types(), reader.ids(), reader.state.missed], [['file.status', 'pin.created', 'file.deleted'], [2, 3, 4], 0])
  })

  it('tells small ones and large ones, few and many at once, in their order and once, here and on another peer', async () => {
    const { peer, events, user } = await withEvents()
    const other = await addUser(peer.database)
    const second = await eventsOf(await databases.another())
    const readers = [reading(events, user), reading(second, user)]
    await pollUntil(() => readers.every(({ state }) => state.begun > 0))
    const texts = ['small', 'x'.repeat(5000), 'ü\n"quoted" and a blank', '', 'y'.repeat(2000)]
    const wanted = Array.from({ length: 60 }, (_, n) => texts[n % texts.length])
    for (let at = 0, count = 1; at < wanted.length; at += count, count = count % 12 + 1) {
      const some = wanted.slice(at, at + count).map((text): NewUserEvent => ({ user, type: 'file.status', data: { text } }))
      await peer.database.transaction(
        async tx => events.record(tx, [...some, { user: other, type: 'pin.created', data: { text: 'of another' } }])
      )
    }
    await pollUntil(() => readers.every(({ state }) => state.had.length >= wanted.length), { what: 'all events at both' })

    for (const { state, ids } of readers) {
      assert.deepEqual(state.had.map(({ data }) => data.text), wanted)
      assert.deepEqual([ids(), state.missed], [Array.from({ length: 60 }, (_, n) => n + 1), 0])
    }
  })

  it('reads nothing for who listens of what the notice had in it', async () => {
    const { peer, events, user, record } = await withEvents()
    const reader = reading(events, user)
    await pollUntil(() => reader.state.begun > 0)
    await peer.database.transaction(async tx => tx.deleteFrom('events').execute())

    const { database } = peer
    await database.transaction(async tx => {
      await events.record(tx, [{ user, type: 'file.created', data: { n: 1 } }])
      await tx.deleteFrom('events').execute()
    })
    await record(['file.status'])
    await pollUntil(() => reader.state.had.length === 2)

    assert.deepEqual([reader.types(), reader.state.missed], [['file.created', 'file.status'], 0])
  })

  it('tells nothing of what was taken back', async () => {
    const { peer, events, user, record } = await withEvents()
    await assert.rejects(peer.database.transaction(async tx => {
      await events.record(tx, [{ user, type: 'file.created', data: {} }])
      throw new Error('no')
    }), /no/)
    await record(['pin.created'])
    const reader = reading(events, user, oldestPlace)
    await pollUntil(() => reader.state.had.length > 0)

    assert.deepEqual([reader.types(), reader.ids()], [['pin.created'], [1]])
  })

  it('tells nobody of what is somebody else\'s', async () => {
    const { peer, events, user, record } = await withEvents()
    const other = await addUser(peer.database)
    const [own, others] = [reading(events, user, oldestPlace), reading(events, other, oldestPlace)]
    await record(['file.created'])
    await record(['pin.created'], other)
    await pollUntil(() => own.state.had.length > 0 && others.state.had.length > 0)

    assert.deepEqual([own.types(), others.types()], [['file.created'], ['pin.created']])
  })

  it('goes on where a reader was, on any peer, and loses and repeats nothing', async () => {
    const { events, user, record } = await withEvents()
    const second = await eventsOf(await databases.another())
    for (let n = 0; n < 250; n++) await record(['file.created'])
    const reader = reading(second, user, '20')
    await pollUntil(() => reader.state.had.length >= 230)
    await record(['file.deleted'])
    await pollUntil(() => reader.state.had.length >= 231)

    assert.deepEqual(reader.ids(), Array.from({ length: 231 }, (_, n) => n + 21))
    assert.equal(reader.state.missed, 0)
    const late = reading(events, user, '251')
    await pollUntil(() => late.state.begun > 0)
    assert.deepEqual([late.state.had, late.state.missed], [[], 0])
  })

  it('knows a place that this peer has not been told of yet', async () => {
    const { peer, user, record } = await withEvents()
    const told: Array<(text: string | null) => void> = []
    const slow = new Proxy(peer.database, {
      get: (target, name) => {
        if (name === 'listen') {
          return (_channel: string, listener: (text: string | null) => void) => { told.push(listener); return () => {} }
        }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
    const late = await eventsOf({ ...peer, database: slow })
    const first = reading(late, user)
    await pollUntil(() => first.state.begun > 0)
    await record(['file.created'])
    const all = reading(late, user, oldestPlace)
    const second = reading(late, user, '1')
    await pollUntil(() => all.state.begun > 1 && second.state.begun > 0)
    await record(['file.deleted'])
    for (const listener of told) listener(user)
    await pollUntil(() => [first, all, second].every(({ types }) => types().at(-1) === 'file.deleted'))

    assert.deepEqual([first, all, second].map(({ ids }) => ids()), [[1, 2], [1, 2], [2]])
    assert.deepEqual([first, all, second].map(({ state }) => state.missed), [0, 0, 0])
  })

  it('gives each reader everything once while many write at the same time', async () => {
    const { peer, events, user } = await withEvents()
    const second = await databases.another()
    const elsewhere = await eventsOf(second)
    const readers = [reading(events, user, oldestPlace), reading(elsewhere, user, oldestPlace)]
    const write = async ({ database }: TestPeer, log: UserEvents): Promise<void> => {
      for (let n = 0; n < 20; n++) await database.transaction(tx => log.record(tx, [{ user, type: 'file.status', data: { n } }]))
    }
    await Promise.all([write(peer, events), write(peer, events), write(second, elsewhere)])
    await pollUntil(() => readers.every(({ state }) => state.had.length >= 60))

    for (const { ids } of readers) assert.deepEqual(ids(), Array.from({ length: 60 }, (_, n) => n + 1))
  })

  it('keeps the newest, and tells who comes too late', async () => {
    const { peer, events, user, record } = await withEvents(150)
    await record(Array.from({ length: 1000 }, () => 'file.created' as const))
    await record(['file.deleted'])
    const { count } = await peer.database.db.selectFrom('events').select(
      eb => eb.fn.countAll<number>().as('count')
    ).executeTakeFirstOrThrow()
    const late = reading(events, user, '3')
    const all = reading(events, user, oldestPlace)
    await pollUntil(() => late.types().at(-1) === 'file.deleted' && all.types().at(-1) === 'file.deleted')

    assert.ok(count <= 250, `${count} rows`)
    assert.deepEqual([late.state.missed, all.state.missed], [1, 0])
    assert.deepEqual(late.ids(), all.ids())
  })

  it('takes a place that it never gave for one that it does not know', async () => {
    const { events, user, record } = await withEvents()
    await record(['file.created'])
    for (const strange of ['99', '-1', 'x', '1e3', '']) {
      const reader = reading(events, user, strange)
      await pollUntil(() => reader.state.begun > 0)
      assert.deepEqual([reader.state.had, reader.state.missed], [[], 1], strange)
    }
  })

  it('tells which batch is the last for now', async () => {
    const { events, user, record } = await withEvents()
    await record(Array.from({ length: 230 }, () => 'file.created' as const))
    const had: number[] = []
    for await (const batch of events.follow(user, { after: oldestPlace, signal })) {
      had.push(batch.events.length)
      if (!batch.hasMore) break
    }

    assert.equal(had.reduce((sum, count) => sum + count, 0), 230)
  })

  it('ends a user\'s readers when their rights may have changed', async () => {
    const { peer, events, user } = await withEvents()
    const other = await addUser(peer.database)
    const [own, others] = [reading(events, user), reading(events, other)]
    await pollUntil(() => own.state.begun > 0 && others.state.begun > 0)

    events.endReaders(user)
    await pollUntil(() => own.state.isOver)

    assert.equal(others.state.isOver, false)
    events.endReaders(null)
    await pollUntil(() => others.state.isOver)
  })

  it('has a limit of readers for each user', async () => {
    const { events, user } = await withEvents()
    const readers = Array.from({ length: 64 }, () => reading(events, user))
    await pollUntil(() => readers.every(({ state }) => state.begun > 0))

    await assert.rejects(
      (async () => { for await (const _ of events.follow(user, { signal })) break })(), err => isClusterError(err, 'RATE_LIMITED')
    )
  })

  it('lets go of events with their user, and of old ones', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const events = userEvents({}, peer)
    const [user, other] = [await addUser(peer.database), await addUser(peer.database)]
    const record = async (owner: string): Promise<void> =>
      peer.database.transaction(tx => events.record(tx, [{ user: owner, type: 'file.created', data: {} }]))
    await record(user)
    await record(other)
    await peer.database.transaction(tx => tx.deleteFrom('users').where('id', '=', other).execute())
    const rows = async (): Promise<string[]> => (
      await peer.database.db.selectFrom('events').select('user_id').execute()
    ).map(({ user_id: id }) => id)
    assert.deepEqual(await rows(), [user])

    clock.jump(8 * 24 * 3_600_000)
    await events.start(signal)
    ending.push(async () => { await events.stop() })
    await pollUntil(async () => (await rows()).length === 0)
    await record(user)
    const reader = reading(events, user, oldestPlace)
    await pollUntil(() => reader.state.had.length > 0)
    assert.deepEqual(reader.ids(), [2])
  })

  it('has what becomes of tasks', async () => {
    const { peer, events, user } = await withEvents()
    const tasks = sqlTasks({}, { ...peer, events, random: systemRandom })
    tasks.handle('good', async (_task, { progress }) => {
      await progress({ done: 1 })
      return { all: 1 }
    })
    tasks.handle('bad', async () => { throw new Error('broken in two') })
    await tasks.start(signal)
    ending.push(async () => { await tasks.stop() })
    for (const kind of ['good', 'bad']) {
      await tasks.finished(user, await peer.database.transaction(tx => tasks.create(tx, user, kind, null)))
    }
    const reader = reading(events, user, oldestPlace)
    await pollUntil(() => reader.state.had.length >= 7)

    const told = reader.state.had.map(
      ({ type, data: { kind, state, progress, error } }) =>
        [type, kind, state, ...(progress == null ? [] : [progress]), ...(error == null ? [] : [error])]
    )
    assert.deepEqual(told, [
      ['task.created', 'good', 'PENDING'], ['task.status', 'good', 'STARTED'], ['task.progress', 'good', 'STARTED', { done: 1 }],
      ['task.status', 'good', 'SUCCESS'],
      ['task.created', 'bad', 'PENDING'], ['task.status', 'bad', 'STARTED'], ['task.status', 'bad', 'FAILURE', 'broken in two']
    ])
  })
})
