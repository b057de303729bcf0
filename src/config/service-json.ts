import { ClusterError, messageOf } from '../base/errors.ts'
import { refuseNestedJson } from '../base/nesting.ts'
import { isJsonObject } from '../base/json-object.ts'
import { newFindings, readSection } from './reader.ts'
import type { JsonObject } from '../base/json-object.ts'
import type { Findings, Variables } from './reader.ts'
import { inertSections, sections, topLevel } from './sections.ts'
import { foreignDatastores } from './sections/datastore.ts'
import type { ForeignDatastore } from './sections/datastore.ts'
import type { GatewayConfig, ServiceConfig, WebuiConfig } from './service-config.ts'

export interface ReadOptions {
  /** Variables that may override keys, usually the environment. */
  variables: Variables
  /** Name of this machine, for an empty `cluster.peername`. */
  hostName: string
}

/** A configuration that can be run with, and what its reader should hear about it. */
export interface LoadedConfig {
  config: ServiceConfig
  /** Sentences to log, in order. */
  warnings: string[]
  /** The file names an engine of Go: its data, if there is any, can't be read here. `folder` as in the file. */
  foreignDatastore: { engine: ForeignDatastore, folder: string } | null
}

/** Components are three levels down, their lists four. */
const maxNesting = 64

/** Parses the text of a service.json. Throws INVALID_CONFIG when it isn't a JSON object. */
export function parseServiceJson (text: string): JsonObject {
  let parsed: unknown
  // it may come from a server
  try {
    refuseNestedJson(Buffer.from(text), maxNesting)
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', {}, { message: `service.json is nested too deeply: ${messageOf(err)}`, cause: err })
  }
  try {
    parsed = JSON.parse(text)
  } catch (err) {
    throw new ClusterError('INVALID_CONFIG', {}, { message: `service.json is not valid JSON${whereIn(text, messageOf(err))}` })
  }
  if (!isJsonObject(parsed)) throw new ClusterError('INVALID_CONFIG', {}, { message: 'service.json must hold a JSON object' })
  return parsed
}

/** The line of a JSON error. Its own text is dropped, because it quotes the file, which may be the secret. */
function whereIn (text: string, message: string): string {
  if (message === 'Unexpected end of JSON input') return ': it ends too early'
  const position = /at position (\d+)/.exec(message)?.[1]
  const quoted = /, (?:\.\.\.)?"(.*?)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1]
  const at = position != null ? Number(position) : quoted != null ? text.indexOf(quoted) : -1
  return at < 0 ? '' : `: look near line ${text.slice(0, at).split('\n').length}`
}

