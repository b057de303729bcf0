import type { GlobalPinInfo, Pin, PinInfo, PinProgress } from '../../../../client/types.ts'
import { neverText } from '../../../../client/types.ts'
import { Badge, Status } from '../../../ui/display/badge.tsx'
import { Table } from '../../../ui/display/table.tsx'
import { Bytes, Count, Name, Time } from '../../../ui/display/values.tsx'
import { shownPeer } from '../peers/peer-rows.ts'
import { whyOf } from './why.ts'

interface Row { peer: string, info: PinInfo, isHolder: boolean, progress: PinProgress | undefined }

/** Go's words for "nothing came in time" say less than the reason does. */
const reasonOf = ({ info, progress }: Row): string => info.error === '' || info.error === 'context canceled'
  ? (progress == null ? undefined : whyOf(progress)?.title) ?? info.error
  : info.error

/** How the pin stands on each peer; those that shall have it first. */
export function PinPeers ({ pin, status, progress }: { pin: Pin, status: GlobalPinInfo, progress: readonly PinProgress[] }) {
  const holders = pin.allocations ?? []
  const rows = Object.entries(status.peer_map).map(([peer, info]): Row => ({
    peer, info, isHolder: holders.length === 0 || holders.includes(peer), progress: progress.find(one => one.peer === peer)
  })).toSorted((a, b) => Number(b.isHolder) - Number(a.isHolder) || (a.info.peername < b.info.peername ? -1 : 1))
  return <Table caption="Status of the pin on each peer" rows={rows} keyOf={({ peer }) => peer} columns={[
    { id: 'peer', label: 'Peer', isMain: true, cell: ({ peer, info, isHolder }) => <>
      <Name text={shownPeer(peer, info.peername)} to={`/cluster/peers/${peer}`}/> {isHolder && holders.length > 0 && <Badge tone="info" title="The pinset allocates the pin to this peer">holder</Badge>}
    </> },
    { id: 'status', label: 'Status', cell: ({ info }) => <Status value={info.status}/> },
    { id: 'since', label: 'Since', hideBelow: 'phone', cell: ({ info }) => <Time
      at={info.timestamp === neverText ? null : info.timestamp} never="–"/> },
    { id: 'here', label: 'Fetched', isNumber: true, hideBelow: 'tablet', cell: ({ progress: one }) => one?.ipfs == null ? '' : <>
      <Count value={one.ipfs.fetched_blocks}/> blocks, <Bytes value={one.ipfs.fetched_bytes}/>
    </> },
    { id: 'tries', label: 'Tries', isNumber: true, hideBelow: 'phone', cell: ({ info }) => info.attempt_count === 0 ? '' : <Count
      value={info.attempt_count}/> },
    { id: 'error', label: 'Why', cell: row => <Name text={reasonOf(row)}/> }
  ]}/>
}
