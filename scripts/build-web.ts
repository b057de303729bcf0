/** Builds the web pages into dist/web, or the folder given. */
import { join, resolve } from 'node:path'
import { buildWeb } from './web-build.ts'

await buildWeb(resolve(process.argv[2] ?? join(import.meta.dirname, '../dist/web')))
