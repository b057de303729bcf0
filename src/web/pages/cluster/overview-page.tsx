import type { PinsHealth } from '../../../client/types.ts'
import { bytesText, countText } from '../../data/format.ts'
import { Button } from '../../ui/controls/button.tsx'
import { ErrorState } from '../../ui/feedback/error-state.tsx'
import { Page, Section } from '../../ui/frame/page.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { Stat, Stats } from '../../ui/display/card.tsx'
import { useAlerts, useClusterNews, useMetrics, usePeers, usePinsHealth, useReadiness, useSync } from './cluster-queries.ts'
import { ConnectionGraph } from './peers/connection-graph.tsx'
import { HistoryCharts } from './history-charts.tsx'
import { MissingPeers, OwnProblems } from './peers/peer-notices.tsx'
import { peerRows } from './peers/peer-rows.ts'
import type { PeerRow } from './peers/peer-rows.ts'
import { PeersTable } from './peers/peers-table.tsx'
import { OutOfSyncPeers } from './peers/sync-notices.tsx'
import './overview-page.css'

/** `/cluster`: what an operator sees first. */
export default function OverviewPage () {
  useClusterNews()
  const peers = usePeers()
  const health = usePinsHealth()
  const alerts = useAlerts()
  const metrics = useMetrics()
  const readiness = useReadiness()
  const sync = useSync()
  const rows = peers.data == null ? undefined : peerRows({
    ...peers.data, health: health.data, metrics: metrics.data ?? [], alerts: alerts.data ?? [], sync: sync.data?.peers
  })

  return <Page title="Cluster" intro="Which peers are there, what they hold, and what needs you." actions={<Button icon="pin" to="/cluster/pinset">Pinset</Button>}>
    {rows != null && <MissingPeers rows={rows}/>}
    {rows != null && <OutOfSyncPeers rows={rows}/>}
    {readiness.data != null && <OwnProblems readiness={readiness.data}/>}
    {peers.error != null && rows == null && <ErrorState error={peers.error} onRetry={peers.reload}/>}
    <Figures rows={rows} health={health.data}/>
    <Section title="Peers">
      {rows == null ? peers.error == null && <Skeleton lines={4} label="Loading the peers"/> : <PeersTable rows={rows}/>}
    </Section>
    {rows != null && <Section title="Connections" intro="Who is connected to whom: peers of the cluster, and their IPFS nodes."><ConnectionGraph rows={rows}/></Section>}
    {rows != null && <Section title="The last hour" intro="As this peer saw it, since it began."><HistoryCharts rows={rows}/></Section>}
  </Page>
}

function Figures ({ rows, health }: { rows: readonly PeerRow[] | undefined, health: PinsHealth | undefined }) {
  const here = rows?.filter(({ state }) => state === 'up').length ?? 0
  const free = rows?.reduce((sum, { state, freeBytes }) => sum + (state === 'up' ? freeBytes ?? 0 : 0), 0) ?? 0
  const failed = countOf(health, 'pin_error') + countOf(health, 'unpin_error')
  const waiting = countOf(health, 'pin_queued') + countOf(health, 'pinning')
  return <Stats>
    <Stat label="Peers" icon="server" value={rows == null ? '–' : here === rows.length ? countText(here) : `${here} of ${rows.length}`}
      tone={rows != null && here < rows.length ? 'bad' : 'neutral'}
      hint={rows == null ? undefined : here === rows.length ? 'All are there' : `${rows.length - here} missing`}/>
    <Stat label="Pins" icon="pin" to="/cluster/pinset" value={health == null ? '–' : countText(health.pins)}
      hint={health == null ? undefined : `${countText(health.everywhere)} on every peer`}/>
    <Stat label="Under-replicated" icon="copy" to="/cluster/pinset?status=under_replicated"
      value={health == null ? '–' : countText(health.under_replicated)} tone={(health?.under_replicated ?? 0) > 0 ? 'warn' : 'neutral'}
      hint={health == null
        ? undefined
        : health.unreachable > 0 ? `${countText(health.unreachable)} out of reach` : health.under_replicated === 0 ? 'All copies are where they shall be' : 'On fewer peers than they shall be'}/>
    <Stat label="Failed" icon="warning" to="/cluster/pinset?status=error"
      value={health == null ? '–' : countText(failed)} tone={failed > 0 ? 'bad' : 'neutral'}
      hint={waiting > 0 ? `${countText(waiting)} on their way` : 'Nothing waits'}/>
    <Stat label="Free space" icon="database" value={rows == null ? '–' : bytesText(free)} hint="On all peers that are there"/>
  </Stats>
}

const countOf = (health: PinsHealth | undefined, status: keyof PinsHealth['peers'][number]['statuses']): number =>
  health?.peers.reduce((sum, { statuses }) => sum + (statuses[status] ?? 0), 0) ?? 0
