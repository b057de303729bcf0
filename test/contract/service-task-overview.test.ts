import assert from 'node:assert/strict'
import { beforeEach, it } from 'node:test'
import { adminTaskRoutes } from '../../src/api/service/v1/admin-tasks.ts'
import { isClusterError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/system.ts'
import { sqlAuditLog } from '../../src/service/audit-log/sql-audit-log.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import { TaskOverview } from '../../src/service/tasks/task-overview.ts'
import type { Tasks } from '../../src/service/tasks/tasks.ts'
import { testApi } from '../support/service-api.ts'
import { eachDatabase } from '../support/service-database.ts'
import type { TestPeer } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const withCode = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
const admin = { actor: 'user:root', address: '127.0.0.1' }

/** What admins see of tasks, and do to them. Nobody works here: tasks stay as they are made. */
eachDatabase('the overview of tasks', databases => {
  let peer: TestPeer
  let tasks: Tasks
  let overview: TaskOverview
  let [anna, ben] = ['', '']

  beforeEach(async () => {
    peer = await databases.open()
    tasks = sqlTasks({}, { ...peer, random: systemRandom })
    overview = new TaskOverview({ database: peer.database, tasks, audit: sqlAuditLog({ database: peer.database, random: systemRandom }) })
    anna = await addUser(peer.database, { email: 'anna@example.com' })
    ben = await addUser(peer.database, { email: 'ben@example.com' })
  })

  const create = (user: string | null, kind: string): Promise<string> =>
    peer.database.transaction(tx => tasks.create(tx, user, kind, { secret: 'input' }))

  it('lists everybody\'s, newest first, in pages', async () => {
    const made = new Set<string>()
    for (const user of [anna, ben, null, anna, ben]) made.add(await create(user, 'files-delete'))

    const seen: Array<{ id: string, email: string | null, created_at: number }> = []
    for (let cursor: string | undefined; ;) {
      const page = await overview.list({ limit: 2, cursor })
      seen.push(...page.tasks)
      if (page.next == null) break
      cursor = page.next
    }

    assert.deepEqual(new Set(seen.map(({ id }) => id)), made)
    assert.equal(seen.length, 5)
    assert.deepEqual(
      seen.map(({ email }) => email).toSorted(),
      ['anna@example.com', 'anna@example.com', 'ben@example.com', 'ben@example.com', null].toSorted()
    )
    assert.deepEqual(seen.map(row => row.created_at), seen.map(row => row.created_at).toSorted((a, b) => b - a))
  })

  it('finds those of a user, of a kind and in a state', async () => {
    const [mine, other] = [await create(anna, 'upload'), await create(ben, 'pins-import')]
    await tasks.revoke(ben, other)
    const found = async (
      query: Partial<Parameters<TaskOverview['list']>[0]>
    ): Promise<string[]> => (await overview.list({ limit: 10, ...query })).tasks.map(({ id }) => id)

    assert.deepEqual(await found({ user: anna }), [mine])
    assert.deepEqual(await found({ kind: 'pins-import' }), [other])
    assert.deepEqual(await found({ state: 'REVOKED' }), [other])
    assert.deepEqual(await found({ state: 'PENDING', user: ben }), [])
    await assert.rejects(overview.list({ limit: 10, cursor: 'x' }), withCode('INVALID_ARGUMENT'))
  })

  it('ends a task, and notes who did that', async () => {
    const id = await create(anna, 'upload')

    await overview.revoke(id, admin)

    assert.equal((await tasks.get(anna, id)).state, 'REVOKED')
    const [entry] = await peer.database.db.selectFrom('audit').selectAll().execute()
    assert.deepEqual([entry?.actor, entry?.user_id, entry?.action, entry?.object], ['user:root', anna, 'task-revoke', id])
    await assert.rejects(overview.revoke(id, admin), withCode('CONFLICT'))
    await assert.rejects(overview.revoke('00000000-0000-4000-8000-000000000000', admin), withCode('NOT_FOUND'))
  })

  it('is for admins, and tells nothing of what a task is about', async () => {
    const id = await create(anna, 'files-delete')
    await peer.database.transaction(async tx => {
      await tx.updateTable('tasks').set({
        progress: '{"deleted":3,"failed":["bafkreisecret"],"note":"secret"}', result: '"secret"'
      }).where('id', '=', id).execute()
    })
    const { ask } = testApi(adminTaskRoutes({ overview }))
    const as = (key: string) => ({ headers: [['x-api-key', key]] as const })

    const { status, body } = await ask('GET /api/v1/admin/tasks', as('admin'))

    assert.equal(status, 200)
    assert.doesNotMatch(String(body), /secret|input/)
    assert.deepEqual(JSON.parse(String(body)).data[0].progress, { deleted: 3 })
    assert.equal((await ask('GET /api/v1/admin/tasks', as('full'))).status, 403)
    assert.equal((await ask(`DELETE /api/v1/admin/tasks/${id}`, as('full'))).status, 403)
    assert.equal((await ask(`DELETE /api/v1/admin/tasks/${id}`, as('admin'))).status, 200)
    assert.equal((await ask(`DELETE /api/v1/admin/tasks/${id}`, as('admin'))).status, 409)
    assert.equal((await ask('GET /api/v1/admin/tasks?state=nothing', as('admin'))).status, 400)
  })
})
