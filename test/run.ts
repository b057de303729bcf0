/**
 * `npm test`: all quick tests. `npm test -- WORD…` runs the files whose paths have one of the words; `--concurrency N` that many
 * processes at a time (2); SLOW_TESTS=20 in the environment tells which files and tests took longest.
 */
import { globSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { batchesOf, canShare } from './support/batches.ts'
import { postgresMissing, sharePostgres } from './support/postgres-server.ts'
import { bundledFolder } from './support/programs.ts'
import quietReporter from './support/quiet-reporter.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Files that run for long begin first, so that all cores end together. */
const folders = ['e2e', 'sim', 'contract', 'vectors', 'unit']
/** A test that takes longer hangs, also on a machine that others load. */
const timeoutMs = 300_000

const { values: { concurrency }, positionals: words } = parseArgs({
  allowPositionals: true, options: { concurrency: { type: 'string', default: '2' } }
})
const all = folders.flatMap(folder => globSync(join('test', folder, '**/*.test.ts'), { cwd: root }).toSorted())
const files = all.filter(file => words.length === 0 || words.some(word => file.includes(word))).map(file => join(root, file))
if (files.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`)
  process.exit(1)
}

// each file is a process: what one has stripped and compiled, the next one reads
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/helia-cluster-tests')
if (files.some(file => file.includes('/e2e/'))) {
  const { buildPrograms } = await import('../scripts/build-programs.ts')
  await rm(bundledFolder, { recursive: true, force: true })
  await mkdir(bundledFolder, { recursive: true })
  await buildPrograms(bundledFolder)
  process.env.HELIA_CLUSTER_TESTS_BUNDLE = '1'
}
const usesPostgres = (file: string): boolean => /service-database|anyPostgres/.test(readFileSync(file, 'utf8'))
const postgres = postgresMissing == null && files.some(usesPostgres) ? await sharePostgres() : undefined
const shared = files.filter(file => file.includes('/unit/') && canShare(file))
const processes = [
  ...files.filter(file => !shared.includes(file)), ...batchesOf(shared, join(root, 'node_modules/.cache/helia-cluster-batches'))
]
const events = run({
  files: processes, concurrency: Number(concurrency), timeout: timeoutMs, cwd: root,
  execArgv: ['--import', import.meta.resolve('./support/light-test-runner.ts')]
})
events.on('test:fail', ({ todo }) => { if (todo == null || todo === false) process.exitCode = 1 })
await pipeline(events, quietReporter, process.stdout, { end: false })
await postgres?.remove()
