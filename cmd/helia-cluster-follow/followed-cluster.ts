import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClusterError } from '../../src/base/errors.ts'
import type { Variables } from '../../src/config/reader.ts'
import { pathsIn } from '../../src/node/folder/folder.ts'

/** One cluster that is followed: a peer's folder under its name. */
export interface FollowedCluster { name: string, folder: string }

/** The folder of all followers: `--config`, else IPFS_CLUSTER_PATH, else `~/.helia-cluster-follow`. Absolute. */
export function followersFolder (option: string | undefined, variables: Variables): string {
  return resolve(option ?? variables.IPFS_CLUSTER_PATH ?? join(homedir(), '.helia-cluster-follow'))
}

/** Throws INVALID_ARGUMENT for a name that is no folder's. */
export function followedIn (parent: string, name: string): FollowedCluster {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw new ClusterError('INVALID_ARGUMENT', { name }, {
      message: `${JSON.stringify(name)} can't be the name of a cluster: it names a folder, so it must be without slashes`
    })
  }
  return { name, folder: join(parent, name) }
}

/** The names of the clusters that have been initialized. */
export async function followedNames (parent: string): Promise<string[]> {
  const entries = await readdir(parent).catch(ignoreMissing([]))
  const known = await Promise.all(entries.map(async name => await isInitialized({ name, folder: join(parent, name) }) ? [name] : []))
  return known.flat().toSorted()
}

/** Whether the folder has a configuration. */
export async function isInitialized ({ folder }: FollowedCluster): Promise<boolean> {
  return stat(pathsIn(folder).config).then(found => found.isFile(), ignoreMissing(false))
}

const ignoreMissing = <Value>(value: Value) => (err: NodeJS.ErrnoException): Value => {
  if (err.code === 'ENOENT' || err.code === 'ENOTDIR') return value
  throw err
}

/** Where the follower's REST API is: a socket in its folder, unless a variable says otherwise. Multiaddresses. */
export function apiAddresses ({ folder }: FollowedCluster, variables: Variables): string[] {
  const chosen = (variables.CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS ?? '').split(',').filter(one => one !== '')
  return chosen.length > 0 ? chosen : [`/unix${socketPath(folder)}`]
}

/** The unix socket by which the other commands reach a running follower. */
export const socketPath = (folder: string): string => join(folder, 'api-socket')
