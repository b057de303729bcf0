import type { Warning } from '../../../client/types.ts'
import { cluster } from '../../data/clients.ts'
import { useLiveQueries } from '../../data/live.ts'
import { useQuery } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { DefinitionList, Disclosure } from '../../ui/controls/disclosure.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Count, Name, Time } from '../../ui/display/values.tsx'

const columns: ReadonlyArray<Column<Warning>> = [
  { id: 'message', label: 'What was said', isMain: true, cell: warning => <Said warning={warning}/> },
  { id: 'level', label: 'Level', cell: ({ level }) => level === 'error' ? <Badge tone="bad" icon="alert">Error</Badge> : <Badge tone="warn" icon="warning">Warning</Badge> },
  { id: 'component', label: 'By', cell: ({ component }) => <code>{component}</code> },
  { id: 'count', label: 'Times', isNumber: true, cell: ({ count }) => <Count value={count}/> },
  { id: 'last', label: 'Last', cell: ({ last_at: at }) => <Time at={at}/> }
]

/** `/cluster/warnings`: what this peer's log warned of in the last hour. */
export default function WarningsPage () {
  const query = useQuery('cluster/warnings', signal => cluster.warnings({ signal }), { pollMs: 60_000 })
  useLiveQueries({ from: 'cluster', types: ['warning'] }, 'cluster/warnings')
  return <Page title="Warnings" intro="Warnings and errors in the log of this peer, of the last hour."
    actions={<Button icon="refresh" onClick={query.reload} isBusy={query.isRefreshing}>
    Look again
  </Button>}>
    <QueryResult query={query} skeleton={<Skeleton lines={5} height="2.5rem" label="The warnings are loading"/>} empty={{
      when: warnings => warnings.length === 0,
      show: <EmptyState title="No warnings" icon="checkCircle">This peer had nothing to complain about in the last hour.</EmptyState>
    }}>{warnings => <Table caption="Warnings of the last hour" columns={columns} rows={warnings} keyOf={keyOf}/>}</QueryResult>
  </Page>
}

const keyOf = ({ level, component, message, facts }: Warning): string => JSON.stringify([level, component, message, facts])

function Said ({ warning: { message, facts, first_at: first, count } }: { warning: Warning }) {
  const items = Object.entries(facts).map(([term, value]) => ({ term, value: <Name
    text={typeof value === 'string' ? value : JSON.stringify(value)}/> }))
  const since = count > 1 ? [{ term: 'first', value: <Time at={first}/> }] : []
  if (items.length + since.length === 0) return <Name text={message}/>
  return <Disclosure summary={<Name text={message}/>}><DefinitionList items={[...items, ...since]}/></Disclosure>
}
