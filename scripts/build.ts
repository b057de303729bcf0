/** Builds what users get into dist/, or the folder given: the programs, what other programs import, the declarations of that, and the web pages. */
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildLibrary } from './build-library.ts'
import { buildPrograms } from './build-programs.ts'
import { buildWeb } from './web-build.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
const programs = ['helia-cluster-service', 'helia-cluster-ctl', 'helia-cluster-follow']

await rm(dist, { recursive: true, force: true })
await mkdir(dist, { recursive: true })
await buildPrograms(dist)
await buildLibrary(dist)
await buildWeb(join(dist, 'web'))
await copyFile(join(root, 'cmd/launcher.js'), join(dist, 'launcher.js'))
for (const name of programs) {
  const launcher = await readFile(join(root, 'cmd', name, 'bin.js'), 'utf8')
  await writeFile(join(dist, `${name}.js`), launcher.replace('../launcher.js', './launcher.js'))
  await chmod(join(dist, `${name}.js`), 0o755)
}
