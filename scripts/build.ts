/**
 * Bundles the programs into dist/, or the folder given: what users get. One process start costs about a tenth of a start from node_modules.
 * Native modules stay outside the bundle (they load their prebuilt binaries by path).
 */
import { build } from 'esbuild'
import type { BuildOptions, Plugin } from 'esbuild'
import { isBuiltin } from 'node:module'
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildLibrary } from './build-library.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
const programs = ['helia-cluster-service', 'helia-cluster-ctl', 'helia-cluster-follow']

// bundled CommonJS packages call require() for Node's own modules
const banner = "const require = globalThis.process.getBuiltinModule('node:module').createRequire(import.meta.url);"

/**
 * Takes Node's own modules without an import: importing one reads each of its exports, and node:http then loads all of undici (17 ms and 3 MiB that
 * most runs never need).
 */
const builtins: Plugin = {
  name: 'builtins',
  setup ({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path, kind }) => {
      if (!isBuiltin(path) || kind === 'require-call') return undefined
      return { path, namespace: kind === 'dynamic-import' ? 'builtin-later' : 'builtin' }
    })
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = ${taken(path)}` }))
    onLoad({ filter: /.*/, namespace: 'builtin-later' }, ({ path }) => ({ contents: `export const { ${plainExports(path).join(', ')} } = ${taken(path)}` }))
  }
}

const taken = (path: string): string => `globalThis.process.getBuiltinModule(${JSON.stringify(path)})`

/** The exports of one of Node's modules but for those that load more when they are read. What `await import()` gives can't be CommonJS in a bundle. */
function plainExports (path: string): string[] {
  const properties = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path) as object)
  return Object.entries(properties).filter(([name, { get }]) => get == null && /^[A-Za-z_]\w*$/.test(name)).map(([name]) => name)
}

/** @helia/libp2p brings defaults that we don't use: WebRTC, AutoTLS, UPnP and an HTTP client for each, 2.4 MB in all. */
const withoutDefaults: Plugin = {
  name: 'without-defaults',
  setup ({ onResolve, onLoad }) {
    onResolve({ filter: /libp2p-defaults\.js$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: "export function libp2pDefaults () { throw new Error('left out of the bundle') }" }))
  }
}

/** helia-cluster-ctl in one file takes libp2p from the other programs' chunks, if it is asked to dial by it. */
const libp2pClient: Plugin = {
  name: 'libp2p-client',
  setup ({ onResolve }) { onResolve({ filter: /\/libp2p-http-client\.ts$/ }, () => ({ path: './libp2p-http-client.mjs', external: true })) }
}

const common: BuildOptions = {
  outdir: dist,
  bundle: true,
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  platform: 'node',
  // syntax only: helia-cluster-ctl runs on it
  target: 'node20.16',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  external: ['classic-level', 'node-datachannel', '@ipshipyard/node-datachannel', 'pino-pretty', '@opentelemetry/sdk-*', '@opentelemetry/exporter-*', '@opentelemetry/resources'],
  define: { 'process.env.HELIA_CLUSTER_BUNDLE': '"1"' },
  banner: { js: banner },
  logLevel: 'warning'
}

const mainOf = (name: string): string => join(root, 'cmd', name, 'main.ts')

await rm(dist, { recursive: true, force: true })
await mkdir(dist, { recursive: true })
await build({
  ...common,
  entryPoints: {
    'helia-cluster-service-main': mainOf('helia-cluster-service'),
    'helia-cluster-follow-main': mainOf('helia-cluster-follow'),
    'libp2p-http-client': join(root, 'src/node/libp2p-http-client.ts'),
    index: join(root, 'cmd/helia-cluster-service/embed.ts')
  },
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [builtins, withoutDefaults]
})
// files take longer to be found and read than to be compiled
await build({ ...common, entryPoints: { 'helia-cluster-ctl-main': mainOf('helia-cluster-ctl') }, plugins: [libp2pClient, builtins] })
await buildLibrary(dist)
await copyFile(join(root, 'cmd/launcher.js'), join(dist, 'launcher.js'))
for (const name of programs) {
  const launcher = await readFile(join(root, 'cmd', name, 'bin.js'), 'utf8')
  await writeFile(join(dist, `${name}.js`), launcher.replace('../launcher.js', './launcher.js'))
  await chmod(join(dist, `${name}.js`), 0o755)
}
