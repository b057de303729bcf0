import { rm } from 'node:fs/promises'
import { ClusterError } from '../../src/base/errors.ts'
import { newFindings, readSection } from '../../src/config/reader.ts'
import type { Variables } from '../../src/config/reader.ts'
import type { Section } from '../../src/config/section.ts'
import { restapiSection } from '../../src/config/sections/http-api.ts'
import type { HttpApiConfig, ServiceConfig } from '../../src/config/service-config.ts'
import { invalidConfig } from '../../src/config/service-json.ts'
import { runDaemon } from '../helia-cluster-service/daemon.ts'
import type { DaemonDeps } from '../helia-cluster-service/daemon.ts'
import { apiAddresses, socketPath } from './followed-cluster.ts'
import type { FollowedCluster } from './followed-cluster.ts'

/** What a unix socket's path may have on Linux (macOS: 103). */
const longestSocketPath = 107

/** Runs the follower until a signal; gives the exit code. */
export async function runFollower (followed: FollowedCluster, deps: DaemonDeps): Promise<number> {
  const { terminal } = deps
  terminal.out(`Starting the IPFS Cluster follower peer for "${followed.name}".\nCTRL-C to stop it.\n`)
  return runDaemon({
    folder: followed.folder,
    levels: terminal.variables.IPFS_CLUSTER_LOG_LEVEL ?? 'info',
    trust: false,
    adjust: async ({ config }) => {
      const api = followerApi(followed, terminal.variables)
      // left by a follower that was killed; nobody listens on it, because the folder is locked
      await rm(socketPath(followed.folder), { force: true })
      return followerConfig(config, api)
    }
  }, deps)
}

/**
 * The settings of a follower: the pinset is read only, nobody else collects garbage here, the API on its socket and the gateway the only
 * listeners, nothing is measured.
 */
function followerConfig (config: ServiceConfig, restapi: HttpApiConfig): ServiceConfig {
  return {
    ...config,
    cluster: { ...config.cluster, followerMode: true },
    rpc: { closed: ['Cluster.RepoGCLocal'] },
    api: { restapi, pinsvcapi: null, ipfsproxy: null, gateway: config.api.gateway, service: null, webui: null, webhooks: null },
    metrics: { ...config.metrics, enableStats: false },
    tracing: { ...config.tracing, enableTracing: false }
  }
}

/**
 * The API section with all defaults and what variables say. Throws INVALID_CONFIG, or INVALID_ARGUMENT for a folder with too long a path.
 */
export function followerApi (followed: FollowedCluster, variables: Variables): HttpApiConfig {
  const listen = apiAddresses(followed, variables)
  const findings = newFindings()
  const section = readSection(restapiSection as Section<any>, null, { variables, findings }) // any: as in config/sections.ts
  if (findings.problems.length > 0) throw invalidConfig(findings.problems)
  const tooLong = listen.find(
    address => address.startsWith('/unix/') && Buffer.byteLength(address.slice('/unix'.length)) > longestSocketPath
  )
  if (tooLong != null) {
    throw new ClusterError('INVALID_ARGUMENT', { address: tooLong }, {
      message: `${tooLong.slice('/unix'.length)} is too long for a socket: use a folder with a shorter path (--config), or set CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS`
    })
  }
  return { ...section as unknown as HttpApiConfig, httpListenMultiaddress: listen }
}
