import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CID } from 'multiformats/cid'
import { ClusterError, isClusterError, answerText } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { sniffBytes, sniffedType, typeOfName } from './content-type.ts'
import { listingHtml } from './gateway-listing.ts'
import { byteRangeOf } from './gateway-range.ts'
import { parsePath, resolveNames } from './path-resolver.ts'
import { findEntry, listEntries, readNode } from './unixfs-directory.ts'
import type { ByteRange, GetBlock, UnixFsNode } from '../dag-reader.ts'
import { fileSize, readFile } from './unixfs-file.ts'

export interface GatewayInit {
  /** A host name or address; port 0 takes a free one. */
  host: string
  port: number
}

export interface GatewayDeps {
  /** A block, from here or the network. Rejects with TIMEOUT when it doesn't come, or with the signal's reason. */
  getBlock: (cid: CID, signal: AbortSignal) => Promise<Uint8Array>
  log: Logger
}

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  INVALID_CID: 400,
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  UNSUPPORTED: 415,
  TIMEOUT: 504,
  IPFS_UNAVAILABLE: 503,
  NOT_READY: 503
}

/** One request: its signal aborts when the client leaves. */
interface Visit { request: IncomingMessage, response: ServerResponse, url: URL, path: string, signal: AbortSignal, get: GetBlock }

/** `GET` and `HEAD /ipfs/{cid}[/path]`: files with ranges, and directories as their index.html or a list. Errors are plain text. */
export class Gateway implements Startable {
  readonly name = 'ipfs gateway'
  readonly #init: GatewayInit
  readonly #deps: GatewayDeps
  #server: Server | undefined

  constructor (init: GatewayInit, deps: GatewayDeps) {
    this.#init = init
    this.#deps = deps
  }

  async start (): Promise<void> {
    const server = this.#server = createServer((request, response) => { void this.#answer(request, response) })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#init.port, this.#init.host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  }

  async stop (): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server == null) return
    const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
    server.closeAllConnections()
    await closed
  }

  /** Where it listens; undefined before `start`. */
  port (): number | undefined { return (this.#server?.address() as AddressInfo | null | undefined)?.port }

  async #answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const abort = new AbortController()
    response.once('close', () => abort.abort(new Error('the client has gone')))
    const { signal } = abort
    try {
      const url = new URL(request.url ?? '/', 'http://gateway')
      await serve({ request, response, url, path: decodedPath(url), signal, get: async cid => this.#deps.getBlock(cid, signal) })
    } catch (err) {
      this.#fail(response, err, signal)
    }
  }

  #fail (response: ServerResponse, err: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    const status = isClusterError(err) ? statusOfCode[err.code] ?? 500 : 500
    if (status === 500) this.#deps.log.warn('the gateway could not serve a request', { err })
    // a cut connection is the only way to say that a body is not whole
    if (response.headersSent) response.destroy()
    else plain(response, status, answerText(err))
  }
}

function decodedPath (url: URL): string {
  try {
    return decodeURIComponent(url.pathname)
  } catch {
    throw new ClusterError('INVALID_ARGUMENT', {}, { message: 'invalid path: bad percent-encoding' })
  }
}

async function serve (visit: Visit): Promise<void> {
  const { request, response, path, get } = visit
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return plain(response, 405, 'method not allowed')
  }
  if (!path.startsWith('/ipfs/')) return plain(response, 404, 'only /ipfs/ paths are served here')
  const cid = await resolveNames(parsePath(path), get)
  const node = await readNode(cid, get)
  response.setHeader('x-ipfs-path', encodeURI(path))
  if (node.kind === 'directory' || node.kind === 'shard') await serveDirectory(visit, node)
  else await serveFile(visit, node, visit.url.searchParams.get('filename') ?? path)
}

async function serveDirectory (visit: Visit, node: UnixFsNode): Promise<void> {
  const { response, path, url, get } = visit
  if (!path.endsWith('/')) {
    response.setHeader('location', `${url.pathname}/${url.search}`)
    return plain(response, 301, 'the path of a directory ends in a slash')
  }
  const index = await findEntry(node.cid, 'index.html', get)
  if (index != null) return serveFile(visit, await readNode(index, get), 'index.html')
  if (notModified(visit, `"DirIndex-${node.cid.toString()}"`)) return
  response.setHeader('cache-control', 'public, max-age=604800, stale-while-revalidate=2678400')
  response.setHeader('content-type', 'text/html; charset=utf-8')
  await send(visit, listingHtml(path, listEntries(node, get)))
}

async function serveFile (visit: Visit, node: UnixFsNode, name: string): Promise<void> {
  const { request, response, get } = visit
  const etag = `"${node.cid.toString()}"`
  response.setHeader('cache-control', 'public, max-age=29030400, immutable')
  if (notModified(visit, etag)) return
  const size = node.kind === 'symlink' ? node.data.length : fileSize(node)
  const asked = byteRangeOf(request.headers, { size, etag })
  response.setHeader('accept-ranges', 'bytes')
  if (asked === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${size}`)
    return plain(response, 416, 'the range is outside of the file')
  }
  const content = (range: ByteRange): AsyncIterable<Uint8Array> => readFile(node, get, range)
  response.setHeader('content-type', node.kind === 'symlink' ? 'inode/symlink' : typeOfName(name) ?? sniffedType(await gather(content({ from: 0, before: Math.min(size, sniffBytes) }))))
  response.setHeader('x-content-type-options', 'nosniff')
  const range = asked ?? { from: 0, before: size }
  response.setHeader('content-length', range.before - range.from)
  if (asked != null) {
    response.statusCode = 206
    response.setHeader('content-range', `bytes ${range.from}-${range.before - 1}/${size}`)
  }
  await send(visit, node.kind === 'symlink' ? [node.data.subarray(range.from, range.before)] : content(range))
}

/** Sets the ETag; answers 304 when the client has it already. */
function notModified ({ request, response }: Visit, etag: string): boolean {
  response.setHeader('etag', etag)
  const known = request.headers['if-none-match']?.split(',').map(one => one.trim().replace(/^W\//, ''))
  if (known == null || !(known.includes(etag) || known.includes('*'))) return false
  response.writeHead(304).end()
  return true
}

async function send ({ request, response, signal }: Visit, body: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>): Promise<void> {
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await pipeline(Readable.from(body), response, { signal })
}

async function gather (pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

function plain (response: ServerResponse, status: number, text: string): void {
  for (const name of ['cache-control', 'etag', 'content-length']) response.removeHeader(name)
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}
