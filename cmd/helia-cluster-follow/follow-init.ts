import { ClusterError, invalidArgument } from '../../src/base/errors.ts'
import type { Variables } from '../../src/config/reader.ts'
import { pathsIn } from '../../src/node/folder/folder.ts'
import { initFolder } from '../helia-cluster-service/init.ts'
import { CommandFailed, doing } from '../helia-cluster-service/terminal.ts'
import type { Terminal } from '../helia-cluster-service/terminal.ts'
import { isInitialized } from './followed-cluster.ts'
import type { FollowedCluster } from './followed-cluster.ts'

const defaultGateway = '127.0.0.1:8080'

/** Where the cluster's configuration comes from. */
export interface SourceFlags {
  /** A URL, or a DNSLink name. */
  source: string
  /** host:port or URL of the IPFS gateway that resolves names. */
  gateway?: string
}

/** Writes identity and a configuration that points to its source. Throws CommandFailed when there is one already. */
export async function initFollower (followed: FollowedCluster, flags: SourceFlags, terminal: Terminal): Promise<void> {
  const { name, folder } = followed
  if (await isInitialized(followed)) {
    throw new CommandFailed(`Configuration for this cluster already exists.\nPlease delete ${folder} if you wish to re-initialize.`)
  }
  const source = await doing('parsing options', () => sourceUrl(flags, terminal))
  await initFolder({ folder, source, consensus: 'crdt', datastore: 'level', profile: 'public' }, { ...terminal, err: () => {} })
  terminal.out(`Identity written to ${pathsIn(folder).identity}.\nConfiguration written to ${pathsIn(folder).config}.\n` +
    `Cluster "${name}" follower peer initialized.\n\nYou can now use "helia-cluster-follow ${name} run" to start a follower peer for this cluster.\n`)
}

/** Go stores gateway addresses without a scheme, which then can't be fetched. */
function sourceUrl ({ source, gateway }: SourceFlags, { variables, out }: Terminal): string {
  if (/^https?:\/\//i.test(source)) return checkedUrl(source)
  // a name of DNS, or the long one of a key
  if (/[\s:/?#@]/.test(source) || !/\.|^\w{46,}$/.test(source)) {
    throw noSource(source, 'must be an http:// or https:// URL, or a DNSLink name')
  }
  const through = gatewayOf(gateway, variables)
  out(`${source} is taken as a DNSLink name: /ipns/${source}, fetched through the IPFS gateway ${through}.\n` +
    'If it is something else, give a URL that begins with http:// or https://. (IPFS_GATEWAY sets another gateway.)\n\n')
  return `${through}/ipns/${source}`
}

/** What can't be fetched is told now, not at the first start. */
function checkedUrl (source: string): string {
  if (/\s/.test(source) || !URL.canParse(source)) throw noSource(source, 'is no URL')
  const { username, password } = new URL(source)
  if (username !== '' || password !== '') {
    throw noSource(source.replace(/\/\/[^/@]*@/, '//…@'), 'has a user or a password, which are not sent when it is fetched')
  }
  return source
}

const noSource = (source: string, why: string): ClusterError =>
  invalidArgument(`the configuration source is ${JSON.stringify(source)}: ${why}`)

function gatewayOf (flag: string | undefined, variables: Variables): string {
  const gateway = (flag ?? variables.IPFS_GATEWAY ?? defaultGateway).replace(/\/+$/, '')
  return /^https?:\/\//.test(gateway) ? gateway : `http://${gateway}`
}
