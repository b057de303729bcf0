/**
 * Bundles the programs. A start from node_modules takes ten times as long, and one from a bundle of many small chunks a quarter longer than from a few big
 * ones (docs/design/performance.md): so all that a start loads at the same moment lies in one chunk. Native programs stay outside (their prebuilt
 * binaries are loaded by path).
 */
import { chmod, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import type { InputOptions, OutputChunk, OutputOptions, Plugin } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = (path: string): string => join(root, path)

const programs = ['helia-cluster-service', 'helia-cluster-ctl', 'helia-cluster-follow']

/**
 * Writes what is called (helia-cluster-service.js and its two siblings), what that runs (…-main.cjs, of ctl …-main.mjs),
 * libp2p-http-client, index and testing with their chunks, gateway-thread.mjs and block-thread.mjs into `dist`, which is there. What runs a peer is
 * CommonJS, of which the launcher can keep compiled code; other programs import it by way of an .mjs.
 */
export async function buildPrograms (dist: string): Promise<void> {
  const input = {
    'helia-cluster-service-main': source('cmd/helia-cluster-service/main.ts'),
    'helia-cluster-follow-main': source('cmd/helia-cluster-follow/main.ts'),
    'libp2p-http-client': source('src/node/libp2p-http-client.ts'),
    index: source('cmd/helia-cluster-service/embed.ts'),
    // shares the peer's chunks, which have nothing of it
    testing: source('test/exported/testing.ts')
  }
  const plugins = [builtins, withoutDefaults, levelBinding, librariesOnDemand, asciiOnly]
  const groups = groupsOf(await importsOf({ ...common, input, plugins }))
  for (const chunk of await write({ ...common, input, plugins }, { ...chunked, dir: dist, codeSplitting: { groups } })) {
    if (imported.includes(chunk.name)) await writeFile(join(dist, `${chunk.name}.mjs`), asModule(chunk, neededNode[chunk.name]))
  }
  // files take longer to be found and read than to be compiled
  await write({ ...common, input: { 'helia-cluster-ctl-main': source('cmd/helia-cluster-ctl/main.ts') }, plugins: [libp2pClient, builtins] }, { ...output, dir: dist, codeSplitting: false })
  // threads have modules of their own: in the daemon's chunks they would load a whole peer
  const threads = { 'gateway-thread': 'src/node/gateway-threads/thread.ts', 'block-thread': 'src/node/block-threads/thread.ts' }
  for (const [name, path] of Object.entries(threads)) {
    await write({ ...common, input: { [name]: source(path) }, plugins }, { ...output, dir: dist, codeSplitting: false })
  }
  for (const name of programs) {
    // any Node reads these, and one file sooner than three
    await write(
      { platform: 'node', transform: { target: 'node18' }, logLevel: 'warn', input: { [name]: source(`cmd/${name}/bin.js`) } },
      { format: 'esm', dir: dist, entryFileNames: '[name].js', codeSplitting: false }
    )
    await chmod(join(dist, `${name}.js`), 0o755)
  }
}

/** Gives the entries that were written. */
async function write (input: InputOptions, options: OutputOptions): Promise<OutputChunk[]> {
  await using bundle = await rolldown(input)
  const { output: files } = await bundle.write(options)
  return files.filter(file => file.type === 'chunk').filter(chunk => chunk.isEntry)
}

/** What other programs import, by the names of their files. */
const imported = ['libp2p-http-client', 'index', 'testing']

/** Those that can't be loaded by the oldest Node which runs `ctl`, by the version that they need: under it they miss `node:sqlite`. */
const neededNode: Record<string, string | undefined> = { index: '24.7', testing: '22.13' }

/** What other programs import in place of the chunk. `needs`: it says so where Node is too old, rather than fail somewhere inside. */
export const asModule = ({ fileName, exports }: Pick<OutputChunk, 'fileName' | 'exports'>, needs?: string): string => [
  "import { createRequire } from 'node:module'",
  ...needs == null ? [] : [
    "if (globalThis.process.getBuiltinModule?.('node:sqlite') == null) {",
    `  throw new Error(\`helia-cluster needs Node ${needs} or newer here; this is Node \${globalThis.process.versions.node}\`)`,
    '}'
  ],
  `export const { ${exports.join(', ')} } = createRequire(import.meta.url)('./${fileName}')`,
  ''
].join('\n')

const taken = (path: string): string => `globalThis.process.getBuiltinModule(${JSON.stringify(path)})`

/** The exports of one of Node's modules; `plain`: but for those that load more when they are read. */
function exportsOf (path: string, { plain }: { plain: boolean }): string[] {
  const properties = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path) as object)
  return Object.entries(properties)
    .filter(([name, { get }]) => (get == null || !plain) && /^[A-Za-z_]\w*$/.test(name) && name !== 'default')
    .map(([name]) => name)
}

