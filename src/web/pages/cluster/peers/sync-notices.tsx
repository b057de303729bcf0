import { useState } from 'preact/hooks'
import type { PinsetDiff } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { countText } from '../../../data/format.ts'
import { invalidate, useAction, useQuery } from '../../../data/query.ts'
import { Badge } from '../../../ui/display/badge.tsx'
import { Button } from '../../../ui/controls/button.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Stack } from '../../../ui/frame/layout.tsx'
import { QueryResult } from '../../../ui/feedback/query-result.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { Skeleton } from '../../../ui/feedback/skeleton.tsx'
import { Table } from '../../../ui/display/table.tsx'
import { Cid, Name, Time } from '../../../ui/display/values.tsx'
import type { PeerRow } from './peer-rows.ts'
import { differenceText, syncWord } from './sync-words.ts'

/** How the pinset of a peer is to this one's. */
export function SyncState ({ row: { isSelf, sync } }: { row: Pick<PeerRow, 'isSelf' | 'sync'> }) {
  if (isSelf || sync == null) return <>–</>
  const { label, tone, icon, about } = syncWord(sync)
  return <span class="cluster-peer">
    <Badge tone={tone} icon={icon} title={about}>{label}</Badge>
    {sync.state !== 'in_sync' && sync.since != null && <small>since <Time at={sync.since}/></small>}
  </span>
}

/** Peers whose pinset is another one, and what can be done. */
export function OutOfSyncPeers ({ rows }: { rows: readonly PeerRow[] }) {
  const [compared, setCompared] = useState<PeerRow>()
  const self = rows.find(({ isSelf }) => isSelf)
  const out = rows.filter(({ state, sync }) => state === 'up' && sync?.state === 'out_of_sync')
  if (out.length === 0) return null
  return <div class="cluster-costs">
    {out.map(row => <Notice key={row.id} tone="bad" title={`${row.name} is out of sync`}>
      It has another pinset than this peer{row.sync?.since != null && <>
        , since <Time at={row.sync.since}/>
      </>}, though no change is missing on either side. Which of the two is right can not be known: look at what differs.
      <div class="cluster-costs__actions"><Button size="small" icon="search" onClick={() => setCompared(row)}>Compare with {row.name}</Button></div>
    </Notice>)}
    {compared != null && self != null && <CompareDialog self={self} other={compared} onClose={() => setCompared(undefined)}/>}
  </div>
}

const shownAtMost = 100

function CompareDialog ({ self, other, onClose }: { self: PeerRow, other: PeerRow, onClose: () => void }) {
  const diff = useQuery(`cluster/diff/${other.id}`, async signal => cluster.pinsetDiff(self.id, other.id, { signal }), { keepMs: 0 })
  const repair = useAction(async () => cluster.pinsetDiff(self.id, other.id, { repair: true }), {
    success: 'Both have merged their histories again.',
    done: after => {
      diff.set(after)
      invalidate('cluster/sync')
    }
  })
  return <Dialog title={`${self.name} and ${other.name}`} onClose={onClose} isBusy={repair.isRunning} footer={<>
    <Button onClick={onClose} disabled={repair.isRunning}>Close</Button>
    <Button kind="primary" isBusy={repair.isRunning} disabled={diff.data == null} onClick={() => { void repair.run() }}>
      Let both merge again
    </Button>
  </>}>
    <QueryResult query={diff} skeleton={<Skeleton lines={4} label="The peers are being compared: it takes a few seconds"/>} empty={{ when: ({ pins }) => pins.length === 0, show: <p role="status">No pin differs any more.</p> }}>
      {found => <Differences diff={found} names={{ one: self.name, other: other.name }}/>}
    </QueryResult>
  </Dialog>
}

function Differences ({ diff: { pins, more, same_heads: isQuiet }, names }: { diff: PinsetDiff, names: { one: string, other: string } }) {
  return <Stack>
    <p role="status">
      {more ? 'More than ' : ''}{countText(pins.length)} {pins.length === 1 && !more ? 'pin differs' : 'pins differ'}
      {pins.length > shownAtMost && `, of which ${shownAtMost} are shown`}.
      {!isQuiet && ' Changes are still under way between them: some may be that.'}
    </p>
    <Table caption="Pins that differ" dense rows={pins.slice(0, shownAtMost)} keyOf={({ cid }) => cid} columns={[
      { id: 'cid', label: 'CID', isMain: true, cell: ({ cid }) => <Cid cid={cid} to={`/cluster/pinset/${cid}`}/> },
      { id: 'what', label: 'What differs', cell: pin => <Name text={differenceText(pin, names)}/> }
    ]}/>
  </Stack>
}
