import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { ClusterError, invalidArgument } from '../../src/base/errors.ts'
import { readIfThere, replaceFile } from '../../src/base/files.ts'
import { defaultServiceJson } from '../../src/config/default-json.ts'
import { isMultiaddr, peerOfMultiaddr } from '../../src/config/multiaddr-text.ts'
import type { JsonObject } from '../../src/base/json-object.ts'
import type { Variables } from '../../src/config/reader.ts'
import { foreignDatastores } from '../../src/config/sections/datastore.ts'
import { readServiceConfig, sourceOf } from '../../src/config/service-json.ts'
import { loadOrMakeIdentity, makeFolder, pathsIn, resolveIn } from '../../src/node/folder/folder.ts'
import { checkedIdentity, identityJson, parseIdentity } from '../../src/node/folder/identity.ts'
import { lockFolder } from '../../src/node/folder/lock.ts'
import { writePeerstore } from '../../src/node/folder/peerstore-file.ts'
import { confirmed, doing } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/** `init`'s, as commander gives them, before any is checked. */
export interface InitFlags {
  source?: string
  consensus: string
  datastore: string
  profile: string
  customSecret?: boolean
  /** Comma-separated multiaddresses. */
  peers?: string
  force?: boolean
  randomports?: boolean
}

type Init = InitFlags & { folder: string }

/**
 * Makes service.json, identity.json, ipfs-identity.json and the peerstore of a folder; identities that are there stay. Nothing is changed
 * when an option, a variable or the lock stands in the way, or when the user doesn't want the configuration to be overwritten.
 */
export async function initFolder (init: Init, terminal: Terminal): Promise<void> {
  const paths = pathsIn(init.folder)
  const peers = await doing('parsing options', () => checkOptions(init))
  const compose = async (): Promise<JsonObject> => {
    const secret = init.customSecret === true ? await terminal.askSecretly('Enter cluster secret (32-byte hex string): ') : undefined
    return doing('creating configuration', () => composeFile(init, { peers, secret, variables: terminal.variables }))
  }
  const write = async (file: JsonObject): Promise<void> =>
    doing('writing the folder', async () => writeFolder(init.folder, { file, peers }, terminal))

  if (await readIfThere(paths.config) == null) {
    const file = await compose()
    await doing(`creating ${init.folder}`, async () => makeFolder(init.folder))
    return whileLocked(init.folder, async () => write(file))
  }
  // who would overwrite the configuration of a running peer hears of it before any question
  await whileLocked(init.folder, async () => {
    if (init.force === true || await confirmed('The configuration file will be overwritten. Continue? [y/n]: ', terminal)) {
      await write(await compose())
    }
  })
}

async function whileLocked (folder: string, work: () => Promise<void>): Promise<void> {
  const lock = await doing('obtaining execution lock', () => lockFolder(folder))
  try {
    await work()
  } finally {
    lock.release()
  }
}

/** Throws INVALID_ARGUMENT; gives the addresses of `--peers`. */
function checkOptions (init: Init): string[] {
  if (init.consensus === 'raft') throw invalidArgument('--consensus raft is not supported: use crdt')
  if (init.consensus !== 'crdt') throw invalidArgument(`--consensus is ${JSON.stringify(init.consensus)}: must be crdt`)
  const datastores: readonly string[] = ['level', ...foreignDatastores]
  if (!datastores.includes(init.datastore)) {
    throw invalidArgument(`--datastore is ${JSON.stringify(init.datastore)}: must be one of ${datastores.join(', ')}`)
  }
  if (init.profile !== 'public' && init.profile !== 'test') {
    throw invalidArgument(`--profile is ${JSON.stringify(init.profile)}: must be public or test`)
  }
  return parsePeerAddresses('--peers', init.peers)
}

