import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import type { DagReader, UnixFsNode } from '../../../ipfs/dag-reader.ts'
import type { Refusals } from '../../../ipfs/denylist.ts'
import { followName } from '../../../ipfs/names.ts'
import type { NameResolver } from '../../../ipfs/names.ts'
import { notModified, redirection } from '../answer/answers.ts'
import { hasAlready } from '../../common/conditional.ts'
import { cacheHeaders, etagOf, isPageTag, pageCacheHeaders } from '../answer/caching.ts'
import type { Freshness } from '../answer/caching.ts'
import type { ContentPath } from '../location/content-path.ts'
import { encodedPath, textOf } from '../location/content-path.ts'
import { contentLocation } from '../location/formats.ts'
import { canonicalLabel } from '../location/hosts.ts'
import { errorPage, RedirectsFile } from '../location/missing-content.ts'
import type { OtherPage } from '../location/missing-content.ts'
import { ifCached, invalid, notAcceptable, Refusal } from '../answer/refusal.ts'
import { Resolution } from '../location/resolution.ts'
import { dagPbCodec, rawCodec } from '../../../model/multicodec.ts'
import { serveCar } from './serve-car.ts'
import { isDocument, serveCodec } from './serve-codec.ts'
import { encodedUrlPath, serveDirectory } from './serve-directory.ts'
import { serveFile } from './serve-file.ts'
import { serveRaw } from './serve-raw.ts'
import { serveRecord } from './serve-record.ts'
import { serveTar } from './serve-tar.ts'
import type { Answer, Target, GatewayContext } from '../request-context.ts'

export interface ContentHandlerInit {
  /** False: only raw blocks, CARs and records, which clients can check by themselves. */
  deserialized: boolean
}

export interface ContentHandlerDeps {
  reader: DagReader
  /** Without it `/ipns/` is answered 501. It refuses by itself to look up what is denied. */
  names: NameResolver | undefined
  refusals: Refusals
}

/** Where a request's path leads before its names are followed. */
interface Immutable { root: string, names: readonly string[], freshness: Freshness }

const trustless = new Set(['raw', 'car', 'ipns-record'])

/** What is behind a content path, in the format that is asked for. */
export class ContentHandler {
  readonly #init: ContentHandlerInit
  readonly #deps: ContentHandlerDeps
  readonly #resolution: Resolution
  readonly #redirects: RedirectsFile

  constructor (init: ContentHandlerInit, deps: ContentHandlerDeps) {
    this.#init = init
    this.#deps = deps
    this.#resolution = new Resolution(deps)
    this.#redirects = new RedirectsFile({ reader: deps.reader, resolution: this.#resolution })
  }

  /** Throws what `refusalOf` can tell the client. */
  async answer (context: GatewayContext): Promise<Answer> {
    const { path, asked: { format } } = context
    this.#checkRequest(context)
    await this.#deps.refusals.path(textOf(path))
    if (format === 'ipns-record') return this.#withHeaders(context, await serveRecord(context, this.#deps.names), undefined)
    const elsewhere = canonicalName(context)
    if (elsewhere != null) return elsewhere
    const immutable = await this.#immutable(context)
    const text = ['/ipfs', immutable.root, ...immutable.names].join('/')
    if (path.namespace === 'ipns') await this.#deps.refusals.path(text)
    try {
      context.below(immutable.root)
      const resolved = await this.#resolution.resolve(immutable, context.get)
      return await this.#serve(context, { ...resolved, immutablePath: text, freshness: immutable.freshness })
    } catch (err) {
      if (!isClusterError(err, 'NOT_FOUND') || format != null) throw err
      return this.#missing(context, immutable, err)
    }
  }

