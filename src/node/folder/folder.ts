import { readdir, readFile, mkdir } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { readIfThere, replaceFile, whenMissing } from '../../base/files.ts'
import type { JsonObject } from '../../base/json-object.ts'
import type { Variables } from '../../config/reader.ts'
import { invalidConfig, parseServiceJson, readServiceConfig, sourceOf } from '../../config/service-json.ts'
import type { LoadedConfig } from '../../config/service-json.ts'
import type { ServiceConfig } from '../../config/service-config.ts'
import { checkedIdentity, identityJson, newIdentity, parseIdentity } from './identity.ts'
import type { Identity } from './identity.ts'

/** Where things are in a peer's folder. */
export interface FolderPaths { folder: string, config: string, identity: string, ipfsIdentity: string }

/** The folder of a peer: `-c`, else IPFS_CLUSTER_PATH, else `~/.helia-cluster`. Absolute. */
export function folderPath (option: string | undefined, variables: Variables): string {
  const given = option ?? variables.IPFS_CLUSTER_PATH
  return given == null || given === '' ? join(variables.HOME ?? homedir(), '.helia-cluster') : resolve(given)
}

/** The files of a peer's folder. */
export function pathsIn (folder: string): FolderPaths {
  return {
    folder, config: join(folder, 'service.json'), identity: join(folder, 'identity.json'), ipfsIdentity: join(folder, 'ipfs-identity.json')
  }
}

/** A path out of service.json, absolute or relative to the folder; `fallback` when it is empty. */
export const resolveIn = (folder: string, path: unknown, fallback: string): string =>
  resolve(folder, typeof path === 'string' && path !== '' ? path : fallback)

/** The path of the peerstore file: `cluster.peerstore_file` in the folder, if it says one. */
export const peerstorePath = (folder: string, config: ServiceConfig): string => resolveIn(folder, config.cluster.peerstoreFile, 'peerstore')

/** Path of the state (`datastore.level.folder`). */
export const statePath = (folder: string, config: ServiceConfig): string => resolveIn(folder, config.datastore.folder, 'state')

export interface FolderDeps {
  variables: Variables
  /** Gets a remote configuration. */
  fetch (url: string): Promise<{ status: number, text: string }>
}

/** Everything that a peer starts from. */
export interface LoadedFolder extends LoadedConfig {
  identity: Identity
  ipfsIdentity: Identity
  /** Out of the variable IPFS_NS_MAP. */
  fixedNames: ReadonlyMap<string, string>
  /** Where the configuration came from, when it isn't the folder. */
  source: string | undefined
}

/**
 * Loads service.json (or what its `source` points to) and the identities. Throws INVALID_CONFIG naming all problems, NOT_FOUND when the
 * folder has no service.json or no identity. An identity of an old service.json is moved to identity.json; a missing ipfs-identity.json is
 * made.
 */
export async function loadFolder (folder: string, deps: FolderDeps): Promise<LoadedFolder> {
  const paths = pathsIn(folder)
  const own = parseServiceJson(await readConfigText(paths))
  const source = sourceOf(own)
  const file = source == null ? own : await fetchSource(source, deps)
  const loaded = readServiceConfig(file, { variables: deps.variables, hostName: hostname() })
  await checkTlsFiles(folder, loaded.config)
  const { identity, warning } = await loadIdentity(paths, loaded.config, deps.variables)
  const ipfsIdentity = await loadOrMakeIdentity(paths.ipfsIdentity)
  return {
    ...loaded, warnings: [...loaded.warnings, ...warning], identity, ipfsIdentity,
    fixedNames: parseFixedNames(deps.variables.IPFS_NS_MAP ?? ''), source
  }
}

/** The text of service.json; throws NOT_FOUND that says how to make one. */
export async function readConfigText ({ folder, config }: FolderPaths): Promise<string> {
  const text = await readIfThere(config)
  if (text == null) {
    throw new ClusterError('NOT_FOUND', { path: config }, {
      message: `there is no service.json in ${folder}: run "helia-cluster-service -c ${folder} init" first`
    })
  }
  return text
}

