import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { it } from 'node:test'
import { systemRandom } from '../../src/base/system.ts'
import { migrations } from '../../src/service/sql/migrations/migrations.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import { JumpingClock } from '../support/jumping-clock.ts'
import { eachDatabase } from '../support/service-database.ts'
import { addUser } from '../support/service-rows.ts'

const program = fileURLToPath(new URL('../support/service-crash.ts', import.meta.url))

/** What stays after a kill -9. */
eachDatabase('service database after a kill', databases => {
  /** Runs the process until it has said so many lines, and kills it. Gives all that it said. */
  async function killAfter (lines: number, mode: string): Promise<string[]> {
    const child = spawn(process.execPath, [program, databases.kind, databases.place(), mode], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    const said: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line)
      if (said.length === lines) child.kill('SIGKILL')
    }
    await ended
    return said
  }

  const next = migrations.length + 1

  it('has the tables of before when that happens in the midst of a migration', async () => {
    await databases.open()

    assert.deepEqual(await killAfter(1, 'migrate'), ['half'])

    const { database } = await databases.another({
      migrations: [...migrations, { version: next, statements: () => ['CREATE TABLE half (a text)', 'CREATE TABLE whole (a text)'] }]
    })
    const version = await database.db.selectFrom('meta').select('value').where('key', '=', 'schema_version').executeTakeFirstOrThrow()
    assert.equal(version.value, `${next}`)
  })

  it('has none of its tables when that happens in the very first one', async () => {
    await databases.reserve()

    assert.deepEqual(await killAfter(1, 'migrate'), ['half'])

    const { database } = await databases.another()
    await addUser(database)
  })

  it('has everything that was said to be written, and nothing by halves', async () => {
    await databases.open()

    const said = await killAfter(20, 'write')

    const { database } = await databases.another()
    const rows = await database.db.selectFrom('meta').select('key').where('key', 'like', 'row-%').execute()
    const keys = new Set(rows.map(({ key }) => key))
    for (const at of said) assert.ok(keys.has(`row-${at}-a`) && keys.has(`row-${at}-b`), `row ${at} is missing`)
    assert.equal(keys.size % 2, 0)
  })

  it('has the task that was under way, with its progress, for the next one', async () => {
    const clock = new JumpingClock()
    const peer = await databases.open({ clock })
    const { database } = peer
    const user = await addUser(database)
    const tasks = sqlTasks({}, { ...peer, random: systemRandom })
    const id = await database.transaction(tx => tasks.create(tx, user, 'steps', null))

    assert.deepEqual(await killAfter(1, 'task'), ['progress'])

    const seen: unknown[] = []
    tasks.handle('steps', async ({ progress }) => { seen.push(progress) })
    await tasks.start(new AbortController().signal)
    clock.jump(31_000)
    tasks.wake()
    assert.equal((await tasks.finished(user, id)).state, 'SUCCESS')
    await tasks.stop()
    assert.deepEqual(seen, [{ done: 7 }])
  })
})