  #checkRequest ({ site, path, headers, asked: { format } }: GatewayContext): void {
    // a worker of a shared origin would own all content there
    const isWholeScope = site.kind === 'path' && path.names.length === 0 && !path.isFolder
    if (headers['service-worker'] === 'script' && isWholeScope) {
      throw invalid('navigator.serviceWorker: registration is not allowed for this scope')
    }
    if (!this.#init.deserialized && !trustless.has(format ?? '')) {
      throw notAcceptable('this gateway serves what clients can check: ask for ?format=raw, car or ipns-record')
    }
  }

  async #immutable (context: GatewayContext): Promise<Immutable> {
    const { path, now, signal, local } = context
    if (path.namespace === 'ipfs') return { root: path.root, names: path.names, freshness: { isImmutable: true } }
    const { names } = this.#deps
    if (names == null) throw new ClusterError('UNSUPPORTED', {}, { message: 'this gateway does not look up names' })
    const { value, ttlSeconds } = await followName(`/ipns/${path.root}`, names, { signal, local })
      .catch(err => { throw ifCached(nameError(err), { what: `/ipns/${path.root}`, local }) })
    const [root = '', ...before] = value.slice('/ipfs/'.length).split('/').filter((segment, at) => at === 0 || segment !== '')
    return { root, names: [...before, ...path.names], freshness: { isImmutable: false, ttlSeconds, resolvedAt: now } }
  }

  async #serve (context: GatewayContext, target: Target, page?: { status: number }): Promise<Answer> {
    await this.#deps.refusals.cids(target.roots)
    const known = page == null && context.asked.format == null ? knownEtag(context, target) : undefined
    const answer = known == null ? await this.#inFormat(context, target) : notModified(known)
    return this.#withHeaders(context, page == null || answer.status !== 200 ? answer : { ...answer, status: page.status }, target)
  }

  async #inFormat (context: GatewayContext, target: Target): Promise<Answer> {
    const { asked: { format } } = context
    const { cid, rest } = target
    if (format != null && rest.length > 0 && !isDocument(cid.code)) {
      throw new Refusal(501, `${JSON.stringify(rest.join('/'))} is inside of ${cid.toString()}: only links can be followed`)
    }
    if (format === 'raw') return serveRaw(context, target)
    if (format === 'car') return serveCar(context, target, this.#deps)
    if (format === 'tar') return serveTar(context, target, this.#deps)
    // a file may hold JSON, too: what it is shows in its type
    if (isDocument(cid.code) || format === 'dag-json' || format === 'dag-cbor') return serveCodec(context, target)
    return this.#serveUnixFs(context, target)
  }

  async #serveUnixFs (context: GatewayContext, target: Target): Promise<Answer> {
    const { reader } = this.#deps
    const { cid } = target
    if (cid.code !== dagPbCodec && cid.code !== rawCodec) {
      const codec = `the codec 0x${cid.code.toString(16)}, which has no form for browsers`
      throw notAcceptable(`${cid.toString()} has ${codec}: fetch the raw block with ?format=raw`)
    }
    const node = await readable(reader.readNode(cid, context.get))
    if (node.kind === 'directory' || node.kind === 'shard') {
      return serveDirectory(context, target, {
        node, reader, checkIndex: () => this.#deps.refusals.path(`${target.immutablePath}/index.html`)
      })
    }
    return serveFile(context, { node, name: context.path.names.at(-1) ?? '' }, { reader })
  }

  /** A page of the content's own for what isn't there, else the error. */
  async #missing (context: GatewayContext, { root, names, freshness }: Immutable, err: ClusterError): Promise<Answer> {
    const rule = context.site.kind === 'path' ? undefined : await this.#redirects.ruleFor({ root, names }, context)
    if (rule != null && 'location' in rule) return redirection(rule.status, rule.location)
    const page = rule ?? await errorPage({ root, names }, context, { resolution: this.#resolution })
    if (page == null) throw err
    const answer = await this.#page(context, { root, freshness }, page)
    return rule == null ? notKept(answer) : answer
  }

  async #page (context: GatewayContext, { root, freshness }: Pick<Immutable, 'root' | 'freshness'>, page: OtherPage): Promise<Answer> {
    const path: ContentPath = { ...context.path, names: page.names, isFolder: page.isFolder }
    await this.#deps.refusals.path(['/ipfs', root, ...page.names].join('/'))
    const resolved = await this.#resolution.resolve({ root, names: page.names }, context.get)
    const target = { ...resolved, immutablePath: ['/ipfs', root, ...page.names].join('/'), freshness }
    if (page.status === 200) return this.#serve({ ...context, path }, target)
    // an error is told whole, whatever the client has or wants of it
    const headers = { ...context.headers, range: undefined, 'if-none-match': undefined }
    return this.#serve({ ...context, path, headers }, target, { status: page.status })
  }

  /** Adds what every answer with content has. */
  #withHeaders (context: GatewayContext, answer: Answer, target: Target | undefined): Answer {
    const isContent = answer.status < 300 || answer.status === 304 || has(answer, 'Etag')
    const headers: Array<HeaderList[number]> = [...answer.headers, ['X-Ipfs-Path', encodedPath(context.path)]]
    if (target != null) headers.push(['X-Ipfs-Roots', target.roots.join(',')])
    if (!isContent) return { ...answer, headers }
    // one URL has many forms then: a cache in between must not give a CAR to a browser
    if (context.asked.format == null || context.asked.isFromAccept) headers.push(['Vary', 'Accept'])
    if (target != null && !has(answer, 'Cache-Control')) headers.push(...freshnessOf(answer, target).filter(([name]) => !has(answer, name)))
    const location = contentLocation(encodedUrlPath(context.urlPath), context.query, context.asked)
    if (location != null) headers.push(['Content-Location', location])
    return { ...answer, headers }
  }
}