/**
 * Takes Node's own modules without an import: importing one reads each of its exports, and node:http then loads all of undici (17 ms and 3 MiB that
 * most runs never need).
 */
const builtins: Plugin = {
  name: 'builtins',
  resolveId: {
    order: 'pre',
    handler (path, importer, { kind }) {
      if (!isBuiltin(path) || importer?.includes('rolldown/runtime') === true) return null
      return kind === 'require-call' ? { id: path, external: true } : { id: `\0${kind === 'dynamic-import' ? 'builtin-later' : 'builtin'}:${path}` }
    }
  },
  load (id) {
    const [, when, path = ''] = /^\0(builtin|builtin-later):(.*)$/.exec(id) ?? []
    if (when == null) return null
    if (when === 'builtin') return late.has(path.replace(/^node:/, '')) ? lateExports(path) : usedExports(path)
    return `export const { ${exportsOf(path, { plain: true }).join(', ')} } = ${taken(path)}`
  }
}

/** Only what is used of it is read: to look at a name of node:util may load a worker thread's code, or that of a debugger. */
const usedExports = (path: string): string => [
  `const all = ${taken(path)}`, 'export default all', ...exportsOf(path, { plain: false }).map(name => `export const ${name} = /* @__PURE__ */ (() => all.${name})()`)
].join('\n')

/** Those that are imported at once by what seldom uses them, or not at the start; each takes some milliseconds to load. */
const late = new Set(['child_process', 'dns', 'dns/promises', 'https', 'perf_hooks', 'readline', 'readline/promises', 'tls', 'v8', 'vm', 'worker_threads'])

const lateExports = (path: string): string =>
  `module.exports = { ${exportsOf(path, { plain: true }).map(name => `get ${name} () { return ${taken(path)}.${name} }`).join(', ')} }`

/** LevelDB's own program stays where its package is; the JavaScript around it, a dozen small files, goes with ours. */
const levelBinding: Plugin = {
  name: 'level-binding',
  resolveId: (path, importer) => path === './binding' && /[\\/]classic-level[\\/]/.test(importer ?? '') ? { id: 'classic-level/binding.js', external: true } : null
}

/**
 * Libraries that most peers never call, with the functions that are called: they run when one is. That for tokens of the REST API looks at Node's version
 * first, with all of semver; that for log lines as JSON loads worker threads and Node's assertions.
 */
const onDemand: Record<string, string[]> = { jsonwebtoken: ['decode', 'sign', 'verify'], pino: ['pino'] }

const librariesOnDemand: Plugin = {
  name: 'libraries-on-demand',
  resolveId: path => Object.hasOwn(onDemand, path) ? `\0on-demand:${path}` : null,
  load (id) {
    const [, name = ''] = /^\0on-demand:(.*)$/.exec(id) ?? []
    const library = JSON.stringify(import.meta.resolve(name || 'pino').slice('file://'.length))
    return name === '' ? null : `module.exports = { ${onDemand[name]?.map(one => `${one}: (...args) => require(${library}).${one}(...args)`).join(', ')} }`
  }
}

