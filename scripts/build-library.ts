/** What other programs import: the REST client for browsers and for Node, and declarations of everything that the package exports. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Also the `files` of tsconfig.types.json and the `types` of package.json. */
const declared = [
  'cmd/helia-cluster-service/embed.d.ts', 'src/client/client.d.ts', 'src/client/node.d.ts', 'src/client/service/service-client.d.ts', 'test/exported/testing.d.ts'
]

/** Writes client.mjs and service-client.mjs (no import of Node's modules, so that browsers take them), client-node.mjs and types/ into `dist`. */
export async function buildLibrary (dist: string): Promise<void> {
  await Promise.all([
    bundle('src/client/client.ts', join(dist, 'client.mjs'), 'neutral'),
    bundle('src/client/service/service-client.ts', join(dist, 'service-client.mjs'), 'neutral'),
    bundle('src/client/node.ts', join(dist, 'client-node.mjs'), 'node'),
    writeDeclarations(join(dist, 'types'))
  ])
}

async function bundle (path: string, file: string, platform: 'neutral' | 'node'): Promise<void> {
  await using library = await rolldown({ input: join(root, path), platform, transform: { target: platform === 'node' ? 'node20' : 'es2022' }, logLevel: 'warn' })
  await library.write({ file, format: 'esm', codeSplitting: false })
}

/**
 * The compiler writes a declaration for every source that it reads; only what the exports reach is kept. Declarations of packages that they
 * reach are copied beside them: users don't have these packages, which are bundled.
 */
async function writeDeclarations (types: string): Promise<void> {
  const all = await mkdtemp(join(tmpdir(), 'helia-cluster-types-'))
  try {
    // types are checked by `npm run typecheck`
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.types.json'), '--noCheck', '--outDir', all], { cwd: root })
    const reached: Reached = { types, places: new Map() }
    for (const path of declared) await reach(join(all, path), join(types, path), reached)
    for (const [from, to] of reached.places) await writeDeclaration(from, to, reached)
  } finally {
    await rm(all, { recursive: true, force: true })
  }
}

const imported = /(?<=(?:from|import\() ?['"])[^'"]+(?=['"])/g
const isOwn = (target: string): boolean => target.startsWith('.')
/** Of another one: examples in comments import from this one, as users do. */
const isOfPackage = (target: string): boolean => !isOwn(target) && !/^(node:|helia-cluster(\/|$))/.test(target)
const declarationOf = (path: string): string => path.replace(/\.[tj]s$/, '.d.ts')

/** Where the declarations of an export of a package are. */
const packaged = (target: string): string => declarationOf(fileURLToPath(import.meta.resolve(target)))
/** Where they are put: "packages/multiformats/dist/src/cid.d.ts". */
const placeOf = (types: string, path: string): string => join(types, 'packages', path.slice(path.lastIndexOf('/node_modules/') + '/node_modules/'.length))

/** Where declarations are to be copied to, by where they are; `types` is the folder of all. */
interface Reached { types: string, places: Map<string, string> }

async function reach (from: string, to: string, reached: Reached): Promise<void> {
  const { types, places } = reached
  if (places.has(from)) return
  places.set(from, to)
  for (const [target] of (await readFile(from, 'utf8')).matchAll(imported)) {
    if (isOwn(target)) await reach(join(dirname(from), declarationOf(target)), join(dirname(to), declarationOf(target)), reached)
    else if (isOfPackage(target)) await reach(packaged(target), placeOf(types, packaged(target)), reached)
  }
}

/** Copies it, with packages named by where their declarations are. */
async function writeDeclaration (from: string, to: string, { types }: Reached): Promise<void> {
  const text = (await readFile(from, 'utf8')).replaceAll(imported, target => {
    if (!isOfPackage(target)) return target
    const path = relative(dirname(to), placeOf(types, packaged(target))).replace(/\.d\.ts$/, '.js')
    return path.startsWith('.') ? path : `./${path}`
  })
  await mkdir(dirname(to), { recursive: true })
  await writeFile(to, text)
}
