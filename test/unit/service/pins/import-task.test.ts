import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemRandom } from '../../../../src/base/system.ts'
import { pinningStatuses } from '../../../../src/model/pinning-service.ts'
import { importKind, registerImport, startImport } from '../../../../src/service/pins/import-task.ts'
import { httpRemoteService } from '../../../../src/service/pins/http-remote-service.ts'
import type { TaskRow } from '../../../../src/service/sql/tables.ts'
import { sqlTasks } from '../../../../src/service/tasks/sql-tasks.ts'
import type { Tasks } from '../../../../src/service/tasks/tasks.ts'
import { OtherService } from '../../../support/remote-pins.ts'
import type { PinPeer } from '../../../support/service-cluster.ts'
import { anyCid, pinPeer } from '../../../support/service-cluster.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'

async function importing (peer: PinPeer): Promise<Tasks> {
  const { database, clock, log, workers, pins, clusterPins } = peer
  const tasks = sqlTasks({}, { database, workers, clock, random: systemRandom, log })
  registerImport({ pageSize: 100 }, {
    database, tasks, pins, clusterPins, log, remoteService: access => httpRemoteService({ ...access, privateAllowed: true }, { clock })
  })
  await tasks.start(new AbortController().signal)
  return tasks
}

async function imported (
  peer: PinPeer, tasks: Tasks, { user, endpoint, token }: { user: string, endpoint: string, token: string }
): Promise<TaskRow> {
  const id = await startImport({ id: user, workspace: `w-${user}` }, { endpoint, token }, { database: peer.database, tasks })
  return tasks.finished(user, id)
}

const countOf = async ({ pins }: PinPeer, user: string): Promise<number> => (
  await pins.find(user, { statuses: pinningStatuses }, { limit: 1 })
).count

eachDatabase('the import from another pinning service', databases => {
  it('takes over all pins with name and meta, over several pages, and forgets the token', async t => {
    const other = new OtherService(235)
    const endpoint = await other.start()
    t.after(async () => other.stop())
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const tasks = await importing(peer)

    const task = await imported(peer, tasks, { user, endpoint: `${endpoint}/`, token: other.token })

    assert.equal(task.error, null)
    assert.deepEqual(JSON.parse(task.result ?? ''), { total: 235, imported: 235, known: 2, refused: 0 })
    assert.equal(await countOf(peer, user), 235)
    const { pins: [found] } = await peer.pins.find(user, { statuses: pinningStatuses, meta: { at: '123' } }, { limit: 1 })
    assert.deepEqual([found?.name, found?.cid], ['pin 123', other.pins[123]?.pin.cid])
    assert.ok(!JSON.stringify(await peer.database.db.selectFrom('tasks').selectAll().execute()).includes(other.token))
    await tasks.stop()
  })

  it('misses none when many pins of the other service have the same time', async t => {
    const other = new OtherService(150, { sameTime: 30 })
    const endpoint = await other.start()
    t.after(async () => other.stop())
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const tasks = await importing(peer)

    await imported(peer, tasks, { user, endpoint, token: other.token })

    assert.equal(await countOf(peer, user), 150)
    await tasks.stop()
  })

  it('goes on where it was after its peer died', async t => {
    const other = new OtherService(120)
    const endpoint = await other.start()
    t.after(async () => other.stop())
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const first = await importing(peer)
    // the second page is answered only to who comes after
    const hanging = Promise.withResolvers<void>()
    other.before = () => {
      if (other.asked.length === 2) { hanging.resolve(); return { status: 503 } }
      return undefined
    }
    const id = await startImport(
      { id: user, workspace: `w-${user}` }, { endpoint, token: other.token }, { database: peer.database, tasks: first }
    )
    await hanging.promise
    await first.stop()
    const asked = other.asked.length

    await peer.database.transaction(async tx => {
      await tx.updateTable('tasks').set({ run_at: 0, lease_until: null, lease_owner: null, state: 'PENDING' }).execute()
    })
    const second = await importing(await pinPeer(await databases.another(), peer))
    second.wake()
    const task = await second.finished(user, id)

    assert.equal(task.state, 'SUCCESS', JSON.stringify(task))
    assert.equal(JSON.parse(task.result ?? '').imported, 120)
    assert.equal(await countOf(peer, user), 120)
    assert.match(other.asked[asked] ?? '', /before=/)
    await second.stop()
  })

  it('counts what can not be pinned, and what the account has already', async t => {
    const other = new OtherService(5)
    other.pins[1]!.pin.cid = 'no cid'
    const endpoint = await other.start()
    t.after(async () => other.stop())
    const peer = await pinPeer(await databases.open())
    const user = await addUser(peer.database)
    const tasks = await importing(peer)

    const first = await imported(peer, tasks, { user, endpoint, token: other.token })
    const second = await imported(peer, tasks, { user, endpoint, token: other.token })

    assert.deepEqual(JSON.parse(first.result ?? ''), { total: 5, imported: 4, known: 0, refused: 1 })
    assert.deepEqual(JSON.parse(second.result ?? ''), { total: 5, imported: 0, known: 4, refused: 1 })
    await tasks.stop()
  })

  it('fails with a reason when the token is wrong, it is no such service, or the account is full', async t => {
    const other = new OtherService(3)
    const endpoint = await other.start()
    t.after(async () => other.stop())
    const peer = await pinPeer(await databases.open())
    const [user, full] = [await addUser(peer.database), await addUser(peer.database, { quota_bytes: 0 })]
    const tasks = await importing(peer)

    const wrong = await imported(peer, tasks, { user, endpoint, token: 'wrong' })
    const noRoom = await imported(peer, tasks, { user: full, endpoint, token: other.token })
    other.before = () => ({ status: 200, body: { hello: anyCid() } })
    const other2 = await imported(peer, tasks, { user, endpoint, token: other.token })

    assert.deepEqual([wrong.kind, wrong.state, noRoom.state, other2.state], [importKind, 'FAILURE', 'FAILURE', 'FAILURE'])
    assert.match(wrong.error ?? '', /does not accept the token/)
    assert.match(noRoom.error ?? '', /full|quota/)
    assert.match(other2.error ?? '', /not that of a Pinning Service API/)
    await tasks.stop()
  })
})
