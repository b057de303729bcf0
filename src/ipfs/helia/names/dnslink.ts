import { deadline, orAborted } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import { Semaphore } from '../../../base/semaphore.ts'
import { cidText, isCid, parseCid } from '../../../model/cid.ts'
import type { NameOptions, NameTarget } from '../../names.ts'
import { NameCache } from './name-cache.ts'
import type { NameCacheInit } from './name-cache.ts'
import type { TxtLookup } from './txt-lookup.ts'

export interface DnsLinkInit {
  cache: NameCacheInit
  /** What one look-up may take, waiting for its turn included. Milliseconds. */
  timeoutMs: number
  /** Look-ups at a time; the others wait. */
  concurrency: number
}

export interface DnsLinkDeps {
  /** Undefined: domains aren't looked up. */
  txt: TxtLookup | undefined
  clock: Clock
}

/** Without a TTL, and for what failed: long enough for the requests of one page, short enough for who has just changed the entry. */
const unknownTtlMs = 10_000
const missing = 'could not resolve name: DNSLink lookup could not find a TXT record (https://docs.ipfs.tech/concepts/dnslink/)'
const several =
  'could not resolve name: DNSLink lookup returned more than one IPFS content path; ask domain owner to remove duplicate TXT records'

/** Names of hosts as DNS has them. Others have no entry, and nobody is asked. */
const domainForm = /^(?=.{1,244}\.?$)[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?(?:\.[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?)*\.?$/i

/** What `_dnslink.DOMAIN` points to (https://dnslink.dev). */
export class DnsLink {
  readonly #init: DnsLinkInit
  readonly #deps: DnsLinkDeps
  readonly #cache: NameCache<NameTarget>
  /** Every request for a host that has no entry would ask, and wait while DNS is out of order. */
  readonly #failures: NameCache<ClusterError>
  readonly #slots: Semaphore
  readonly #running = new Map<string, Promise<NameTarget>>()

  constructor (init: DnsLinkInit, deps: DnsLinkDeps) {
    this.#init = init
    this.#deps = deps
    this.#cache = new NameCache(init.cache, deps)
    this.#failures = new NameCache(init.cache, deps)
    this.#slots = new Semaphore(init.concurrency)
  }

  async resolve (domain: string, { signal, fresh = false, local }: NameOptions = {}): Promise<NameTarget> {
    signal?.throwIfAborted()
    const name = domain.toLowerCase().replace(/\.$/, '')
    const cached = fresh ? undefined : this.#cache.get(name)
    if (cached != null) return aged(cached.value, cached.ageMs)
    const failed = fresh ? undefined : this.#failures.get(name)
    if (failed != null) throw failed.value
    if (local === 'all') throw failure(domain, 'NOT_FOUND', 'it is not known here, and nobody is asked')
    const running = this.#running.get(name) ?? this.#lookUp(name, domain.replace(/\.$/, '')).finally(() => this.#running.delete(name))
    this.#running.set(name, running)
    return signal == null ? running : orAborted(running, signal)
  }

  async #lookUp (name: string, asAsked: string): Promise<NameTarget> {
    const fail = (code: FailureCode, why: string, cause?: unknown): ClusterError => failure(asAsked, code, why, cause)
    const { txt, clock } = this.#deps
    if (txt == null) throw fail('UNSUPPORTED', 'domains are not looked up here (ipfs_connector.helia.dnslink.resolvers is empty)')
    if (!domainForm.test(name)) throw fail('NOT_FOUND', missing)
    const limit = deadline(clock, this.#init.timeoutMs, () => fail('TIMEOUT', 'DNS did not answer in time'))
    try {
      const { texts, ttlSeconds } = await this.#slots.run(
        async () => orAborted(txt(`_dnslink.${name}`, { signal: limit.signal }), limit.signal), limit.signal
      )
      const paths = texts.map(pathOfEntry).filter(path => path != null)
      const [value] = paths
      if (value == null) throw fail('NOT_FOUND', missing)
      if (paths.length > 1) throw fail('INVALID_DATA', several)
      this.#cache.set(name, { value, ttlSeconds }, ttlSeconds == null ? unknownTtlMs : ttlSeconds * 1000)
      return { value, ttlSeconds }
    } catch (err) {
      const failed = isClusterError(err) && err.details.domain === name ? err : fail('IPFS_UNAVAILABLE', messageOf(err), err)
      this.#failures.set(name, failed, unknownTtlMs)
      throw failed
    } finally {
      limit.clear()
    }
  }
}

type FailureCode = 'NOT_FOUND' | 'INVALID_DATA' | 'UNSUPPORTED' | 'TIMEOUT' | 'IPFS_UNAVAILABLE'

function failure (domain: string, code: FailureCode, why: string, cause?: unknown): ClusterError {
  const asked = domain.replace(/\.$/, '')
  const message = `DNSLink lookup for ${JSON.stringify(`${asked}.`)} failed: ${why}`
  return new ClusterError(code, { domain: asked.toLowerCase() }, { message, cause })
}

const aged = ({ value, ttlSeconds }: NameTarget, ageMs: number): NameTarget => ({
  value, ttlSeconds: ttlSeconds == null ? undefined : Math.max(0, Math.floor(ttlSeconds - ageMs / 1000))
})

/** `dnslink=/ipfs/CID/a`, `dnslink=/ipns/NAME`; of old: a bare CID, with or without `dnslink=`, and a bare path. Others aren't for us. */
export function pathOfEntry (text: string): string | undefined {
  const entry = text.startsWith('dnslink=') ? text.slice('dnslink='.length) : text
  const [, namespace, root] = /^\/(ipfs|ipns)\/([^/]+)(?:\/|$)/.exec(entry) ?? []
  if (root != null) return namespace === 'ipns' || isCid(root) ? entry : undefined
  return isCid(entry) ? `/ipfs/${cidText(parseCid(entry))}` : undefined
}