async function fetchSource (url: string, { fetch }: FolderDeps): Promise<JsonObject> {
  const answer = await fetch(url).catch((err: unknown) => {
    throw new ClusterError('INVALID_CONFIG', { source: url }, {
      message: `could not fetch configuration from source: ${url}: ${reasonOf(err)}`, cause: err
    })
  })
  if (answer.status >= 300) {
    throw new ClusterError('INVALID_CONFIG', { source: url }, {
      message: `could not fetch configuration from source: ${url}: unsuccessful request (${answer.status}): ${answer.text.slice(0, 200).replaceAll(/\s+/g, ' ').trim()}`
    })
  }
  const file = parseServiceJson(answer.text)
  if (sourceOf(file) != null) {
    throw new ClusterError('INVALID_CONFIG', { source: url }, { message: 'a sourced configuration cannot point to another source' })
  }
  return file
}

/** Why a fetch failed stands in its cause; its own words are only "fetch failed". */
const reasonOf = (err: unknown): string => messageOf(err instanceof TypeError && err.cause != null ? err.cause : err)

/** A certificate that can't be used stops the peer at once and not at the first request. */
async function checkTlsFiles (folder: string, config: ServiceConfig): Promise<void> {
  const problems: string[] = []
  for (const name of ['restapi', 'pinsvcapi'] as const) {
    const api = config.api[name]
    if (api == null || api.sslCertFile === '') continue
    try {
      const [cert, key] = await Promise.all([readFile(resolve(folder, api.sslCertFile)), readFile(resolve(folder, api.sslKeyFile))])
      const { createSecureContext } = await import('node:tls')
      createSecureContext({ cert, key })
    } catch (err) {
      problems.push(
        `api.${name}.ssl_cert_file and ssl_key_file are ${JSON.stringify([api.sslCertFile, api.sslKeyFile])}: must be a PEM certificate and its key (${messageOf(err)})`
      )
    }
  }
  if (problems.length > 0) throw invalidConfig(problems)
}

async function loadIdentity (
  paths: FolderPaths, { cluster }: ServiceConfig, variables: Variables
): Promise<{ identity: Identity, warning: string[] }> {
  const text = await readIfThere(paths.identity)
  if (text != null) return { identity: identityIn(paths.identity, text, variables), warning: [] }
  if (cluster.id === '' || cluster.privateKey == null) {
    throw new ClusterError(
      'NOT_FOUND', { path: paths.identity },
      { message: `there is no identity.json in ${paths.folder}: run "helia-cluster-service -c ${paths.folder} init" to make one` }
    )
  }
  const identity = checkedIdentity(cluster.id, cluster.privateKey.reveal())
  await replaceFile(paths.identity, identityJson(identity), 0o600)
  return {
    identity,
    warning: [
      'identity found in service.json: it has been written to identity.json; remove cluster.id and cluster.private_key from service.json'
    ]
  }
}

/** A damaged identity is never replaced by a new one: that would be another peer. */
function identityIn (path: string, text: string, variables?: Variables): Identity {
  try {
    return parseIdentity(text, variables)
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', { path }, {
      message: `${path}: ${messageOf(err)}. If the file is damaged, put back the one of a backup; without one, move it away and run "init" (a new identity is another peer)`,
      cause: err
    })
  }
}

/** The identity in a file; a fresh one is written when there is none. */
export async function loadOrMakeIdentity (path: string): Promise<Identity> {
  const text = await readIfThere(path)
  if (text != null) return identityIn(path, text)
  const identity = newIdentity()
  await replaceFile(path, identityJson(identity), 0o600)
  return identity
}

/** Makes the peer's folder and those above it, readable for this user only. Fine when it is there. */
export async function makeFolder (folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/** True when the folder isn't there or nothing is in it. */
export async function isEmptyFolder (path: string): Promise<boolean> {
  return (await readdir(path).catch(whenMissing([]))).length === 0
}

/** Reads the variable IPFS_NS_MAP as Kubo does: `domain:/ipfs/…,other:/ipns/…`. Throws INVALID_CONFIG for anything else. */
export function parseFixedNames (text: string): Map<string, string> {
  const entries = text === '' ? [] : text.split(',').map(entry => {
    const [, name, value] = /^([^:]+):(\/ip[fn]s\/[^/].*)$/s.exec(entry) ?? []
    if (name == null || value == null) {
      throw new ClusterError('INVALID_CONFIG', { entry }, {
        message: `IPFS_NS_MAP has the entry ${JSON.stringify(entry)}: must be like "example.org:/ipfs/bafy…"`
      })
    }
    return [name, value] as const
  })
  return new Map(entries)
}