/** Splits a comma-separated option into full addresses; throws INVALID_ARGUMENT. */
export function parsePeerAddresses (option: string, text = ''): string[] {
  const addresses = text.split(',').map(one => one.trim()).filter(one => one !== '')
  const bad = addresses.find(one => !isMultiaddr(one) || peerOfMultiaddr(one) == null)
  if (bad != null) {
    throw invalidArgument(`${option} has ${JSON.stringify(bad)}: must be multiaddresses such as /ip4/192.0.2.1/tcp/9096/p2p/12D3Koo…`)
  }
  return addresses
}

interface Given { peers: string[], secret: string | undefined, variables: Variables }

/** The content of service.json, checked. */
async function composeFile (init: Init, { peers, secret, variables: all }: Given): Promise<JsonObject> {
  if (init.source != null) {
    sourceOf({ source: init.source })
    return { source: init.source }
  }
  const variables: Variables = secret == null ? all : { ...all, CLUSTER_SECRET: secret.trim() }
  const file = defaultServiceJson({ profile: init.profile === 'test' ? 'test' : 'public', variables })
  const cluster = file.cluster as JsonObject
  if (cluster.peername === '') cluster.peername = hostname()
  if (variables.CLUSTER_SECRET == null) cluster.secret = randomBytes(32).toString('hex')
  if (peers.length > 0) ((file.consensus as JsonObject).crdt as JsonObject).trusted_peers = [...new Set(peers.map(peerOfMultiaddr))]
  const checked = init.randomports === true ? await withFreePorts(file) : file
  readServiceConfig(checked, { variables: { ...variables, CLUSTER_CRDT_TRUSTEDPEERS: undefined }, hostName: hostname() })
  return checked
}

/** Every address that is listened on, with a port that is free now on 127.0.0.1. */
async function withFreePorts (file: JsonObject): Promise<JsonObject> {
  const changed = async (value: unknown, key: string): Promise<unknown> => {
    if (Array.isArray(value)) return Promise.all(value.map(async one => changed(one, key)))
    if (typeof value === 'string') return /^(\w+_)*(listen|gateway)_multiaddress$/.test(key) ? withFreePort(value) : value
    if (typeof value !== 'object' || value === null) return value
    const entries = await Promise.all(Object.entries(value).map(async ([name, one]) => [name, await changed(one, name)]))
    return Object.fromEntries(entries)
  }
  return await changed(file, '') as JsonObject
}

async function withFreePort (address: string): Promise<string> {
  return /\/(tcp|udp)\/\d+/.test(address) ? address.replace(/\/(tcp|udp)\/\d+/, `/$1/${await freePort()}`) : address
}

async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address == null || typeof address === 'string') throw new ClusterError('INTERNAL', {}, { message: 'no free port' })
  return address.port
}

async function writeFolder (folder: string, { file, peers }: { file: JsonObject, peers: string[] }, terminal: Terminal): Promise<void> {
  const paths = pathsIn(folder)
  await writeIdentity(paths.identity, terminal)
  await loadOrMakeIdentity(paths.ipfsIdentity)
  await replaceFile(paths.config, JSON.stringify(file, null, 2), 0o600)
  terminal.err(`configuration written to ${paths.config}\n`)
  const peerstore = resolveIn(folder, (file.cluster as JsonObject | undefined)?.peerstore_file, 'peerstore')
  await writePeerstore(peerstore, peers)
  terminal.err(
    peers.length === 0
      ? `new empty peerstore written to ${peerstore}\n`
      : `peerstore written to ${peerstore} with ${peers.length} entries\n`
  )
}

/** Keeps the identity that is there; otherwise that of the variables, or a fresh one. */
async function writeIdentity (path: string, terminal: Terminal): Promise<void> {
  const { CLUSTER_ID: id, CLUSTER_PRIVATEKEY: key } = terminal.variables
  const text = await readIfThere(path)
  if (text != null) {
    parseIdentity(text)
    return
  }
  if (id != null && key != null)
    await replaceFile(path, identityJson(checkedIdentity(id, Uint8Array.from(Buffer.from(key, 'base64')))), 0o600)
  else await loadOrMakeIdentity(path)
  terminal.err(`new identity written to ${path}\n`)
}
