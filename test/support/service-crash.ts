/**
 * A process that is to be killed in the middle of its work: `service-crash.ts sqlite|postgres PLACE migrate|write|task`. Says on stdout how
 * far it is.
 *
 * - `migrate`: makes the tables, half of the next version's, and stands still.
 * - `write`: writes one row after the other, and says each that is committed.
 * - `task`: takes tasks of the kind `steps`; says that it has noted its progress, and stands still.
 */
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { silentLogger } from '../../src/base/log.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import { migrations } from '../../src/service/sql/migrations/migrations.ts'
import { postgresDatabase } from '../../src/service/sql/postgres/postgres-database.ts'
import { sqliteDatabase } from '../../src/service/sql/sqlite/sqlite-database.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'

const [kind, place = '', mode] = process.argv.slice(2)
const say = (text: string): void => { process.stdout.write(`${text}\n`) }

/** The statements of a version, the process standing still before the last one. */
function * halfOfThem (): Generator<string> {
  yield 'CREATE TABLE half (a text)'
  say('half')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  yield 'CREATE TABLE whole (a text)'
}

const steps = mode === 'migrate'
  ? [...migrations, { version: migrations.length + 1, statements: () => halfOfThem() as unknown as string[] }]
  : migrations
const workers = new WorkerRunner({ clock: systemClock, random: systemRandom, log: silentLogger })
const deps = { clock: systemClock, random: systemRandom, log: silentLogger, workers }
const database = kind === 'sqlite'
  ? sqliteDatabase({ file: place, migrations: steps }, deps)
  : postgresDatabase({ url: place, migrations: steps }, deps)
await database.start(new AbortController().signal)
await workers.start()

if (mode === 'write') {
  for (let at = 0; ; at++) {
    await database.transaction(async tx => {
      await tx.insertInto('meta').values({ key: `row-${at}-a`, value: '' }).execute()
      await tx.insertInto('meta').values({ key: `row-${at}-b`, value: '' }).execute()
    })
    say(`${at}`)
  }
}

if (mode === 'task') {
  const tasks = sqlTasks({}, { ...deps, database })
  tasks.handle('steps', async (_task, { progress }) => {
    await progress({ done: 7 })
    say('progress')
    return new Promise(() => {}) // until the kill
  })
  await tasks.start(new AbortController().signal)
}
