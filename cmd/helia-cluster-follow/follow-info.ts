import { messageOf } from '../../src/base/errors.ts'
import { parseServiceJson, sourceOf } from '../../src/config/service-json.ts'
import { loadFolder, pathsIn, readConfigText } from '../../src/node/folder/folder.ts'
import { apiAddresses } from './followed-cluster.ts'
import type { FollowedCluster } from './followed-cluster.ts'
import type { FollowDeps } from './deps.ts'

/** Prints what is known of a follower, whether it runs or not. */
export async function printInfo (followed: FollowedCluster, deps: FollowDeps): Promise<void> {
  const { out, variables } = deps.terminal
  const id = await deps.client(apiAddresses(followed, variables)).id().catch(() => undefined)
  const ipfsOnline = id == null ? await isKuboOnline(followed, deps) : id.ipfs?.error === ''
  out(`Information about follower peer for Cluster "${followed.name}":\n\n` +
    `Config folder: ${followed.folder}\nConfig source URL: ${await sourceLine(followed, deps)}\n` +
    `Cluster Peer online: ${id != null}\nIPFS peer online: ${ipfsOnline}\n`)
}

async function sourceLine ({ folder }: FollowedCluster, { fetch }: FollowDeps): Promise<string> {
  const url = sourceOf(parseServiceJson(await readConfigText(pathsIn(folder))))
  if (url == null) return 'none: the configuration is in the folder'
  const answer = await fetch(url).catch(() => undefined)
  if (answer == null || answer.status >= 300) return `failed retrieving configuration source (${url})`
  const fault = whatIsWrong(answer.text)
  return fault === '' ? `Available (${url})` : `what is there is no configuration (${url}): ${fault}`
}

/** Of what the next start would read. One that only points on is no source. */
function whatIsWrong (text: string): string {
  try {
    const json = parseServiceJson(text)
    return sourceOf(json) == null ? '' : 'it has a source of its own'
  } catch (err) {
    return messageOf(err)
  }
}

/** The embedded node is online exactly when the peer is; an external one may be without it. */
async function isKuboOnline ({ folder }: FollowedCluster, { terminal, fetch, isKuboOnline }: FollowDeps): Promise<boolean> {
  const loaded = await loadFolder(folder, { variables: terminal.variables, fetch }).catch(() => undefined)
  const ipfs = loaded?.config.ipfs
  return ipfs?.kind === 'ipfshttp' && await isKuboOnline(ipfs.nodeMultiaddress)
}
