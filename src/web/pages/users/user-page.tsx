import { useState } from 'preact/hooks'
import type { Account, AuditEntry, UsageDay } from '../../../client/service/types.ts'
import { useRouter } from '../../app/router.tsx'
import { useSession } from '../../app/session.ts'
import { service } from '../../data/clients.ts'
import { bytesText, countText } from '../../data/format.ts'
import { invalidate, useAction, useQuery } from '../../data/query.ts'
import type { Query } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Stat, Stats } from '../../ui/display/card.tsx'
import { TimeChart } from '../../ui/display/chart.tsx'
import { Select } from '../../ui/controls/choices.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Pager } from '../../ui/controls/pager.tsx'
import { Row, Stack } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page, Section } from '../../ui/frame/page.tsx'
import { Meter } from '../../ui/feedback/progress.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { TextField } from '../../ui/controls/text-field.tsx'
import { Count, Time } from '../../ui/display/values.tsx'
import { usePages } from '../../data/pages-query.ts'
import { actionText, actorText } from './audit-words.ts'
import type { Unit } from './quota.ts'
import { quotaBytes, quotaParts, units } from './quota.ts'
import { AccountState } from './users-page.tsx'
import './user-page.css'

const back = { to: '/admin/users', label: 'Users' }

/** One account, as an admin sees it. */
export default function UserPage () {
  const { params } = useRouter()
  const id = params.id ?? ''
  const user = useQuery(`admin/user/${id}`, signal => service.admin.user(id, { signal }))
  return (
    <Page title={user.data?.email ?? 'User'} back={back} actions={user.data == null ? undefined : <Suspension
      user={user.data} onChanged={changed(user)}/>}>
      <QueryResult query={user} skeleton={<Skeleton lines={6} />}>{one => <User user={one} onChanged={changed(user)} />}</QueryResult>
    </Page>
  )
}

const changed = (query: Query<Account>) => (user: Account): void => {
  query.set(user)
  invalidate('admin/users')
  invalidate('admin/audit')
}

interface UserProps { user: Account, onChanged: (user: Account) => void }

function User ({ user, onChanged }: UserProps) {
  return (
    <Stack gap="wide">
      <Row gap="tight" wrap><AccountState user={user} />{user.role === 'admin' && <Badge tone="info" icon="shield">Admin</Badge>}</Row>
      <Stats>
        <Stat label="Storage used" value={bytesText(user.used_bytes)} hint={`of ${bytesText(user.quota_bytes)}`} />
        <Stat label="Files" value={<Count value={user.file_count} />} hint={bytesText(user.total_size_bytes)} />
        <Stat label="Last seen" value={<Time at={user.last_seen_at} never="never" />} />
        <Stat label="Member since" value={<Time at={user.created_at} relative={false} />} hint={user.verified_at == null ? 'address not proved' : 'address proved'} />
      </Stats>
      <Section title="Quota"><Quota key={user.quota_bytes} user={user} onChanged={onChanged} /></Section>
      <Section title="Use"><Use id={user.id} /></Section>
      <Section title="What happened" actions={<Button kind="quiet" to={`/admin/tasks?user=${encodeURIComponent(user.id)}`}>Tasks of this user</Button>}><AuditList user={user.id} /></Section>
    </Stack>
  )
}

function Suspension ({ user, onChanged }: UserProps) {
  const session = useSession()
  const isSelf = session.kind === 'user' && session.email === user.email
  const change = useAction(async (state: 'active' | 'suspended') => service.admin.change(user.id, { state }), { done: onChanged })
  const suspend = async (): Promise<void> => {
    const isSure = await confirm({ title: `Suspend ${user.email}?`, text: 'They are logged out at once, and their keys and links are refused. What they have stored stays, and stays pinned.', action: 'Suspend', tone: 'bad' })
    if (isSure) await change.run('suspended')
  }
  if (user.state === 'deleting' || isSelf) return null
  return user.state === 'suspended'
    ? <Button icon="play" isBusy={change.isRunning} onClick={() => { void change.run('active') }}>End suspension</Button>
    : <Button kind="danger" icon="stop" isBusy={change.isRunning} onClick={() => { void suspend() }}>Suspend</Button>
}

