import { posix } from 'node:path'
import { parseDuration } from '../../../base/text/duration.ts'
import { invalidArgument, isClusterError, messageOf } from '../../../base/errors.ts'
import { withoutEndSlashes } from '../../../base/text/path-segments.ts'
import type { Query } from '../../../http/request/query.ts'
import { goJson } from '../../../model/go-json.ts'
import { ipnsKeyText } from '../../../model/ipns-name.ts'
import { followName } from '../../../ipfs/names.ts'
import type { NameOptions, NameResolver } from '../../../ipfs/names.ts'
import { contentPath } from '../paths.ts'
import { flag, integer, resolved, textArgument, uint64 } from './arguments.ts'
import type { Command, CommandCall, CommandDeps } from './command.ts'
import { lines, one } from './command.ts'

/** `name/publish` and `name/resolve`. */
export function nameCommands (deps: CommandDeps): Record<string, Command> {
  return {
    'name/publish': call => namePublish(deps, call),
    'name/resolve': call => nameResolve(deps, call)
  }
}

function namePublish ({ ipfs, names }: CommandDeps, { query, signal }: CommandCall): ReturnType<Command> {
  const argument = textArgument(query, 0, 'ipfs-path')
  const flags = {
    allowOffline: flag(query, 'allow-offline'), allowDelegated: flag(query, 'allow-delegated'), mustExist: flag(query, 'resolve', true),
    withV1: flag(query, 'v1compat', true)
  }
  const sequence = uint64(query, 'sequence')
  return one(async () => {
    if (flags.allowOffline && flags.allowDelegated) throw invalidArgument('cannot use both --allow-offline and --allow-delegated flags')
    const times = publishTimes(query)
    const value = publishedPath(argument)
    if (flags.mustExist) await resolved(ipfs, value, signal)
    if (flags.allowDelegated) {
      throw invalidArgument(
        'no delegated publishers configured: add Ipns.DelegatedPublishers or use --allow-offline for local-only publishing'
      )
    }
    const { id } = await names.publish(value, {
      key: query.get('key') || 'self', ...times, ...sequence == null ? {} : { sequence }, withV1: flags.withV1,
      allowOffline: flags.allowOffline, signal
    })
    return goJson({ Name: ipnsKeyText(id), Value: value })
  })
}

/** `lifetime` and `ttl`, with Kubo's texts for what can't be. */
function publishTimes (query: Query): { lifetimeMs?: number, ttlMs?: number } {
  const [lifetime, ttl] = [query.get('lifetime'), query.get('ttl')]
  const lifetimeMs = lifetime === '' ? undefined : lifetimeOf(lifetime)
  if (lifetimeMs != null && lifetimeMs <= 0) throw invalidArgument(`lifetime must be greater than zero, got ${lifetime}`)
  const ttlMs = ttl === '' ? undefined : parseDuration(ttl)
  if (ttlMs != null && ttlMs < 0) throw invalidArgument(`ttl must not be negative, got ${ttl}`)
  return { ...lifetimeMs == null ? {} : { lifetimeMs }, ...ttlMs == null ? {} : { ttlMs } }
}

function lifetimeOf (text: string): number {
  try {
    return parseDuration(text)
  } catch (err) {
    throw invalidArgument(`error parsing lifetime option: ${messageOf(err)}`)
  }
}

function nameResolve ({ names }: CommandDeps, { query, signal }: CommandCall): ReturnType<Command> {
  const isRecursive = flag(query, 'recursive', true) && flag(query, 'r', true)
  const isStream = flag(query, 'stream')
  const recordCount = integer(query, 'dht-record-count', { whenMissing: 0, atLeast: 0 })
  const fresh = flag(query, 'nocache')
  const answer = async (): Promise<string> => {
    const name = query.all('arg')[0] ?? (await names.keys.list())[0]?.id ?? ''
    const timeoutMs = query.get('dht-timeout') === '' ? undefined : parseDuration(query.get('dht-timeout'))
    if (timeoutMs != null && timeoutMs < 0) throw invalidArgument('DHT timeout value must be >= 0')
    const options = { signal, fresh, ...recordCount === 0 ? {} : { recordCount }, ...timeoutMs == null ? {} : { timeoutMs } }
    const path = namePath(name)
    return goJson({ Path: isRecursive ? (await followName(path, names, options)).value : await nextPath(path, names, options) })
  }
  return isStream ? lines(streamed(answer)) : one(answer)
}

/** What is found, line by line: here the best and nothing more. A key without a record has no lines, as in Kubo. */
async function * streamed (answer: () => Promise<string>): AsyncGenerator<string> {
  try {
    yield `${await answer()}\n`
  } catch (err) {
    if (!isClusterError(err, 'NOT_FOUND') || err.message !== 'could not resolve name') throw err
  }
}

/** One step: `/ipns/NAME/a` → what NAME points to, and `/a`. */
export async function nextPath (path: string, names: NameResolver, options: NameOptions): Promise<string> {
  const [, name = '', rest = ''] = /^\/ipns\/([^/]+)(.*)$/s.exec(path) ?? []
  const { value } = await names.resolveName(name, options)
  return rest === '' ? value : `${withoutEndSlashes(value)}${rest}`
}

/** A name, a path or an `ipns://` address → a path. */
function namePath (argument: string): string {
  const path = cleaned(pathOfUri(argument))
  const absolute = path.startsWith('/') ? path : `/ipns/${path}`
  const checked = contentPath(absolute)
  if (!checked.startsWith('/ipns/')) throw invalidArgument(`${JSON.stringify(argument)} is not an IPNS name`)
  return withSlashOf(absolute, checked)
}

/** What is published: a CID, a path or an `ipfs://` address → a path, with its slash at the end. */
function publishedPath (argument: string): string {
  const path = cleaned(pathOfUri(argument))
  return withSlashOf(path, contentPath(path))
}

const pathOfUri = (text: string): string =>
  text.replace(/^(ip[fn]s|ipld):(?:\/\/)?(?=[^/])/i, (_, scheme: string) => `/${scheme.toLowerCase()}/`)
const cleaned = (path: string): string => path === '' ? path : posix.normalize(path)
const withSlashOf = (path: string, checked: string): string => path.endsWith('/') ? `${checked}/` : checked