/** The launcher reads a chunk of ASCII alone in half the time, and V8 keeps it in half the memory: one other character makes all two bytes wide. */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  generateBundle (_, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk') continue
      if (/(?<!\\)(\\\\)*\\[^\0-\x7f]/.test(file.code)) throw new Error(`${file.fileName} has a backslash before a character that isn't ASCII`)
      file.code = file.code.replace(/[^\0-\x7f]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    }
  }
}

/** @helia/libp2p brings defaults that we don't use: WebRTC, AutoTLS, UPnP and an HTTP client for each, 2.4 MB in all. */
const withoutDefaults: Plugin = {
  name: 'without-defaults',
  load: id => id.endsWith('libp2p-defaults.js') ? "export function libp2pDefaults () { throw new Error('left out of the bundle') }" : null
}

/** helia-cluster-ctl in one file takes libp2p from the other programs' chunks, if it is asked to dial by it. */
const libp2pClient: Plugin = {
  name: 'libp2p-client',
  resolveId: path => path.endsWith('/libp2p-http-client.ts') ? { id: './libp2p-http-client.mjs', external: true } : null
}

const common: InputOptions = {
  platform: 'node',
  external: [/node-datachannel$/, 'pino-pretty', /^@opentelemetry\/(sdk-.*|exporter-.*|resources)$/],
  // syntax only: helia-cluster-ctl runs on it
  transform: { target: 'node20.16', define: { 'process.env.HELIA_CLUSTER_BUNDLE': '"1"', 'import.meta.main': 'false' } },
  logLevel: 'warn',
  // a module that is also imported at once elsewhere: no fault, and the start stays as it is when that import goes
  checks: { ineffectiveDynamicImport: false }
}

const output: OutputOptions = {
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: 'chunks/[name]-[hash].mjs',
  // bundled CommonJS packages call require() for Node's own modules
  banner: "const require = globalThis.process.getBuiltinModule('node:module').createRequire(import.meta.url);",
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } }
}

const chunked: OutputOptions = { ...output, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: 'chunks/[name]-[hash].cjs', banner: '' }

/** What a module imports, at once and later, by its id. */
type Imports = Map<string, { importedIds: readonly string[], dynamicallyImportedIds: readonly string[] }>

async function importsOf (input: InputOptions): Promise<Imports> {
  const imports: Imports = new Map()
  const collect: Plugin = {
    name: 'collect',
    buildEnd () {
      for (const id of this.getModuleIds()) {
        const module = this.getModuleInfo(id)
        if (module != null) imports.set(id, module)
      }
    }
  }
  await using bundle = await rolldown({ ...input, plugins: [input.plugins, collect] })
  await bundle.generate(chunked)
  return imports
}

/** One chunk for what every command loads, one for what a daemon loads before it listens, one for libp2p and the IPFS node, which it loads next. */
function groupsOf (imports: Imports): Array<{ name: string, priority: number, test: (id: string) => boolean }> {
  const group = (name: string, priority: number, ids: Set<string>) => ({ name, priority, test: (id: string) => ids.has(id) })
  const main = reached(imports, [source('cmd/helia-cluster-service/main.ts')])
  const daemon = reached(imports, [source('cmd/helia-cluster-service/daemon.ts'), source('src/node/node.ts')])
  const network = ['src/network/host/host.ts', 'src/network/host/gossip/gossip.ts', 'src/ipfs/helia/network/node.ts', 'src/ipfs/helia/network/node-options.ts']
    .flatMap(path => imports.get(source(path))?.dynamicallyImportedIds ?? [])
  const onlyIfConfigured = /@libp2p\/(kad-dht|mdns)\//
  return [group('main', 3, main), group('daemon', 2, daemon), group('network', 1, reached(imports, network.filter(id => !onlyIfConfigured.test(id))))]
}

/** All that is loaded at once with these modules. */
function reached (imports: Imports, from: readonly string[]): Set<string> {
  const ids = new Set(from)
  for (const id of ids) for (const next of imports.get(id)?.importedIds ?? []) ids.add(next)
  return ids
}