function Quota ({ user, onChanged }: UserProps) {
  const [parts, setParts] = useState(quotaParts(user.quota_bytes))
  const bytes = quotaBytes(parts.amount, parts.unit)
  const [isTried, setTried] = useState(false)
  const change = useAction(
    async (quota: number) => service.admin.change(user.id, { quota_bytes: quota }), { done: onChanged, success: 'Quota changed' }
  )
  const submit = async (): Promise<void> => {
    setTried(true)
    if (bytes != null) await change.run(bytes)
  }
  return (
    <Stack>
      <Meter
        label="Storage used" value={user.used_bytes} max={user.quota_bytes}
        text={`${bytesText(user.used_bytes)} of ${bytesText(user.quota_bytes)}`}
      />
      <Form onSubmit={submit}>
        <Row gap="normal" class="user-page__quota">
          <TextField
            label="New quota" type="number" value={parts.amount} onChange={amount => setParts({ ...parts, amount })} step="any"
            error={isTried && bytes == null ? 'A number from 0 on.' : undefined}
          />
          <Select label="Unit" value={parts.unit} options={units} onChange={(unit: Unit) => setParts({ ...parts, unit })} />
          <Button type="submit" isBusy={change.isRunning} disabled={bytes === user.quota_bytes}>Change quota</Button>
        </Row>
      </Form>
      {bytes != null && bytes < user.used_bytes && <p class="user-page__note">
        That is less than what is used: nothing is removed, but nothing new fits.
      </p>}
    </Stack>
  )
}

const spans = [
  { value: '7', label: '7 days' }, { value: '30', label: '30 days' }, { value: '90', label: '90 days' }, { value: '365', label: 'A year' }
] as const

function Use ({ id }: { id: string }) {
  const [days, setDays] = useState<(typeof spans)[number]['value']>('30')
  const usage = useQuery(`admin/usage/${id}?${days}`, signal => service.admin.usage(id, { days: Number(days), signal }))
  const points = (
    all: readonly UsageDay[], pick: (day: UsageDay) => number
  ) => all.map(day => ({ at: Date.parse(day.day), value: pick(day) }))
  return (
    <Stack>
      <Row><Select label="Time" hideLabel value={days} options={spans} onChange={setDays} /></Row>
      <QueryResult query={usage} skeleton={<Skeleton height="12rem" />}>
        {all => (
          <>
            <TimeChart
              title="Stored and served" format={bytesText}
              series={[
                { label: 'Stored', points: points(all, day => day.bytes_stored) },
                { label: 'Served that day', points: points(all, day => day.bytes_served) }
              ]}
            />
            <TimeChart
              title="Requests and views" format={countText} kind="bar"
              series={[
                { label: 'Requests', points: points(all, day => day.requests) }, { label: 'Views', points: points(all, day => day.views) }
              ]}
            />
          </>
        )}
      </QueryResult>
    </Stack>
  )
}

/** What the audit log has about a user, newest first. */
function AuditList ({ user }: { user: string }) {
  const entries = usePages(
    `admin/audit?${user}`, ({ signal, cursor }) => service.admin.audit({ user, limit: 20, signal, ...(cursor == null ? {} : { cursor }) })
  )
  return (
    <QueryResult query={entries} empty={{ when: all => all.rows.length === 0, show: <p>Nothing yet.</p> }}>
      {({ rows, isMore }) => (
        <>
          <Table caption="Audit log of this user" columns={columns} rows={rows} keyOf={entry => entry.id} dense />
          <Pager shown={rows.length} isMore={isMore} onMore={entries.more} isLoading={entries.isLoadingMore} />
        </>
      )}
    </QueryResult>
  )
}

const columns: Array<Column<AuditEntry>> = [
  { id: 'action', label: 'What', isMain: true, cell: entry => <span title={entry.object}>{actionText(entry.action)}</span> },
  { id: 'actor', label: 'By', cell: entry => actorText(entry) },
  { id: 'address', label: 'From', hideBelow: 'phone', cell: entry => entry.address === '' ? '–' : <code>{entry.address}</code> },
  { id: 'at', label: 'When', cell: entry => <Time at={entry.at} /> }
]
