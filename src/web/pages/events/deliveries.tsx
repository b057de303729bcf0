import type { WebhookDelivery } from '../../../client/service/types.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Count, Name, Time } from '../../ui/display/values.tsx'

const columns: ReadonlyArray<Column<WebhookDelivery>> = [
  { id: 'at', label: 'Sent', isMain: true, cell: ({ at }) => <Time at={at}/> },
  { id: 'result', label: 'Answer', cell: delivery => <Result delivery={delivery}/> },
  { id: 'events', label: 'Events', isNumber: true, cell: ({ events, type }) => <span title={`The first: ${type}`}>
    <Count value={events}/>
  </span> },
  { id: 'attempt', label: 'Try', isNumber: true, cell: ({ attempt }) => <Count value={attempt}/> },
  { id: 'took', label: 'Took', isNumber: true, cell: ({ took_ms: ms }) => `${ms} ms` }
]

/** The receiver said that it has it. */
export const isSuccess = ({ status }: WebhookDelivery): boolean => status != null && status >= 200 && status < 300

/** What a try came to: the status, or why there was none. */
function Result ({ delivery }: { delivery: WebhookDelivery }) {
  const { status, error } = delivery
  if (isSuccess(delivery)) return <Badge tone="good" icon="checkCircle">{status}</Badge>
  return <><Badge tone="bad" icon="warning">{status ?? 'No answer'}</Badge>{error != null && status == null && <> <Name text={error}/></>}</>
}

/** What was sent to a webhook, newest first. */
export function Deliveries ({ deliveries }: { deliveries: readonly WebhookDelivery[] }) {
  return <Table caption="Deliveries, newest first" dense columns={columns} rows={deliveries}
    keyOf={({ delivery_id: id, attempt, at }) => `${id} ${attempt} ${at}`}
    empty={<EmptyState title="Nothing was sent yet" icon="webhook">Send a test, or wait for something to happen.</EmptyState>}/>
}
