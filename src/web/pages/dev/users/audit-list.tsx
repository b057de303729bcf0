import type { AuditEntry } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { Loaded } from '../../../ui/feedback/loaded.tsx'
import { Pager } from '../../../ui/controls/pager.tsx'
import { Table } from '../../../ui/display/table.tsx'
import type { Column } from '../../../ui/display/table.tsx'
import { Time } from '../../../ui/display/values.tsx'
import { usePages } from '../pages-query.ts'
import { actionText, actorText } from './audit-words.ts'

/** What the audit log has about a user, newest first. */
export function AuditList ({ user }: { user: string }) {
  const entries = usePages(
    `admin/audit?${user}`, ({ signal, cursor }) => service.admin.audit({ user, limit: 20, signal, ...(cursor == null ? {} : { cursor }) })
  )
  return (
    <Loaded query={entries} empty={{ when: all => all.rows.length === 0, show: <p>Nothing yet.</p> }}>
      {({ rows, isMore }) => (
        <>
          <Table caption="Audit log of this user" columns={columns} rows={rows} keyOf={entry => entry.id} dense />
          <Pager shown={rows.length} isMore={isMore} onMore={entries.more} isLoading={entries.isLoadingMore} />
        </>
      )}
    </Loaded>
  )
}

const columns: Array<Column<AuditEntry>> = [
  { id: 'action', label: 'What', isMain: true, cell: entry => <span title={entry.object}>{actionText(entry.action)}</span> },
  { id: 'actor', label: 'By', cell: entry => actorText(entry) },
  { id: 'address', label: 'From', hideBelow: 'phone', cell: entry => entry.address === '' ? '–' : <code>{entry.address}</code> },
  { id: 'at', label: 'When', cell: entry => <Time at={entry.at} /> }
]
