/** Writes what is made out of the table of configuration keys: service.json.example. With `--reference` prints the reference (Markdown) instead. */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exampleServiceJson } from '../src/config/example.ts'
import { configReference } from '../src/config/reference.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
if (process.argv.includes('--reference')) process.stdout.write(configReference())
else await writeFile(join(root, 'service.json.example'), exampleServiceJson())
