/** What other programs import: the REST client for browsers and for Node, and declarations of everything that the package exports. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Also the `files` of tsconfig.types.json and the `types` of package.json. */
const declared = ['cmd/helia-cluster-service/embed.d.ts', 'src/client/client.d.ts', 'src/client/node.d.ts', 'src/client/service/service-client.d.ts']

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

/** The compiler writes a declaration for every source that it reads; only what the exports reach is kept. */
async function writeDeclarations (types: string): Promise<void> {
  const all = await mkdtemp(join(tmpdir(), 'helia-cluster-types-'))
  try {
    // types are checked by `npm run typecheck`
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.types.json'), '--noCheck', '--outDir', all], { cwd: root })
    const reached = new Set<string>()
    for (const path of declared) await reach(join(all, path), reached)
    for (const path of reached) await cp(path, join(types, relative(all, path)))
  } finally {
    await rm(all, { recursive: true, force: true })
  }
}

async function reach (path: string, reached: Set<string>): Promise<void> {
  if (reached.has(path)) return
  reached.add(path)
  const text = await readFile(path, 'utf8')
  for (const [, target = ''] of text.matchAll(/(?:from|import\() ?['"](\.[^'"]+)['"]/g)) await reach(join(dirname(path), target.replace(/\.[tj]s$/, '.d.ts')), reached)
}
