import { useState } from 'preact/hooks'
import type { Account, AccountOrder } from '../../../client/service/types.ts'
import { useRouter } from '../../app/router.tsx'
import { service } from '../../data/clients.ts'
import { bytesText } from '../../data/format.ts'
import { useDebounced } from '../../data/hooks.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Row, Stack, Toolbar } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Pager } from '../../ui/controls/pager.tsx'
import { Meter } from '../../ui/feedback/progress.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { SearchField } from '../../ui/controls/text-field.tsx'
import { Count, Name, Time } from '../../ui/display/values.tsx'
import { usePages } from '../../data/pages-query.ts'
import { Invitations } from './invitations.tsx'
import { InviteDialog } from './invite-dialog.tsx'
import { nextSort, sortFrom, sortText } from './user-sort.ts'

/** Everybody who has an account, for admins. */
export default function UsersPage () {
  const { query, setQuery } = useRouter()
  const typed = query.get('q') ?? ''
  const q = useDebounced(typed, 250)
  const [isInviting, setInviting] = useState(false)
  const sort = sortFrom(query.get('sort'))
  const users = usePages(
    `admin/users?${sortText(sort)}&${q}`,
    ({ signal, cursor }) => service.admin.users({
      limit: 100, sort: sortText(sort), signal, ...(q === '' ? {} : { q }), ...(cursor == null ? {} : { cursor })
    })
  )

  return (
    <Page title="Users" intro="Who has an account, and what they use. Their content is their own." actions={<Button kind="primary" icon="plus" onClick={() => setInviting(true)}>
      Invite
    </Button>}>
      <Stack gap="wide">
        <div>
          <Toolbar label="Search">
            <SearchField
              label="Search by address" value={typed} onChange={text => setQuery({ q: text === '' ? null : text })}
              placeholder="Part of an e-mail address"
            />
          </Toolbar>
          <QueryResult
            query={users}
            empty={{ when: all => all.rows.length === 0, show: <EmptyState
              title={q === '' ? 'Nobody yet' : 'Nobody of this name'} icon="users">
              {q === '' ? 'Invite somebody, or wait until they sign up.' : `No address has “${q}” in it.`}
            </EmptyState> }}
          >
            {({ rows, isMore }) => (
              <>
                <Table
                  caption="Users" columns={columns} rows={rows} keyOf={user => user.id} sort={sort}
                  onSort={by => setQuery({ sort: sortText(nextSort(sort, by as AccountOrder)) })}
                />
                <Pager shown={rows.length} isMore={isMore} onMore={users.more} isLoading={users.isLoadingMore} />
              </>
            )}
          </QueryResult>
        </div>
        <Invitations />
      </Stack>
      {isInviting && <InviteDialog onClose={() => setInviting(false)} />}
    </Page>
  )
}

const columns: Array<Column<Account>> = [
  {
    id: 'email',
    label: 'Address',
    sortable: true,
    isMain: true,
    cell: user => <Row gap="tight" wrap><Name text={user.email} to={`/admin/users/${encodeURIComponent(user.id)}`} />{user.role === 'admin' && <Badge tone="info" icon="shield">Admin</Badge>}</Row>
  },
  { id: 'state', label: 'State', sortable: true, cell: user => <AccountState user={user} /> },
  { id: 'used_bytes', label: 'Storage', sortable: true, width: '14rem', cell: user => <Meter hideLabel
    label={`Storage of ${user.email}`} value={user.used_bytes} max={user.quota_bytes}
    text={`${bytesText(user.used_bytes)} of ${bytesText(user.quota_bytes)}`}/> },
  { id: 'files', label: 'Files', isNumber: true, cell: user => <Count value={user.file_count} /> },
  { id: 'last_seen_at', label: 'Last seen', sortable: true, cell: user => <Time at={user.last_seen_at} never="never" /> },
  { id: 'created_at', label: 'Since', sortable: true, hideBelow: 'tablet', cell: user => <Time at={user.created_at} /> }
]

/** An account's state as a badge. */
export function AccountState ({ user: { state, verified_at: verifiedAt } }: { user: Account }) {
  if (state === 'suspended') return <Badge tone="bad" icon="stop">Suspended</Badge>
  if (state === 'deleting') return <Badge tone="warn" icon="trash">Being deleted</Badge>
  return <Badge tone="good" icon="check" title={verifiedAt == null ? 'The address was never proved' : 'The address is proved'}>Active</Badge>
}
