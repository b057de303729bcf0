import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError, messageOf } from '../../base/errors.ts'

/** A page of the web pages, as their build lists it (`pages.json`). */
export interface WebPage {
  /** `/files/:cid`: one segment; `/docs/*`: the rest. */
  path: string
  sites: readonly string[]
  /** What its code and style are in, from the built folder, beside what every page loads. */
  files: readonly string[]
}

/** The built web pages, in memory. */
export interface WebFiles {
  /** The document of every page. */
  index: string
  pages: readonly WebPage[]
  /** By path from the built folder: "assets/index-DUZPw6VH.js". */
  assets: ReadonlyMap<string, WebAsset>
}

/** A file of the web pages, ready to be sent. */
export interface WebAsset {
  contentType: string
  plain: Buffer
  /** Compressed: by the name of the coding. */
  coded: ReadonlyMap<'br' | 'gzip', Buffer>
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  webp: 'image/webp',
  woff2: 'font/woff2',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8'
}

/** Reads what `scripts/build-web.ts` has made. Rejects with NOT_FOUND where nothing was built. */
export async function readWebFiles (folder: string): Promise<WebFiles> {
  try {
    const [index, pages, names] = await Promise.all(
      [readFile(join(folder, 'index.html'), 'utf8'), readFile(join(folder, 'pages.json'), 'utf8'), readdir(join(folder, 'assets'))]
    )
    const plain = names.filter(name => !/\.(br|gz)$/.test(name))
    const assets = await Promise.all(plain.map(async name => [`assets/${name}`, await readAsset(join(folder, 'assets'), name)] as const))
    return { index, pages: JSON.parse(pages) as WebPage[], assets: new Map(assets) }
  } catch (err) {
    throw new ClusterError('NOT_FOUND', { folder }, {
      message: `the web pages can't be read from ${folder}: ${messageOf(err)}`, cause: err
    })
  }
}

async function readAsset (folder: string, name: string): Promise<WebAsset> {
  const [plain, br, gzip] = await Promise.all(['', '.br', '.gz'].map(async ending => readFile(join(folder, name + ending)).catch(err => {
    if (ending === '') throw err
    return null
  })))
  const coded = new Map<'br' | 'gzip', Buffer>()
  if (br != null) coded.set('br', br)
  if (gzip != null) coded.set('gzip', gzip)
  return { contentType: types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream', plain: plain ?? Buffer.alloc(0), coded }
}

/** The entity tag of a generated text: quoted, from its SHA-256. */
export const etagOf = (text: string): string => `"${hash('sha256', text, 'base64url').slice(0, 22)}"`
