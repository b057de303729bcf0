import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm run test:vectors [-- FOLDER]`: runs every test/vectors/*.test.ts on recordings in FOLDER (default: the ones beside this file), which
 * has the groups crdt, add, config, … as sub-folders.
 */
const here = dirname(fileURLToPath(import.meta.url))
const folder = resolve(process.argv[2] ?? here)
const tests = readdirSync(here).filter(name => name.endsWith('.test.ts')).map(name => join(here, name))

// without NODE_TEST_CONTEXT the runner also works when a test starts it
const { NODE_TEST_CONTEXT: _, ...environment } = process.env
const child = spawn(process.execPath, ['--test', ...tests], { stdio: 'inherit', env: { ...environment, VECTORS_DIR: folder } })
child.on('exit', (status, signal) => { process.exitCode = signal == null ? status ?? 1 : 1 })
