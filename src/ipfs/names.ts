import { ClusterError } from '../base/errors.ts'
import { withoutEndSlashes } from '../base/text/path-segments.ts'
import type { IpfsOptions } from './ipfs.ts'

/** Where a name points: a path that begins with `/ipfs/` or `/ipns/`, perhaps with names behind it. */
export interface NameTarget {
  value: string
  /** How long the answer may be kept, as the record or the DNS says. Undefined: nobody knows. Seconds. */
  ttlSeconds: number | undefined
}

/** A signed IPNS record as it goes over the network. */
export interface NameRecord {
  /** The protobuf, exactly as it was signed. */
  bytes: Uint8Array
  /** How long it may be kept: its TTL, but not beyond its validity. Undefined: it has none. Seconds. */
  ttlSeconds: number | undefined
  /** End of its validity. Unix milliseconds. */
  validUntil: number
}

export interface NameOptions extends IpfsOptions {
  /** Don't take an answer from before. */
  fresh?: boolean
  /** Records that are enough: the best of them is taken. Default 16, as Kubo's. */
  recordCount?: number
  /**
   * What nobody is asked for. `keys`: records come from here alone, domains are looked up; `all`: domains aren't either. What isn't known
   * here is NOT_FOUND.
   */
  local?: 'keys' | 'all' | undefined
  /** The routing is asked for this long; the best record so far is taken. 0: no limit. Default: as configured. Milliseconds. */
  timeoutMs?: number
}

/**
 * Looks up what stands behind `/ipns/…`.
 *
 * Errors: INVALID_ARGUMENT for what is neither a key nor a domain, NOT_FOUND when there is no record (or no `dnslink=` entry),
 * INVALID_DATA when the record that was found is not to be trusted (a broken or missing signature, over its validity) or the entry can't
 * be read, UNSUPPORTED when this kind of name is switched off, TIMEOUT when nobody answered in time. An aborted call rejects with the
 * signal's reason.
 */
export interface NameResolver {
  /**
   * One step: a key (a peer ID in base58, or a CID with codec libp2p-key in any base) by its newest valid IPNS record, everything else as
   * a domain by its DNSLink. The target may be a name again: `followName` goes on.
   */
  resolveName (name: string, options?: NameOptions): Promise<NameTarget>
  /** The newest valid record of a key. INVALID_ARGUMENT for a domain. */
  recordOf (key: string, options?: NameOptions): Promise<NameRecord>
}

/** Steps from name to name before a path is given up. */
export const maxNameSteps = 32

/**
 * Follows `/ipns/NAME/a` to a path that begins with `/ipfs/`; what stood behind the names is kept, in order. `ttlSeconds` is the shortest
 * of all steps, undefined when one of them has none. A path without a name is its own answer. Throws INVALID_DATA for a circle.
 */
export async function followName (path: string, names: NameResolver, options: NameOptions = {}): Promise<NameTarget> {
  let at: NameTarget = { value: path, ttlSeconds: Infinity }
  for (let step = 0; at.value.startsWith('/ipns/'); step++) {
    if (step === maxNameSteps) {
      throw new ClusterError('INVALID_DATA', { path }, { message: 'could not resolve name (recursion limit exceeded)' })
    }
    at = await nextStep(at, names, options)
  }
  return at
}

async function nextStep ({ value, ttlSeconds }: NameTarget, names: NameResolver, options: NameOptions): Promise<NameTarget> {
  const [, name = '', rest = ''] = /^\/ipns\/([^/]+)(.*)$/s.exec(value) ?? []
  const target = await names.resolveName(name, options)
  if (!/^\/ip[fn]s\/[^/]/.test(target.value)) {
    throw new ClusterError(
      'INVALID_DATA', { name, value: target.value },
      { message: `could not resolve name: ${name} points to ${JSON.stringify(target.value)}, which is no IPFS path` }
    )
  }
  return {
    value: `${withoutEndSlashes(target.value)}${rest}`,
    ttlSeconds: ttlSeconds == null || target.ttlSeconds == null ? undefined : Math.min(ttlSeconds, target.ttlSeconds)
  }
}
