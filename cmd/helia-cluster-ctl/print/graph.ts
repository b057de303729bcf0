import type { ConnectGraph } from '../../../src/client/types.ts'

interface Node { id: string, line: string }

const edges = (from: Node | undefined, to: Node | undefined, style = ''): string[] =>
  from == null || to == null ? [] : [`${from.id} -> ${to.id}${style}`]

const shortId = (id: string): string => `${id.slice(0, 2)}*${id.slice(-6)}`
const label = (name: string, id: string): string => `< <B> ${name} </B> <BR/> <B> ${id} </B> >`

function nodeLine (id: string, attributes: { label: string, group: string, color: string, shape: string, isDouble?: boolean }): string {
  const { label, group, color, shape, isDouble = false } = attributes
  return `${id} [label=${label} group="${group}" color="${color}" style="filled" colorscheme="x11" fontcolor="black" fontname="Arial" shape="${shape}" ${isDouble ? 'peripheries="2" ' : ''}]`
}

/**
 * The connectivity graph in DOT, as Go writes it: cluster peers and their IPFS nodes, sorted by ID. `allIpfsPeers` shows IPFS peers outside
 * of the cluster too. Links to peers that the graph doesn't hold are left out.
 */
export function graphText (graph: ConnectGraph, { allIpfsPeers }: { allIpfsPeers: boolean }): string {
  const ipfsLinks = linksBetweenIpfs(graph, allIpfsPeers)
  const clusterLinks = graph.cluster_links ?? {}
  const ipfsOf = graph.cluster_to_ipfs ?? {}
  const peers = Object.keys(clusterLinks).toSorted()
  const cluster = clusterNodes(peers, graph)
  const ipfs = ipfsNodes(Object.keys(ipfsLinks).toSorted(), peers.filter(peer => ipfsOf[peer] == null))
  return [
    'digraph cluster {',
    '/* The nodes of the connectivity graph */',
    '/* The cluster-service peers */',
    ...subgraph('min', cluster),
    '',
    '/* The ipfs peers */',
    ...subgraph('max', ipfs),
    '',
    '/* Edges representing active connections in the cluster */',
    '/* The connections among cluster-service peers */',
    ...peers.flatMap(peer => (clusterLinks[peer] ?? []).flatMap(other => edges(cluster.get(peer), cluster.get(other)))),
    '',
    '/* The connections between cluster peers and their ipfs daemons */',
    ...peers.flatMap(
      peer => ipfsOf[peer] == null
        ? edges(cluster.get(peer), ipfs.get(peer), ' [ style="dotted" ]')
        : edges(cluster.get(peer), ipfs.get(ipfsOf[peer]))
    ),
    '',
    '/* The swarm peer connections among ipfs daemons in the cluster */',
    ...Object.keys(ipfsLinks).toSorted().flatMap(id => (ipfsLinks[id] ?? []).flatMap(other => edges(ipfs.get(id), ipfs.get(other)))),
    '}'
  ].join('\n')
}

function linksBetweenIpfs ({ ipfs_links: links }: ConnectGraph, allIpfsPeers: boolean): Record<string, string[]> {
  const known = links ?? {}
  const kept: Record<string, string[]> = {}
  for (const [id, others] of Object.entries(known)) {
    kept[id] = (others ?? []).filter(other => allIpfsPeers || Object.hasOwn(known, other))
    if (allIpfsPeers) for (const other of others ?? []) kept[other] ??= []
  }
  return kept
}

/** C<n>: the asked peer, or one that isn't trusted; T<n>: a trusted one. */
function clusterNodes (
  peers: readonly string[], { cluster_id: self, cluster_trust_links: trust, id_to_peername: names }: ConnectGraph
): Map<string, Node> {
  return new Map(peers.map((peer, at) => {
    const isTrusted = peer !== self && trust?.[peer] === true
    const id = `${isTrusted ? 'T' : 'C'}${at}`
    const color = peer === self || isTrusted ? 'orange' : 'darkorange3'
    return [peer, {
      id,
      line: nodeLine(id, { label: label(names?.[peer] ?? '', shortId(peer)), group: peer, color, shape: 'box3d', isDouble: peer === self })
    }]
  }))
}

/** The IPFS nodes, and a red one for each cluster peer whose IPFS node isn't known. */
function ipfsNodes (ids: readonly string[], without: readonly string[]): Map<string, Node> {
  return new Map([
    ...ids.map((id, at) => ipfsNode(id, at, { name: shortId(id), color: 'turquoise3' })),
    ...without.map((peer, at) => ipfsNode(peer, ids.length + at, { name: 'Errored', color: 'firebrick1' }))
  ])
}

function ipfsNode (group: string, at: number, { name, color }: { name: string, color: string }): [string, Node] {
  return [group, { id: `I${at}`, line: nodeLine(`I${at}`, { label: label('IPFS', name), group, color, shape: 'cylinder' }) }]
}

const subgraph = (rank: string, nodes: ReadonlyMap<string, Node>): string[] =>
  ['subgraph  {', `rank="${rank}"`, ...[...nodes.values()].map(({ line }) => line), '}']