/** The URL of a file that only points to another one; undefined for a normal file. Throws INVALID_CONFIG when it isn't an http(s) URL. */
export function sourceOf (file: JsonObject): string | undefined {
  const { source } = file
  if (source == null || source === '') return undefined
  if (typeof source === 'string' && /^https?:\/\//.test(source) && URL.canParse(source)) return source
  throw new ClusterError('INVALID_CONFIG', {}, { message: `source is ${JSON.stringify(source)}: must be an http:// or https:// URL` })
}

/**
 * Reads the sections of a service.json, with variables on top. Throws one INVALID_CONFIG whose message has a line for each problem
 * (section, key, value, what is allowed); `details.problems` is their number.
 */
export function readServiceConfig (file: JsonObject, { variables, hostName }: ReadOptions): LoadedConfig {
  const findings = newFindings()
  const component = (path: string): unknown => path.split('.').reduce<unknown>((at, key) => isJsonObject(at) ? at[key] : undefined, file)
  const read = new Map(sections.map(section => [section.path, readSection(section, component(section.path), { variables, findings })]))
  for (const section of inertSections) readSection(section, null, { variables, findings })
  checkSkeleton(file, findings)
  if (component('cluster.secret') === undefined && variables.CLUSTER_SECRET === undefined) findings.problems.push(noSecret)
  if (findings.problems.length > 0) throw invalidConfig(findings.problems)

  const config = assemble(read, path => component(path) != null)
  const named = config.cluster.peername === '' ? { ...config, cluster: { ...config.cluster, peername: hostName } } : config
  return { config: named, warnings: warningsOf(named, findings), foreignDatastore: foreignDatastoreOf(file) }
}

/** A key that was lost must not open the cluster to everybody. */
const noSecret =
  'cluster.secret is missing: must be the 32 bytes (hex) that all peers of the cluster have, or "" for a cluster that anybody can join'

/** An INVALID_CONFIG whose message has all problems, one a line; the fact `problems` is their number. */
export function invalidConfig (problems: readonly string[]): ClusterError {
  const message = problems.length === 1
    ? problems[0] ?? ''
    : `${problems.length} problems:\n${problems.map(problem => `  ${problem}`).join('\n')}`
  return new ClusterError('INVALID_CONFIG', { problems: problems.length }, { message })
}

/** Which sections must, may and may not be there together. Also notes names that mean nothing. */
function checkSkeleton (file: JsonObject, findings: Findings): void {
  const present = (folder: string): string[] =>
    Object.entries(isJsonObject(file[folder]) ? file[folder] : {}).filter(([, value]) => value != null).map(([name]) => name)
  if (file.cluster == null) findings.problems.push('cluster is missing: must be a section with at least secret and listen_multiaddress')
  checkConsensus(present('consensus'), findings)
  checkConnector(present('ipfs_connector'), findings)
  const engines = present('datastore').filter(name => name === 'level' || foreignDatastores.includes(name as ForeignDatastore))
  // a raft peer of Go needs no datastore: its file is refused for one reason
  if (engines.length > 1 || (engines.length === 0 && !present('consensus').includes('raft'))) {
    findings.problems.push(
      `datastore has ${engines.length === 0 ? 'no engine' : engines.join(' and ')}: must be exactly one, "level" (or one of Go's: ${foreignDatastores.join(', ')})`
    )
  }

  const known = new Set(
    [...sections, ...inertSections].map(section => section.path).concat(foreignDatastores.map(name => `datastore.${name}`))
  )
  for (const [name, value] of Object.entries(file)) {
    if (!topLevel.includes(name)) findings.unknownKeys.push(name)
    else if (name !== 'cluster' && name !== 'source' && value != null && !isJsonObject(value))
      findings.problems.push(`${name} is ${JSON.stringify(value)}: must be an object`)
    else if (name !== 'cluster') findings.unknownKeys.push(...present(name).map(one => `${name}.${one}`).filter(path => !known.has(path)))
  }
}

function checkConsensus (present: string[], { problems }: Findings): void {
  if (present.includes('raft')) problems.push('consensus.raft is not supported: must be consensus.crdt alone')
  else if (!present.includes('crdt')) problems.push('consensus.crdt is missing: must be there, {} is enough')
}

function checkConnector (present: string[], { problems }: Findings): void {
  if (present.includes('helia') && present.includes('ipfshttp')) {
    problems.push('ipfs_connector has helia and ipfshttp: must be exactly one, helia (the embedded node) or ipfshttp (an external Kubo)')
  }
}

function assemble (read: Map<string, JsonObject>, isPresent: (path: string) => boolean): ServiceConfig {
  const all = (path: string): any => read.get(path) // any: the tables' types are assembled in ServiceConfig
  const ifPresent = (path: string): any => isPresent(path) ? read.get(path) : null // any: as above
  const kind = isPresent('ipfs_connector.helia') ? 'helia' : 'ipfshttp'
  return {
    cluster: all('cluster'),
    crdt: all('consensus.crdt'),
    api: {
      restapi: ifPresent('api.restapi'), pinsvcapi: ifPresent('api.pinsvcapi'), ipfsproxy: ifPresent('api.ipfsproxy'),
      gateway: gatewayOf(all('api.gateway'), {
        kind, isPresent: isPresent('api.gateway'), older: all('ipfs_connector.helia').gatewayMultiaddress
      }),
      service: ifPresent('api.service'), webui: webuiOf(ifPresent('api.webui')), webhooks: ifPresent('api.webhooks')
    },
    ipfs: { kind, ...all(`ipfs_connector.${kind}`) },
    tracker: all('pin_tracker.stateless'),
    monitor: all('monitor.pubsubmon'),
    allocator: all('allocator.balanced'),
    informers: { disk: ifPresent('informer.disk'), tags: ifPresent('informer.tags'), pinqueue: ifPresent('informer.pinqueue') },
    metrics: all('observations.metrics'),
    tracing: all('observations.tracing'),
    datastore: all('datastore.level')
  }
}

const webuiOf = (section: WebuiConfig | null): WebuiConfig | null => section?.disabled === true ? null : section

/**
 * The older key of the embedded node wins where it is given. A file from before the section has neither: the embedded node had a gateway
 * then, an external Kubo has its own.
 */
function gatewayOf (
  section: GatewayConfig, { kind, isPresent, older }: { kind: 'helia' | 'ipfshttp', isPresent: boolean, older: string | null }
): GatewayConfig | null {
  if (kind === 'helia' && older != null) return older === '' ? null : { ...section, listenMultiaddress: [older] }
  if (!isPresent && kind === 'ipfshttp') return null
  return section.listenMultiaddress.length === 0 ? null : section
}

function warningsOf (config: ServiceConfig, findings: Findings): string[] {
  return [
    ...(config.cluster.secret == null ? ['Cluster secret is empty, cluster will start on unprotected network.'] : []),
    ...findings.warnings,
    ...(findings.unknownKeys.length === 0 ? [] : [`service.json has keys that mean nothing here: ${findings.unknownKeys.join(', ')}`])
  ]
}

function foreignDatastoreOf (file: JsonObject): LoadedConfig['foreignDatastore'] {
  const datastore = isJsonObject(file.datastore) ? file.datastore : {}
  const engine = foreignDatastores.find(name => datastore[name] != null)
  if (engine == null) return null
  const settings = datastore[engine]
  const folder = isJsonObject(settings) && typeof settings.folder === 'string' && settings.folder !== '' ? settings.folder : engine
  return { engine, folder }
}
