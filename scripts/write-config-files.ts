/**
 * Writes what is made out of tables: of the configuration's keys service.json.example and docs/reference/config.md, of the programs' commands and flags
 * docs/reference/cli-flags.md.
 */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exampleServiceJson } from '../src/config/default-json.ts'
import { configReference } from '../src/config/reference.ts'
import { cliReference } from './cli-reference.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
await writeFile(join(root, 'docs/reference/config.md'), configReference())
await writeFile(join(root, 'service.json.example'), exampleServiceJson())
await writeFile(join(root, 'docs/reference/cli-flags.md'), cliReference())
