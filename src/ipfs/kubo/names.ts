import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Clock } from '../../base/clock.ts'
import { ipnsKeyText, parseIpnsKey } from '../../model/ipns-name.ts'
import type { PeerId } from '../../model/cid.ts'
import { decodeIpnsRecord } from '../../wire/ipns-record.ts'
import type { NameOptions, NameRecord, NameResolver, NameTarget } from '../names.ts'
import { kuboWords } from './errors.ts'
import type { KuboRpc } from './rpc.ts'

export interface KuboNamesInit {
  /** For one call; 0: no limit. Milliseconds. */
  requestTimeoutMs: number
}

export interface KuboNamesDeps { rpc: Pick<KuboRpc, 'json'>, clock: Pick<Clock, 'now'> }

/**
 * Names as an external Kubo knows them: it asks, checks and keeps. Records come with their TTL; of a domain, and of a Kubo that is offline,
 * it tells none.
 */
export function kuboNames (init: KuboNamesInit, deps: KuboNamesDeps): NameResolver {
  return new KuboNames(init, deps)
}

class KuboNames implements NameResolver {
  readonly #init: KuboNamesInit
  readonly #deps: KuboNamesDeps

  constructor (init: KuboNamesInit, deps: KuboNamesDeps) {
    this.#init = init
    this.#deps = deps
  }

  async resolveName (name: string, options: NameOptions = {}): Promise<NameTarget> {
    const key = parseIpnsKey(name)
    const record = key == null ? undefined : await this.#record(key, options).catch(orUndefinedOffline)
    if (record != null) return { value: decodeIpnsRecord(record.bytes).value, ttlSeconds: record.ttlSeconds }
    // what it has kept of the DNS it doesn't tell apart
    if (key == null && options.local === 'all') throw notAsked(name)
    const flags = `${options.fresh === true ? '&nocache=true' : ''}${key == null ? '' : offline(options)}`
    const query = `arg=${encodeURIComponent(`/ipns/${name}`)}&recursive=false${flags}`
    const { Path: value } = await this.#ask<{ Path: string }>(`name/resolve?${query}`, options)
    return { value, ttlSeconds: undefined }
  }

  async recordOf (key: string, options: NameOptions = {}): Promise<NameRecord> {
    const peer = parseIpnsKey(key)
    if (peer == null) {
      throw new ClusterError(
        'INVALID_ARGUMENT', { name: key.slice(0, 200) }, { message: `cannot resolve: ${JSON.stringify(`/ipns/${key}`)}` }
      )
    }
    return this.#record(peer, options)
  }

  async #record (key: PeerId, options: NameOptions): Promise<NameRecord> {
    const query = `arg=${encodeURIComponent(`/ipns/${ipnsKeyText(key)}`)}${offline(options)}`
    const { Extra: text } = await this.#ask<{ Extra: string }>(`routing/get?${query}`, options)
    const { bytes, ttlNs, validUntilNs } = decodeIpnsRecord(Uint8Array.from(Buffer.from(text, 'base64')))
    const validUntil = Number(validUntilNs / 1_000_000n)
    const untilOver = validUntil - this.#deps.clock.now()
    return {
      bytes, validUntil,
      ttlSeconds: ttlNs == null ? undefined : Math.max(0, Math.floor(Math.min(Number(ttlNs / 1_000_000n), untilOver) / 1000))
    }
  }

  async #ask<T> (path: string, { signal }: NameOptions): Promise<T> {
    try {
      return await this.#deps.rpc.json<T>(path, { signal, timeoutMs: this.#init.requestTimeoutMs })
    } catch (err) {
      throw named(err)
    }
  }
}

const notAsked = (name: string): ClusterError =>
  new ClusterError('NOT_FOUND', { name: name.slice(0, 200) }, { message: 'could not resolve name: domains are not looked up here' })

const offline = ({ local }: NameOptions): string => local == null ? '' : '&offline=true'

/** What Kubo's words mean. Of a record that it lacks offline, 0.42 says so of its datastore, 0.44 of the routing. */
function named (err: unknown): unknown {
  const words = kuboWords(err)
  if (!isClusterError(err) || words === '') return err
  const code = /^could not resolve name$|^routing: not found$|^datastore: key not found$|could not find a TXT record/.test(words)
    ? 'NOT_FOUND'
    : /^cannot resolve|^peer ID represented|not a valid domain/.test(words)
    ? 'INVALID_ARGUMENT'
    : err.code
  return new ClusterError(code, err.details, { message: words, cause: err })
}

/** An offline Kubo gives no records away, but resolves what it has. */
function orUndefinedOffline (err: unknown): undefined {
  if (isClusterError(err) && err.message.includes('must be run in online mode')) return undefined
  throw err
}
