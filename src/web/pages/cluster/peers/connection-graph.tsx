import { useEffect, useState } from 'preact/hooks'
import { Link } from '../../../app/router.tsx'
import { useConnection } from '../../../data/connection.ts'
import { useMedia } from '../../../data/hooks.ts'
import { Disclosure } from '../../../ui/controls/disclosure.tsx'
import { QueryResult } from '../../../ui/feedback/query-result.tsx'
import { Skeleton } from '../../../ui/feedback/skeleton.tsx'
import { Table } from '../../../ui/display/table.tsx'
import { Name } from '../../../ui/display/values.tsx'
import { useGraph } from '../cluster-queries.ts'
import type { DrawnGraph, GraphLink, GraphNode } from './graph-layout.ts'
import type { ConnectGraph } from '../../../../client/types.ts'
import type { PeerRow } from './peer-rows.ts'

/** Who is connected to whom, drawn, and as a table. */
export function ConnectionGraph ({ rows }: { rows: readonly PeerRow[] }) {
  const graph = useGraph()
  return <QueryResult query={graph} skeleton={<Skeleton height="20rem" lines={1} label="Loading the connections"/>}>{data => <Drawing graph={data} rows={rows}/>}</QueryResult>
}

function Drawing ({ graph, rows }: { graph: ConnectGraph, rows: readonly PeerRow[] }) {
  const isPhone = useMedia('(width < 40rem)')
  const [drawn, setDrawn] = useState<DrawnGraph>()
  const { isAway } = useConnection()
  const size = isPhone ? { width: 380, height: 360 } : { width: 960, height: Math.min(720, 300 + 14 * rows.length) }
  // the same graph stays where it is when it is asked for again
  const shape = JSON.stringify([graph, rows.map(({ id, name, state }) => [id, name, state]), size])
  useEffect(() => {
    let isWanted = true
    // while the peer is away its code can't be loaded; the effect runs again when it is back
    import('./graph-layout.ts').then(({ layoutOf }) => { if (isWanted) setDrawn(layoutOf(graph, rows, size)) }, () => {})
    return () => { isWanted = false }
  }, [shape, isAway])
  if (drawn == null) return <Skeleton height="20rem" lines={1} label="Drawing the connections"/>
  return <>
    <div class="cluster-graph">
      <svg viewBox={`0 0 ${drawn.width} ${drawn.height}`} role="img" aria-label={summaryOf(drawn)}>
        {drawn.links.map(link => <line key={`${link.kind} ${link.from.id} ${link.to.id}`} x1={link.from.x} y1={link.from.y} x2={link.to.x}
          y2={link.to.y}
          class={`cluster-graph__link cluster-graph__link--${link.kind} ${link.kind === 'cluster' && link.isOneWay ? 'cluster-graph__link--one-way' : ''}`}/>)}
        {drawn.nodes.map(node => <Dot key={node.id} node={node}/>)}
      </svg>
      <ul class="cluster-graph__legend">
        <li><svg viewBox="0 0 28 12" aria-hidden="true"><line class="cluster-graph__link cluster-graph__link--cluster" x1="0" y1="6" x2="28" y2="6"/></svg>Cluster peers</li>
        <li><svg viewBox="0 0 28 12" aria-hidden="true"><line class="cluster-graph__link cluster-graph__link--ipfs" x1="0" y1="6" x2="28" y2="6"/></svg>IPFS nodes</li>
        <li><svg viewBox="0 0 28 12" aria-hidden="true"><line class="cluster-graph__link cluster-graph__link--one-way" x1="0" y1="6" x2="28" y2="6"/></svg>Seen from one side only</li>
        <li><svg viewBox="0 0 28 12" aria-hidden="true"><circle class="cluster-graph__peer cluster-graph__peer--missing" cx="14" cy="6" r="5"/></svg>Missing</li>
        {drawn.others > 0 && <li>{drawn.others} more connections to IPFS nodes elsewhere</li>}
      </ul>
    </div>
    <Disclosure summary="The connections as a table"><LinksTable drawn={drawn}/></Disclosure>
  </>
}

function Dot ({ node: { kind, name, isHere, isSelf, x, y } }: { node: GraphNode }) {
  if (kind === 'ipfs') return <circle class="cluster-graph__ipfs" cx={x} cy={y} r="8"><title>{name}</title></circle>
  return <g>
    <circle class={`cluster-graph__peer ${isSelf ? 'cluster-graph__peer--self' : ''} ${isHere ? '' : 'cluster-graph__peer--missing'}`} cx={x} cy={y} r="17"><title>{isHere ? name : `${name} is missing`}</title></circle>
    <text class={isHere ? 'cluster-graph__name' : 'cluster-graph__name cluster-graph__name--missing'} x={x} y={y + 36}>{shortName(name)}</text>
  </g>
}

const nameLength = 20
const shortName = (name: string): string => name.length <= nameLength ? name : `${name.slice(0, nameLength - 1)}…`

function summaryOf ({ nodes, links }: DrawnGraph): string {
  const peers = nodes.filter(({ kind }) => kind === 'peer')
  const missing = peers.filter(({ isHere }) => !isHere)
  const joined = links.filter(({ kind }) => kind === 'cluster').length
  const what = `${peers.length === 1 ? '1 peer' : `${peers.length} peers`}, ${joined === 1 ? '1 connection' : `${joined} connections`} among them`
  return missing.length === 0 ? what : `${what}; missing: ${missing.map(({ name }) => name).join(', ')}`
}

interface LinkRow { node: GraphNode, cluster: GraphNode[], ipfs: number }

function LinksTable ({ drawn: { nodes, links } }: { drawn: DrawnGraph }) {
  const other = (
    node: GraphNode, link: GraphLink
  ): GraphNode | undefined => link.from === node ? link.to : link.to === node ? link.from : undefined
  const rows = nodes.filter(({ kind }) => kind === 'peer').map((node): LinkRow => {
    const own = links.find(link => link.kind === 'own' && link.from === node)?.to
    return {
      node,
      cluster: links.filter(({ kind }) => kind === 'cluster').map(link => other(node, link)).filter(found => found != null),
      ipfs: own == null ? 0 : links.filter(link => link.kind === 'ipfs' && other(own, link) != null).length
    }
  })
  return <Table dense caption="Connections of the peers" rows={rows} keyOf={({ node }) => node.id} columns={[
    { id: 'peer', label: 'Peer', isMain: true, cell: ({ node }) => <Link to={`/cluster/peers/${node.id}`}><Name text={node.name}/></Link> },
    {
      id: 'cluster', label: 'Cluster connections',
      cell: ({ node, cluster }) => cluster.length > 0
        ? cluster.map(({ name }) => name).toSorted().join(', ')
        : node.isHere ? 'none' : 'missing'
    },
    { id: 'ipfs', label: 'IPFS connections', isNumber: true, cell: ({ ipfs }) => String(ipfs) }
  ]}/>
}
