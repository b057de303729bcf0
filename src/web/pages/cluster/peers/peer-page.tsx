import { useRouter } from '../../../app/router.tsx'
import { Badge, Status } from '../../../ui/display/badge.tsx'
import { Button } from '../../../ui/controls/button.tsx'
import { DefinitionList } from '../../../ui/controls/disclosure.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { ErrorState } from '../../../ui/feedback/error-state.tsx'
import { Page, Section } from '../../../ui/frame/page.tsx'
import { Skeleton } from '../../../ui/feedback/skeleton.tsx'
import { CopyButton } from '../../../ui/controls/copy.tsx'
import { Bytes, Count, Name, Time } from '../../../ui/display/values.tsx'
import { useAlerts, useClusterNews, useMetrics, usePeers, usePinsHealth, useSync } from '../cluster-queries.ts'
import { HistoryCharts } from '../history-charts.tsx'
import { MissingPeers, useRemoval } from './peer-notices.tsx'
import { peerRows } from './peer-rows.ts'
import type { PeerRow } from './peer-rows.ts'
import { SyncState } from './sync-notices.tsx'
import '../overview-page.css'
import '../pinset/pin-page.css'

/** `/cluster/peers/:id`: all that is known of one peer, and its drain. */
export default function PeerPage () {
  const { params } = useRouter()
  const id = params.id ?? ''
  useClusterNews()
  const peers = usePeers()
  const health = usePinsHealth()
  const alerts = useAlerts()
  const metrics = useMetrics()
  const sync = useSync()
  const row = peers.data == null ? undefined : peerRows({
    ...peers.data, health: health.data, metrics: metrics.data ?? [], alerts: alerts.data ?? [], sync: sync.data?.peers
  }).find(one => one.id === id)
  const back = { to: '/cluster', label: 'Cluster' }
  if (row == null) {
    const isKnown = peers.data == null || health.data == null
    return <Page title="Peer" back={back}>
      {peers.error != null ? <ErrorState error={peers.error} onRetry={peers.reload}/> : isKnown ? <Skeleton lines={5}
        label="Loading the peer"/> : <EmptyState title="There is no such peer" icon="server">
        It is not a member of the cluster, and the pinset does not name it.
      </EmptyState>}
    </Page>
  }
  return <Peer row={row} back={back}/>
}

function Peer ({ row, back }: { row: PeerRow, back: { to: string, label: string } }) {
  const { id, name, isSelf, holding } = row
  const removal = useRemoval(row)
  return <Page title={name} back={back} intro={<code>{id}</code>} actions={<>
    <Button icon="pin" to={`/cluster/pinset?peer=${id}`}>Its pins</Button>
    {!isSelf && (holding?.pins ?? 0) > 0 && <Button kind="danger" icon="move" isBusy={removal.isRunning} onClick={removal.ask}>
      Give its pins to others
    </Button>}
  </>}>
    <MissingPeers rows={[row]} withActions={false}/>
    <Section title="State"><DefinitionList items={stateOf(row)}/></Section>
    {row.info != null && row.state === 'up' && <Section title="Addresses"><DefinitionList items={[
      { term: 'Cluster', value: <Addresses list={row.info.addresses}/> },
      { term: 'IPFS node', value: row.ipfsError === '' ? <><code>{row.info.ipfs.id ?? ''}</code><Addresses list={row.info.ipfs.addresses}/></> : <Name text={row.ipfsError}/> }
    ]}/></Section>}
    <Section title="The last hour"><HistoryCharts rows={[row]} only={id}/></Section>
  </Page>
}

function stateOf (row: PeerRow) {
  const { state, isSelf, version, freeBytes, queued, holding, lastSeenMs, alerts, info } = row
  const statuses = Object.entries(holding?.statuses ?? {})
  return [
    { term: 'State', value: <><Status value={state}/> {isSelf && <Badge>this one</Badge>}</> },
    ...(isSelf ? [] : [{ term: 'Pinset', value: <SyncState row={row}/> }]),
    { term: 'Heard', value: <Time at={lastSeenMs} never="not since this peer began"/> },
    { term: 'Version', value: version === '' ? 'unknown' : version },
    { term: 'Free space', value: <Bytes value={freeBytes}/> },
    { term: 'Pins', value: holding == null ? '–' : <>
      <Count value={holding.pins}/> allocated by name
      {holding.alone > 0 && <>, <Count value={holding.alone}/> of them to nobody else who is there</>}
    </> },
    { term: 'Queue', value: queued == null ? '–' : <Count value={queued}/> },
    { term: 'To do', value: statuses.length === 0 ? 'nothing' : <span class="cluster-peer">
      {statuses.map(([status, count]) => <span key={status}><Status value={status}/> <Count value={count ?? 0}/></span>)}
    </span> },
    { term: 'Sees', value: info?.cluster_peers == null ? '–' : <><Count value={info.cluster_peers.length}/> {info.cluster_peers.length === 1 ? 'peer' : 'peers'}, itself included</> },
    { term: 'Alerts', value: alerts.length === 0 ? 'none' : `ran out: ${alerts.join(', ')}` }
  ]
}

function Addresses ({ list }: { list: readonly string[] | null }) {
  if (list == null || list.length === 0) return <p>none that it tells of</p>
  return <ul class="pin-page__list">{list.map(address => <li key={address}><code>{address}</code> <CopyButton text={address} label="Copy address" iconOnly/></li>)}</ul>
}
