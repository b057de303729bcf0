/**
 * `npm test`: all quick tests; `npm run test:system`: those of the programs as a whole, which take longer. `-- WORD…` runs the files whose
 * paths have one of the words; `--concurrency N` that many processes at a time; SLOW_TESTS=20 in the environment tells which files and
 * tests took longest.
 */
import { globSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { batchesOf, canShare } from './support/batches.ts'
import { quietMs } from './support/poll.ts'
import { postgresMissing, sharePostgres } from './support/postgres-server.ts'
import { shareBundle } from './support/programs.ts'
import quietReporter from './support/quiet-reporter.ts'
import { runFolder } from './support/run-folder.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Files that run for long begin first, so that all cores end together. */
const quickFolders = ['e2e', 'sim', 'contract', 'vectors', 'unit']
/** A file that takes longer hangs. */
const timeoutMs = 150_000
/** More than there are cores: tests wait for each other's messages, disks and timers. */
const usualConcurrency = availableParallelism() + 2

const { values: { concurrency, system }, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: 'string', default: `${usualConcurrency}` }, system: { type: 'boolean', default: false } }
})
const folders = system ? ['system'] : quickFolders
const all = folders.flatMap(folder => globSync(join('test', folder, '**/*.test.ts'), { cwd: root }).toSorted())
const files = all.filter(file => words.length === 0 || words.some(word => file.includes(word))).map(file => join(root, file))
if (files.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`)
  process.exit(1)
}

// each file is a process: what one has stripped and compiled, the next one reads
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/helia-cluster-tests')
const ours = runFolder(join(root, 'node_modules/.cache/helia-cluster-runs'))
const usesPostgres = (file: string): boolean => /service-database|anyPostgres/.test(readFileSync(file, 'utf8'))
// starts beside the bundler
const startingPostgres = postgresMissing == null && files.some(usesPostgres) ? sharePostgres() : undefined
if (files.some(file => /\/(e2e|system)\//.test(file))) {
  const { buildPrograms } = await import('../scripts/build-programs.ts')
  const bundle = join(ours, 'programs')
  await rm(bundle, { recursive: true, force: true })
  await mkdir(bundle, { recursive: true })
  await buildPrograms(bundle)
  shareBundle(bundle)
}
const postgres = await startingPostgres
const shared = files.filter(file => /\/(unit|contract)\//.test(file) && canShare(file))
const alone = files.filter(file => !shared.includes(file))
const isUnit = (file: string): boolean => file.includes('/unit/')
const processes = [
  ...alone.filter(file => !isUnit(file)), ...batchesOf(shared, join(ours, 'batches')), ...alone.filter(isUnit)
]
const events = run({
  files: processes, concurrency: Number(concurrency), timeout: quietMs(timeoutMs), cwd: root,
  execArgv: ['--import', import.meta.resolve('./support/light-test-runner.ts')]
})
events.on('test:fail', ({ todo }) => { if (todo == null || todo === false) process.exitCode = 1 })
await pipeline(events, quietReporter, process.stdout, { end: false })
await postgres?.remove()
