/** Builds what users get into dist/, or the folder given: the programs, what other programs import, the declarations of that, and the web pages. */
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildLibrary } from './build-library.ts'
import { buildPrograms } from './build-programs.ts'
import { buildWeb } from './web-build.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = resolve(process.argv[2] ?? join(root, 'dist'))

await rm(dist, { recursive: true, force: true })
await mkdir(dist, { recursive: true })
await buildPrograms(dist)
await buildLibrary(dist)
await buildWeb(join(dist, 'web'))
