import type { MetricHistory } from '../../../client/types.ts'
import { bytesText, countText } from '../../data/format.ts'
import { Card } from '../../ui/display/card.tsx'
import { TimeChart } from '../../ui/display/chart.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { useHistory } from './cluster-queries.ts'
import { historyLines, peersLine } from './history-series.ts'
import { shownPeer } from './peers/peer-rows.ts'
import type { PeerRow } from './peers/peer-rows.ts'

/** Metrics of the last hour. `only`: of one peer. */
export function HistoryCharts ({ rows, only }: { rows: ReadonlyArray<Pick<PeerRow, 'id' | 'name'>>, only?: string }) {
  const history = useHistory()
  return <QueryResult query={history} empty={{ when: ({ at }) => at.length < 2, show: <EmptyState title="Not much yet" icon="chart">
    Metrics are noted twice a minute: the lines begin in a moment.
  </EmptyState> }}>
    {data => <Charts
      history={only == null ? data : { ...data, series: data.series.filter(({ peer }) => peer === only) }} rows={rows}
      isOne={only != null}/>}
  </QueryResult>
}

function Charts ({ history, rows, isOne }: { history: MetricHistory, rows: ReadonlyArray<Pick<PeerRow, 'id' | 'name'>>, isOne: boolean }) {
  const nameOf = (peer: string): string => rows.find(({ id }) => id === peer)?.name ?? shownPeer(peer, '')
  const count = (value: number): string => countText(Math.round(value))
  const charts = [
    ...(isOne ? [] : [{ title: 'Peers that are there', series: [peersLine(history)], format: count }]),
    { title: 'Free space', series: historyLines(history, 'freespace', nameOf), format: bytesText, isBytes: true },
    { title: 'Used space', series: historyLines(history, 'reposize', nameOf), format: bytesText, isBytes: true },
    { title: 'Pins that wait', series: historyLines(history, 'pinqueue', nameOf), format: count },
    { title: 'Pins of the pinset', series: historyLines(history, 'pins', () => 'Pins'), format: count }
  ].filter(({ series }) => series.length > 0)
  if (charts.length === 0) return <EmptyState title="No numbers" icon="chart">This peer has published none in the last hour.</EmptyState>
  return <div class="cluster-charts">{charts.map(chart => <Card key={chart.title}><TimeChart {...chart} withTime/></Card>)}</div>
}
