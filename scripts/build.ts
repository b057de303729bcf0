/**
 * Bundles the programs into dist/: what users get. One process start costs about a tenth of a start from node_modules.
 * Native modules stay outside the bundle (they load their prebuilt binaries by path).
 */
import { build } from 'esbuild'
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const programs = ['helia-cluster-service']

// bundled CommonJS packages call require() for Node's own modules
const banner = "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

await rm(dist, { recursive: true, force: true })
await mkdir(dist, { recursive: true })
await build({
  entryPoints: Object.fromEntries(programs.map(name => [`${name}-main`, join(root, 'cmd', name, 'main.ts')])),
  outdir: dist,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'linked',
  external: ['classic-level', 'node-datachannel', '@ipshipyard/node-datachannel', 'pino-pretty'],
  define: { 'process.env.HELIA_CLUSTER_BUNDLE': '"1"' },
  banner: { js: banner },
  logLevel: 'warning'
})
for (const name of programs) {
  await copyFile(join(root, 'cmd', name, 'bin.js'), join(dist, `${name}.js`))
  await chmod(join(dist, `${name}.js`), 0o755)
}
