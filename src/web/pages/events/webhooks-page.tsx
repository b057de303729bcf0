import { useState } from 'preact/hooks'
import type { Webhook } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { useQuery } from '../../data/query.ts'
import { Status } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Name, Time } from '../../ui/display/values.tsx'
import { WebhookDetails, statusOf } from './webhook-details.tsx'
import { WebhookForm } from './webhook-form.tsx'
import { typesText } from './webhook-types.ts'
import './webhooks-page.css'

type Open = { kind: 'new' } | { kind: 'edit' | 'details', id: string } | null

/** `/webhooks`: the user's own. */
export default function WebhooksPage () {
  const query = useQuery('webhooks', signal => service.webhooks.list({ signal }), { pollMs: 10_000 })
  const [open, setOpen] = useState<Open>(null)
  const chosen = open == null || open.kind === 'new' ? undefined : query.data?.find(({ id }) => id === open.id)
  const add = <Button kind="primary" icon="plus" onClick={() => setOpen({ kind: 'new' })}>New webhook</Button>
  return <Page title="Webhooks" intro="Your events, sent to a program of yours by POST, as they happen: signed, in order, and tried again when it doesn't answer." actions={add}>
    <QueryResult query={query} skeleton={<Skeleton lines={3} height="3rem" label="The webhooks are loading"/>} empty={{
      when: webhooks => webhooks.length === 0,
      show: <EmptyState title="No webhooks yet" icon="webhook" action={add}>
        Give the address of a program of yours, and it hears of every file that is pinned, every pin that fails, and every task
        that ends.
      </EmptyState>
    }}>
      {webhooks => <Table caption="Your webhooks" columns={columnsFor(id => setOpen({ kind: 'details', id }))}
        rows={webhooks} keyOf={({ id }) => id}/>}
    </QueryResult>
    {open?.kind === 'new' && <WebhookForm onClose={() => setOpen(null)}/>}
    {open?.kind === 'edit' && chosen != null && <WebhookForm webhook={chosen} onClose={() => setOpen({ kind: 'details', id: chosen.id })}/>}
    {open?.kind === 'details' && chosen != null && <WebhookDetails webhook={chosen}
      onEdit={() => setOpen({ kind: 'edit', id: chosen.id })} onClose={() => setOpen(null)}/>}
  </Page>
}

const columnsFor = (onOpen: (id: string) => void): ReadonlyArray<Column<Webhook>> => [
  { id: 'url', label: 'Address', isMain: true, cell: ({ url }) => <Name text={url}/> },
  { id: 'types', label: 'Events', cell: ({ types }) => typesText(types) },
  { id: 'state', label: 'State', cell: webhook => <Status value={statusOf(webhook)}/> },
  { id: 'next', label: 'Next try', cell: ({ next_try_at: next }) => next == null ? '–' : <Time at={next}/>, hideBelow: 'tablet' },
  { id: 'since', label: 'Since', cell: ({ created_at: at }) => <Time at={at}/>, hideBelow: 'tablet' },
  { id: 'open', label: 'Details', hideLabel: true, cell: ({ id, url }) => <Button size="small" onClick={() => onOpen(id)}>
    Details<span class="visually-hidden"> of {url}</span>
  </Button> }
]
