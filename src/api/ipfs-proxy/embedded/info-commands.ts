import { ClusterError } from '../../../base/errors.ts'
import { badRequest } from '../../../http/error-dialect.ts'
import { nextLink } from '../../../ipfs/dag-reader.ts'
import { cidText, peerIdBytes } from '../../../model/cid.ts'
import { goJson } from '../../../model/go-json.ts'
import { contentPath } from '../paths.ts'
import { nextPath } from './name-commands.ts'
import { contentOf, flag, integer, pathArgument, pathArguments, resolved } from './arguments.ts'
import type { Command, CommandCall, CommandDeps } from './command.ts'
import { lines, one } from './command.ts'

/** The Kubo whose answers these are like. */
const likeKubo = '0.44.0'

/** "1.1.6+helia.0.1.0" → "0.44.0+helia.0.1.0". */
export const nodeVersion = (version: string): string => `${likeKubo}+helia.${version.split('+helia.')[1] ?? version}`

/** `id`, `version`, `swarm/peers`, `resolve` and `refs`. */
export function infoCommands (deps: CommandDeps): Record<string, Command> {
  return {
    id: call => one(async () => idJson(deps, call)),
    version: () => one(async () => goJson({
      Version: nodeVersion(deps.cluster.version), Commit: '', Repo: '18',
      System: `${process.arch === 'x64' ? 'amd64' : process.arch}/${process.platform}`, Golang: ''
    })),
    'swarm/peers': ({ signal }) => one(async () => {
      const peers = await deps.ipfs.swarmPeers({ signal })
      const identify = { ID: '', PublicKey: '', Addresses: null, AgentVersion: '', Protocols: null }
      return goJson({ Peers: peers.length === 0 ? null : peers.map(Peer => ({ Addr: '', Peer, Identify: identify })) })
    }),
    resolve: ({ query, signal }) => {
      const path = pathArgument(query, 'name')
      const isRecursive = flag(query, 'recursive', true) && flag(query, 'r', true)
      if (!isRecursive && path.startsWith('/ipns/')) return one(async () => goJson({ Path: await nextPath(path, deps.names, { signal }) }))
      return one(async () => goJson({ Path: `/ipfs/${cidText(await resolved(deps.ipfs, path, signal))}` }))
    },
    refs: call => refs(deps, call)
  }
}

async function idJson ({ ipfs, cluster }: CommandDeps, { query }: CommandCall): Promise<string> {
  const { id, addresses, error } = await ipfs.id()
  const [asked = id] = query.all('arg')
  if (asked !== id) {
    throw new ClusterError('UNSUPPORTED', { peer: asked.slice(0, 100) }, { message: 'the embedded IPFS node only knows its own ID' })
  }
  if (error !== '') throw new ClusterError('IPFS_UNAVAILABLE', {}, { message: error })
  return goJson({
    ID: id,
    PublicKey: publicKey(id),
    Addresses: addresses ?? [],
    AgentVersion: `helia-cluster/${cluster.version.split('+helia.')[1] ?? cluster.version}`,
    Protocols: ipfs.protocols?.().toSorted() ?? []
  })
}

/** Ed25519 peer IDs hold their key. */
function publicKey (id: string): string {
  const bytes = peerIdBytes(id)
  return bytes[0] === 0 ? Buffer.from(bytes.subarray(2)).toString('base64') : ''
}

/** Links of objects, or of everything below them; `unique` prints each once. */
function refs (deps: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { reader } = deps
  const { query, get } = call
  const paths = pathArguments({ all: query.all('arg') }).map(contentPath)
  const isRecursive = flag(query, 'recursive') || flag(query, 'r')
  const isUnique = flag(query, 'unique') || flag(query, 'u')
  const isEdges = flag(query, 'edges') || flag(query, 'e')
  const askedFormat = query.get('format') || '<dst>'
  if (isEdges && askedFormat !== '<dst>') throw badRequest('using format argument with edges is not allowed')
  const format = isEdges ? '<src> -> <dst>' : askedFormat
  const maxDepth = isRecursive ? integer(query, 'max-depth', { whenMissing: -1, atLeast: -1 }) : 1
  return lines((async function * () {
    const seen = reader.seenBlocks()
    // only dag-pb has names for links
    const waiting = reader.waitingLinks(get, { withNames: format.includes('<linkname>') })
    let links = 0
    try {
      for (const path of paths) {
        const root = await contentOf(path, deps, call)
        waiting.push({ cid: root, bytes: await get(root) }, maxDepth === -1 ? -1 : maxDepth - 1)
        for (let link = await nextLink(waiting); link != null; link = await nextLink(waiting)) {
          const { cid, parent, name, depth } = link
          const isKnown = isUnique && !seen.add(cid.multihash.bytes)
          if (++links % linksPerRoom === 0) await seen.room()
          if (isKnown) continue
          yield `${goJson({ Ref: format.replaceAll('<src>', cidText(parent)).replaceAll('<dst>', cidText(cid)).replaceAll('<linkname>', () => name), Err: '' })}\n`
          if (depth === 0) continue
          waiting.push({ cid, bytes: await get(cid) }, depth === -1 ? -1 : depth - 1)
          await waiting.room()
        }
      }
    } finally {
      await waiting.close()
      await seen.close()
    }
  })())
}

/** Links between two looks whether the set of seen blocks has room. */
const linksPerRoom = 1024
