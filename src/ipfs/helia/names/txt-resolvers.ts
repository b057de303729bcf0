import { Resolver } from 'node:dns/promises'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import { wholeBytes } from '../../../base/whole-bytes.ts'
import type { TxtAnswer, TxtLookup } from './txt-lookup.ts'

/** Longest answer of a DNS server that is read; UDP and TCP have less. */
const maxAnswerBytes = 64 * 1024
/** Sayings of resolvers that are no failure: the name or the entry isn't there. */
const nothingThere = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME'])
const noSuchName = 'NXDOMAIN'

const failed = (server: string, why: string, cause?: unknown): ClusterError =>
  new ClusterError('IPFS_UNAVAILABLE', { server }, { message: `the DNS server ${server} did not answer: ${why}`, cause })

/** The machine's resolver (`/etc/resolv.conf`), or these DNS servers ("127.0.0.1:53"). It tells no TTL. */
export const systemTxt = (servers: readonly string[] = []): TxtLookup => async (name, { signal }) => {
  signal.throwIfAborted()
  const resolver = new Resolver()
  if (servers.length > 0) resolver.setServers(servers)
  const onAbort = (): void => resolver.cancel()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return { texts: (await resolver.resolveTxt(name)).map(pieces => pieces.join('')), ttlSeconds: undefined }
  } catch (err) {
    signal.throwIfAborted()
    if (nothingThere.has((err as NodeJS.ErrnoException).code ?? '')) return { texts: [], ttlSeconds: undefined }
    throw failed('of the system', messageOf(err), err)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** DNS over HTTPS (RFC 8484): `https://dns.example/dns-query`. */
export function httpsTxt (url: string): TxtLookup {
  return async (name, { signal }) => {
    const { encode, decode, RECURSION_DESIRED } = await import('@dnsquery/dns-packet')
    const query = encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [{ type: 'TXT', name }] })
    const asked = new URL(url)
    asked.searchParams.set('dns', Buffer.from(query).toString('base64url'))
    try {
      const response = await fetch(asked, { headers: { accept: 'application/dns-message' }, redirect: 'error', signal })
      if (!response.ok) throw new Error(`status ${response.status}`)
      return txtOf(decode(await limitedBody(response)))
    } catch (err) {
      signal.throwIfAborted()
      throw isClusterError(err) ? err : failed(asked.host, messageOf(err instanceof TypeError && err.cause != null ? err.cause : err), err)
    }
  }
}

/** Tries one after the other until one answers. */
export function firstOf (lookups: readonly TxtLookup[]): TxtLookup {
  return async (name, options) => {
    let last: unknown = new ClusterError('IPFS_UNAVAILABLE')
    for (const lookup of lookups) {
      try {
        return await lookup(name, options)
      } catch (err) {
        options.signal.throwIfAborted()
        last = err
      }
    }
    throw last
  }
}

const limitedBody = async ({ body }: Response): Promise<Uint8Array> => body == null
  ? new Uint8Array(0)
  : wholeBytes(body, { maxBytes: maxAnswerBytes, tooLong: () => new Error('the answer is too long') })

function txtOf ({ rcode, answers }: { rcode?: string | undefined, answers?: ReadonlyArray<{ type: string }> | undefined }): TxtAnswer {
  if (rcode === noSuchName) return { texts: [], ttlSeconds: undefined }
  if (rcode != null && rcode !== 'NOERROR') throw new Error(rcode)
  // a CNAME on the way has a TTL, too
  const ttls = (answers ?? []).map(one => (one as { ttl?: number }).ttl).filter(ttl => ttl != null)
  const texts = (answers ?? []).filter(({ type }) => type === 'TXT').map(one => textOf((one as unknown as { data: unknown }).data))
  return { texts, ttlSeconds: ttls.length === 0 ? undefined : Math.min(...ttls) }
}

/** DNS cuts long texts into pieces of 255 bytes. */
function textOf (data: unknown): string {
  const pieces = (Array.isArray(data) ? data : [data]) as Array<string | Uint8Array>
  return Buffer.concat(pieces.map(piece => Buffer.from(piece as Uint8Array))).toString('utf8')
}
