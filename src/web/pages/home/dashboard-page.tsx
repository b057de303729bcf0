import { Link } from '../../app/router.tsx'
import { service } from '../../data/clients.ts'
import { bytesText, countText, percentText } from '../../data/format.ts'
import { useNow, useStored } from '../../data/hooks.ts'
import { useLiveQueries } from '../../data/live.ts'
import { useQuery } from '../../data/query.ts'
import type { AccountStatus } from '../../../client/service/types.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Card, Stat, Stats } from '../../ui/display/card.tsx'
import { Breakdown, TimeChart } from '../../ui/display/chart.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Grid } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Meter } from '../../ui/feedback/progress.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { Segments } from '../../ui/controls/choices.tsx'
import { Bytes, Count } from '../../ui/display/values.tsx'
import { pinCounts } from './pin-counts.ts'
import { fileNews, RecentFiles } from './recent-files.tsx'
import { daysOf } from './usage-days.ts'
import './dashboard-page.css'

type Span = '7' | '30' | '90'

/** `/dashboard`: what a user sees first. */
export default function DashboardPage () {
  const account = useQuery('account', signal => service.account.status({ signal }), { pollMs: 60_000 })
  useLiveQueries(fileNews, 'account')
  return <Page title="Dashboard" intro="What you store, and how it is read." actions={<>
    <Button icon="pin" to="/files?pin">Pin from CID</Button>
    <Button kind="primary" icon="upload" to="/upload">Upload</Button>
  </>}>
    <QueryResult query={account} skeleton={<Skeleton height="6.5rem" lines={2} label="Your account is loading"/>}>{status => <Overview status={status}/>}</QueryResult>
    <Usage/>
    <RecentFiles/>
  </Page>
}

function Overview ({ status }: { status: AccountStatus }) {
  const { used_bytes: used, quota_bytes: quota, file_count: files, total_size_bytes: fileBytes } = status
  const counts = pinCounts(status)
  return <>
    <AlmostFull status={status}/>
    <Stats>
      <Stat label="Storage used" icon="database" value={<Bytes value={used}/>} hint={`of ${bytesText(quota)}`}/>
      <Stat label="Files" icon="file" to="/files" value={<Count value={files}/>} hint={<><Bytes value={fileBytes}/> in all</>}/>
      <Stat label="Pins" icon="pin" value={<Count value={counts.pins}/>} tone={counts.failed > 0 ? 'bad' : 'neutral'}
        hint={counts.failed > 0 ? `${countText(counts.failed)} failed` : counts.underWay > 0 ? `${countText(counts.underWay)} under way` : counts.pins === 0 ? 'nothing is pinned yet' : 'all on all replicas'}/>
    </Stats>
    <Grid min="20rem" gap="normal">
      <Card title="Storage">
        <Meter label="Used of your quota" value={used} max={quota} text={`${bytesText(used)} of ${bytesText(quota)} (${percentText(used / Math.max(1, quota))})`}/>
        <p class="soft small">Files that are only stored count, and so does what you pin by its CID, once its size is known.</p>
      </Card>
      <Card title="By status">
        {counts.pins + counts.stored + counts.unpinned === 0
          ? <p class="soft">There is nothing yet. <Link to="/upload">Upload</Link> something, or <Link to="/files?pin">pin a CID</Link>.</p>
          : <Breakdown label="Files and pins by status" format={countText} parts={[
            { label: 'Pinned', value: counts.pinned, tone: 'good' },
            { label: 'Under way', value: counts.underWay, tone: 'info' },
            { label: 'Stored', value: counts.stored, tone: 'warn' },
            { label: 'Not pinned', value: counts.unpinned, tone: 'neutral' },
            { label: 'Failed', value: counts.failed, tone: 'bad' }
          ]}/>}
      </Card>
    </Grid>
  </>
}

function AlmostFull ({ status: { used_bytes: used, quota_bytes: quota } }: { status: AccountStatus }) {
  const share = used / Math.max(1, quota)
  if (share < 0.9) return null
  return <Notice tone={share >= 1 ? 'bad' : 'warn'} title={share >= 1 ? 'Your storage is full' : 'Your storage is almost full'}>
    {bytesText(Math.max(0, quota - used))} are left. Delete files that you no longer need, or ask for more.
  </Notice>
}

function Usage () {
  const [span, setSpan] = useStored<Span>('helia-cluster-usage-span', '30')
  const now = useNow(600_000)
  const usage = useQuery(`usage?days=${span}`, signal => service.account.usage({ days: Number(span), signal }), { pollMs: 60_000 })
  return <Card title="Reading" actions={<Segments label="Days shown" value={span} onChange={setSpan}
    options={[{ value: '7', label: '7 days' }, { value: '30', label: '30 days' }, { value: '90', label: '90 days' }]}/>}>
    <QueryResult query={usage}>{known => {
      const days = daysOf(known, { count: Number(span), now })
      if (days.every((
        { views, bytesServed, bytesStored }
      ) => views === 0 && bytesServed === 0 && bytesStored === 0)) return <EmptyState title="Nothing to draw yet" icon="chart">
        When your files are opened, views and bytes of each day show up here.
      </EmptyState>
      return <div class="dashboard-page__charts">
        <TimeChart title="Views" kind="bar" format={countText}
          series={[{ label: 'Views', points: days.map(({ at, views }) => ({ at, value: views })) }]}/>
        <TimeChart title="Bytes served" kind="bar" isBytes format={bytesText}
          series={[{ label: 'Bytes served', points: days.map(({ at, bytesServed }) => ({ at, value: bytesServed })) }]}/>
        <TimeChart title="Bytes stored" isBytes format={bytesText}
          series={[{ label: 'Bytes stored', points: days.map(({ at, bytesStored }) => ({ at, value: bytesStored })) }]}/>
      </div>
    }}</QueryResult>
  </Card>
}
