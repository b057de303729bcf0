import { Badge, Status } from '../../../ui/display/badge.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { Table } from '../../../ui/display/table.tsx'
import { Bytes, Count, Name, Time } from '../../../ui/display/values.tsx'
import type { PeerRow } from './peer-rows.ts'
import { SyncState } from './sync-notices.tsx'

const states = { up: 'up', missing: 'missing', silent: 'silent' }

/** The peers of the cluster, one a row. */
export function PeersTable ({ rows }: { rows: readonly PeerRow[] }) {
  return <Table caption="Peers of the cluster" rows={rows} keyOf={({ id }) => id} empty={<EmptyState title="No peers" icon="server"/>}
    columns={[
    {
      id: 'name',
      label: 'Peer',
      isMain: true,
      cell: ({ id, name, isSelf }) => <span class="cluster-peer"><Name text={name} to={`/cluster/peers/${id}`}/>{isSelf && <Badge title="The peer that these pages come from">this one</Badge>}</span>
    },
    { id: 'state', label: 'State', cell: row => <span class="cluster-peer"><Status value={states[row.state]}/><Troubles row={row}/></span> },
    { id: 'sync', label: 'Pinset', cell: row => <SyncState row={row}/> },
    { id: 'version', label: 'Version', hideBelow: 'tablet', cell: ({ version }) => <span title={version}>{shortVersion(version)}</span> },
    { id: 'free', label: 'Free space', isNumber: true, cell: ({ freeBytes }) => <Bytes value={freeBytes}/> },
    { id: 'pins', label: 'Pins', isNumber: true, cell: ({ id, holding }) => holding == null ? '–' : <PinsOf id={id}
      count={holding.pins}/> },
    { id: 'waiting', label: 'Waiting', isNumber: true, hideBelow: 'phone', cell: ({ holding }) => <Count
      value={(holding?.statuses.pin_queued ?? 0) + (holding?.statuses.pinning ?? 0)}/> },
    { id: 'failed', label: 'Failed', isNumber: true, hideBelow: 'phone', cell: ({ holding }) => <Count
      value={(holding?.statuses.pin_error ?? 0) + (holding?.statuses.unpin_error ?? 0)}/> },
    { id: 'seen', label: 'Heard', hideBelow: 'phone', cell: ({ lastSeenMs }) => <Time at={lastSeenMs} never="not yet"/> }
  ]}/>
}

function PinsOf ({ id, count }: { id: string, count: number }) {
  return count === 0 ? <Count value={0}/> : <Name text={new Intl.NumberFormat('en').format(count)} to={`/cluster/pinset?peer=${id}`}/>
}

function Troubles ({ row: { state, error, ipfsError, alerts } }: { row: PeerRow }) {
  if (state !== 'up') return error === '' || state === 'missing' ? null : <small><Name text={error}/></small>
  return <>
    {ipfsError !== '' && <Badge tone="bad" icon="warning" title={ipfsError}>no IPFS node</Badge>}
    {alerts.length > 0 && <Badge tone="warn" icon="bell" title={`Ran out: ${alerts.join(', ')}`}>{alerts.length === 1 ? '1 alert' : `${alerts.length} alerts`}</Badge>}
  </>
}

/** "1.1.6+helia.0.1.0" says which Go version it is like, and which of ours it is. */
const shortVersion = (version: string): string => version === '' ? '–' : version.replace(/^(\d[\d.]*)\+helia\.(.*)$/, 'Helia $2')
