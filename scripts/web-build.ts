import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { PageEntry } from '../src/web/app/page-entry.ts'
import { sitesOf } from '../src/web/app/page-entry.ts'

const root = join(import.meta.dirname, '..')
/** What the pages are made from. */
const sources = ['src/web', 'src/client', 'src/model', 'src/base', 'package-lock.json', 'scripts/web-build.ts', 'scripts/vite.config.ts']
const stampFile = 'made-from.txt'

/** What Vite says it has made of a module. */
interface Chunk { file: string, src?: string, isEntry?: boolean, imports?: string[], css?: string[] }

/**
 * Builds the web pages: `index.html`, `assets/` with hashed names and compressed copies, and `pages.json` for the server (which paths are pages, which files
 * each needs). The folder is replaced when everything is there.
 */
export async function buildWeb (folder: string): Promise<void> {
  const { build } = await import('vite')
  const aside = `${folder}.${process.pid}.tmp`
  await mkdir(dirname(folder), { recursive: true })
  try {
    await build({ configFile: join(import.meta.dirname, 'vite.config.ts'), logLevel: 'warn', build: { outDir: aside } })
    await writePages(aside)
    await compress(join(aside, 'assets'))
    await writeFile(join(aside, stampFile), await stamp())
    await rm(folder, { recursive: true, force: true })
    await rename(aside, folder)
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

/** Builds unless the folder has what the sources give. */
export async function buildWebIfStale (folder: string): Promise<boolean> {
  const built = await readFile(join(folder, stampFile), 'utf8').catch(() => '')
  if (built === await stamp()) return false
  await buildWeb(folder)
  return true
}

async function stamp (): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const file of await filesOf(join(root, source))) hash.update(`${relative(root, file)}\0`).update(await readFile(file))
  }
  return `${hash.digest('hex')}\n`
}

async function filesOf (path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => null)
  if (entries == null) return [path]
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name)).toSorted()
}

/** Leaves out of the folder what only the build needs. */
async function writePages (folder: string): Promise<void> {
  const manifestFile = join(folder, 'manifest.json')
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as Record<string, Chunk>
  await rm(manifestFile)
  const { pages } = await import('../src/web/app/pages.ts')
  const entry = Object.values(manifest).find(chunk => chunk.isEntry === true)
  const first = entry == null ? new Set<string>() : filesNeeded(manifest, entry)
  await writeFile(join(folder, 'pages.json'), JSON.stringify(pages.map(page => ({
    path: page.path,
    sites: sitesOf(page),
    files: chunkOf(manifest, page).filter(file => !first.has(file))
  })), null, 1))
}

/** The page's module is told by the text of its `load`: an import of one literal. */
function chunkOf (manifest: Record<string, Chunk>, page: PageEntry): string[] {
  const name = /import\(["']\.\/([^"']+)["']\)/.exec(page.load.toString())?.[1]
  const found = Object.entries(manifest).filter(([source]) => name != null && basename(source) === basename(name))
  const chunk = found[0]?.[1]
  if (chunk == null || found.length > 1) throw new Error(`the page ${page.path} has to load one module by a literal import, whose file name no other page has: ${page.load.toString()}`)
  return [...filesNeeded(manifest, chunk)]
}

function filesNeeded (manifest: Record<string, Chunk>, chunk: Chunk, found = new Set<string>()): Set<string> {
  if (found.has(chunk.file)) return found
  found.add(chunk.file)
  for (const file of chunk.css ?? []) found.add(file)
  for (const name of chunk.imports ?? []) {
    const next = manifest[name]
    if (next != null) filesNeeded(manifest, next, found)
  }
  return found
}

const compressible = /\.(js|css|svg|html|json|txt)$/

async function compress (assets: string): Promise<void> {
  for (const name of await readdir(assets)) {
    if (!compressible.test(name)) continue
    const bytes = await readFile(join(assets, name))
    await writeFile(join(assets, `${name}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }))
    await writeFile(join(assets, `${name}.gz`), gzipSync(bytes, { level: 9 }))
  }
}
