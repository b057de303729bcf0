import { keepNewest } from '../../../base/keep-newest.ts'
import { isClusterError, messageOf } from '../../../base/errors.ts'
import type { DagReader } from '../../../ipfs/dag-reader.ts'
import { isErrorStatus, isRedirectStatus, matchRedirect, maxRedirectsBytes, parseRedirects } from './redirects-file.ts'
import type { RedirectRule } from './redirects-file.ts'
import { Refusal } from '../answer/refusal.ts'
import type { ImmutablePath, Resolution } from './resolution.ts'
import type { GatewayContext } from '../request-context.ts'

/** Another page of the same root, to be shown instead with this status. */
export interface OtherPage { status: number, names: readonly string[], isFolder: boolean }

/** What is answered in place of a missing file: another page, or a redirect. */
export type Instead = OtherPage | { status: number, location: string }

export interface RedirectsDeps { reader: DagReader, resolution: Resolution }

/** Files whose rules are remembered, by CID: they never change. */
const rememberedFiles = 64

/** The `_redirects` file of a root. Read only when a path leads nowhere, and only on origins of their own. */
export class RedirectsFile {
  readonly #deps: RedirectsDeps
  readonly #known = new Map<string, RedirectRule[]>()

  constructor (deps: RedirectsDeps) { this.#deps = deps }

  /** What the first matching rule says; undefined when there is none. Throws 500 with the reason for a file that can't be read. */
  async ruleFor ({ root, names: missing }: ImmutablePath, context: Pick<GatewayContext, 'get' | 'query'>): Promise<Instead | undefined> {
    const rules = await this.#rulesOf(root, context)
    const rule = rules == null ? undefined : matchRedirect(rules, `/${missing.join('/')}`)
    if (rule == null) return undefined
    const { to, status } = rule
    if (isRedirectStatus(status)) return { status, location: withQuery(to, context.query.raw) }
    const names = to.replace(/[?#].*$/, '').split('/').filter(name => name !== '')
    return { status: isErrorStatus(status) ? status : 200, names, isFolder: to.endsWith('/') }
  }

  async #rulesOf (root: string, { get }: Pick<GatewayContext, 'get'>): Promise<RedirectRule[] | undefined> {
    const { reader, resolution } = this.#deps
    try {
      const { cid } = await resolution.resolve({ root, names: ['_redirects'] }, get)
      const key = cid.toString()
      const known = this.#known.get(key)
      if (known != null) return known
      const rules = parseRedirects(await this.#content(await reader.readNode(cid, get), get))
      this.#known.set(key, rules)
      keepNewest(this.#known, rememberedFiles)
      return rules
    } catch (err) {
      if (isClusterError(err, 'NOT_FOUND')) return undefined
      if (isClusterError(err, 'INVALID_DATA')) {
        throw new Refusal(500, `trouble processing _redirects file at "/ipfs/${root}/_redirects": ${messageOf(err)}`, [], { cause: err })
      }
      throw err
    }
  }

  async #content (node: Awaited<ReturnType<DagReader['readNode']>>, get: GatewayContext['get']): Promise<Uint8Array> {
    const { reader } = this.#deps
    if (node.kind !== 'file' && node.kind !== 'raw') throw new Refusal(500, 'could not parse _redirects: it is not a file')
    const pieces: Uint8Array[] = []
    // one byte more than is allowed tells that it is too long
    const range = { from: 0, before: Math.min(reader.fileSize(node), maxRedirectsBytes + 1) }
    for await (const piece of reader.readFile(node, get, { range })) pieces.push(piece)
    return Buffer.concat(pieces)
  }
}

/** The request's query goes along, behind that of the rule. */
function withQuery (to: string, query: string): string {
  if (query === '') return to
  const [, url = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(to) ?? []
  return `${url}${url.includes('?') ? '&' : '?'}${query}${fragment}`
}

const maxLevels = 32

/** The `ipfs-404.html` nearest above a missing path, for those who want HTML. */
export async function errorPage (
  { root, names }: ImmutablePath, { get, headers }: Pick<GatewayContext, 'get' | 'headers'>, { resolution }: { resolution: Resolution }
): Promise<OtherPage | undefined> {
  if (headers.accept?.includes('text/html') !== true || names.length > maxLevels) return undefined
  for (let length = names.length - 1; length >= 0; length--) {
    const page = [...names.slice(0, length), 'ipfs-404.html']
    try {
      await resolution.resolve({ root, names: page }, get)
      return { status: 404, names: page, isFolder: false }
    } catch (err) {
      if (!isClusterError(err, 'NOT_FOUND')) throw err
    }
  }
  return undefined
}
