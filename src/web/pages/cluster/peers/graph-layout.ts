import { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force'
import type { SimulationLinkDatum, SimulationNodeDatum } from 'd3-force'
import type { ConnectGraph } from '../../../../client/types.ts'
import type { PeerRow } from './peer-rows.ts'

/** A circle of the drawing, in its units. `isHere`: the peer is up, of an IPFS node its peer. */
export interface GraphNode { id: string, kind: 'peer' | 'ipfs', name: string, isHere: boolean, isSelf: boolean, x: number, y: number }
/** A line. `own`: from a cluster peer to its IPFS node; `isOneWay`: only one side says so. */
export interface GraphLink { from: GraphNode, to: GraphNode, kind: 'cluster' | 'ipfs' | 'own', isOneWay: boolean }
/** The whole drawing; `others`: see `layoutOf`. */
export interface DrawnGraph { nodes: GraphNode[], links: GraphLink[], width: number, height: number, others: number }

interface Body extends SimulationNodeDatum { node: GraphNode }

const rounds = 300
const margin = 56

/**
 * Places of all peers and of their IPFS nodes, and who is connected to whom. The same for the same graph: nothing here is left to chance.
 * `others`: connections to IPFS nodes that belong to no peer; they aren't drawn.
 */
export function layoutOf (
  graph: ConnectGraph, peers: readonly PeerRow[], { width, height }: { width: number, height: number }
): DrawnGraph {
  const nodes = nodesOf(graph, peers)
  const { links, others } = linksOf(graph, nodes)
  const bodies = [...nodes.values()].map((node, at): Body => ({
    node, x: width / 2 + 100 * Math.cos(at), y: height / 2 + 100 * Math.sin(at)
  }))
  const bodyOf = new Map(bodies.map(body => [body.node.id, body]))
  const springs: Array<SimulationLinkDatum<Body> & { kind: GraphLink['kind'] }> = links.map(({ from, to, kind }) => ({
    source: bodyOf.get(from.id) as Body, target: bodyOf.get(to.id) as Body, kind
  }))
  forceSimulation(bodies)
    .force(
      'links', forceLink<Body,
      (typeof springs)[number]>(springs).distance(({ kind }) => kind === 'own' ? 46 : 130).strength(({ kind }) => kind === 'own' ? 1 : 0.15)
    )
    .force('apart', forceManyBody<Body>().strength(-260))
    .force('room', forceCollide<Body>(({ node }) => node.kind === 'peer' ? 42 : 18))
    .force('across', forceX<Body>(width / 2).strength(0.04))
    .force('down', forceY<Body>(height / 2).strength(0.09))
    .force('middle', forceCenter<Body>(width / 2, height / 2))
    .stop()
    .tick(rounds)
  fit(bodies, { width, height })
  return { nodes: [...nodes.values()], links, width, height, others }
}

/** As large as there is room, and no more than twice as large. */
function fit (bodies: readonly Body[], { width, height }: { width: number, height: number }): void {
  const [xs, ys] = [bodies.map(({ x = 0 }) => x), bodies.map(({ y = 0 }) => y)]
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const scale = Math.min(2, (width - 2 * margin) / Math.max(1, right - left), (height - 2 * margin) / Math.max(1, bottom - top))
  for (const { node, x = 0, y = 0 } of bodies) {
    node.x = width / 2 + (x - (left + right) / 2) * scale
    node.y = height / 2 - 8 + (y - (top + bottom) / 2) * scale
  }
}

function nodesOf (graph: ConnectGraph, peers: readonly PeerRow[]): Map<string, GraphNode> {
  const nodes = new Map<string, GraphNode>()
  for (const { id, name, state, isSelf } of peers) nodes.set(id, { id, kind: 'peer', name, isHere: state === 'up', isSelf, x: 0, y: 0 })
  for (const [peer, ipfs] of Object.entries(graph.cluster_to_ipfs ?? {})) {
    const owner = nodes.get(peer)
    if (owner != null && ipfs !== '') {
      nodes.set(ipfs, { id: ipfs, kind: 'ipfs', name: `IPFS node of ${owner.name}`, isHere: owner.isHere, isSelf: false, x: 0, y: 0 })
    }
  }
  return nodes
}

function linksOf (graph: ConnectGraph, nodes: ReadonlyMap<string, GraphNode>): { links: GraphLink[], others: number } {
  const links = new Map<string, GraphLink>()
  let others = 0
  const add = (one: string, other: string, kind: GraphLink['kind']): void => {
    const [from, to] = [nodes.get(one), nodes.get(other)]
    if (from == null || to == null) return void others++
    const back = links.get(`${kind} ${other} ${one}`)
    if (back != null) back.isOneWay = false
    else links.set(`${kind} ${one} ${other}`, { from, to, kind, isOneWay: kind !== 'own' })
  }
  for (const [peer, linked] of Object.entries(graph.cluster_links ?? {})) for (const other of linked ?? []) add(peer, other, 'cluster')
  for (const [peer, ipfs] of Object.entries(graph.cluster_to_ipfs ?? {})) if (ipfs !== '') add(peer, ipfs, 'own')
  for (const [ipfs, linked] of Object.entries(graph.ipfs_links ?? {})) for (const other of linked ?? []) add(ipfs, other, 'ipfs')
  return { links: [...links.values()], others }
}