const has = ({ headers }: Answer, wanted: string): boolean => headers.some(([name]) => name === wanted)

/**
 * An error in the content's own words is an error: no cache keeps it. Only a `_redirects` file says on purpose what is missing for good.
 */
const notKept = (answer: Answer): Answer => ({ ...answer, headers: answer.headers.filter(([name]) => !keepingHeaders.has(name)) })

const keepingHeaders = new Set(['Cache-Control', 'Last-Modified', 'Etag'])

/** A cache takes over what a 304 says: a page that was made here must not become immutable by being asked for again. */
const freshnessOf = ({ headers }: Answer, { freshness }: Target): HeaderList =>
  (headers.some(([name, value]) => name === 'Etag' && isPageTag(value)) ? pageCacheHeaders : cacheHeaders)(freshness)

/** The tag under which the client has this, whatever it turns out to be. */
function knownEtag ({ headers }: GatewayContext, { cid }: Target): string | undefined {
  if (headers['if-none-match'] == null || headers['if-none-match'].trim() === '*') return undefined
  const tags = isDocument(cid.code) ? [etagOf.dagPage(cid)] : [etagOf.content(cid), etagOf.listing(cid)]
  return tags.find(tag => hasAlready(headers, [tag]))
}

/** On shared hosts a key has one form: base36. */
function canonicalName ({ path, site, urlPath, query }: GatewayContext): Answer | undefined {
  if (path.namespace !== 'ipns' || site.kind !== 'path' || path.root.includes('.')) return undefined
  const label = canonicalLabel('ipns', path.root)
  if (label == null || label === path.root) return undefined
  const rest = encodedUrlPath(urlPath).split('/').slice(3).join('/')
  const below = rest === '' && !urlPath.endsWith('/') ? '' : `/${rest}`
  return redirection(302, `/ipns/${label}${below}${query.raw === '' ? '' : `?${query.raw}`}`)
}

async function readable (reading: Promise<UnixFsNode>): Promise<UnixFsNode> {
  try {
    return await reading
  } catch (err) {
    if (!isClusterError(err, 'UNSUPPORTED')) throw err
    throw new Refusal(406, `${err.message}: fetch the raw block with ?format=raw`, [], { cause: err })
  }
}

/** What is wrong with a record is no fault of the request. */
const nameError = (err: unknown): unknown =>
  isClusterError(err, 'INVALID_DATA') ? new Refusal(500, messageOf(err), [], { cause: err }) : err
