import type { GlobalPinInfo, PinProgress } from '../../../../client/types.ts'
import { shownName } from '../../../data/format.ts'
import { Disclosure } from '../../../ui/controls/disclosure.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { Bytes, Cid, Count, Time } from '../../../ui/display/values.tsx'
import { usePeers } from '../cluster-queries.ts'
import { shownPeer } from '../peers/peer-rows.ts'
import { waitGroups, whyOf } from './why.ts'
import type { WaitGroup } from './why.ts'

/** For the peers that aren't done: what they wait for, since when, who was asked, and when they try again. */
export function WhyItWaits ({ progress, status }: { progress: readonly PinProgress[], status: GlobalPinInfo }) {
  const groups = waitGroups(progress)
  const gone = Object.entries(status.peer_map).filter(([peer, { status: state }]) =>
    state === 'cluster_error' && !progress.some(one => one.peer === peer && whyOf(one) != null))
  if (groups.length === 0 && gone.length === 0) return null
  return <div class="pin-why">
    {groups.map(group => <Group key={`${group.why.title} ${group.wantedBlock}`} group={group}/>)}
    {gone.map(([peer, { peername, error }]) => <Notice key={peer} tone="warn" title={`${shownPeer(peer, peername)} shall have a copy, and is not there`}>
      As long as it is missing the pin has a copy less. {shownName(error)}
    </Notice>)}
  </div>
}

function Group ({ group: { why, peers, wantedBlock, since, nextTry, asked } }: { group: WaitGroup }) {
  const blocks = Math.max(...peers.map(({ ipfs }) => ipfs?.blocks ?? 0))
  const bytes = Math.max(...peers.map(({ ipfs }) => ipfs?.bytes ?? 0))
  const tries = Math.max(...peers.map(({ operation }) => operation?.attempt_count ?? 0))
  return <Notice tone={why.tone} title={why.title}>
    {why.advice}
    <dl class="pin-why__facts">
      <div><dt>{peers.length === 1 ? 'On peer' : 'On peers'}</dt><dd>{peers.map(({ peer, peername }) => shownPeer(peer, peername)).toSorted().join(', ')}</dd></div>
      {wantedBlock != null && <div><dt>Waits for block</dt><dd><Cid cid={wantedBlock}/></dd></div>}
      {since != null && <div><dt>Since</dt><dd><Time at={since}/></dd></div>}
      {wantedBlock != null && <div><dt>Peers asked</dt><dd><Count value={asked.length}/></dd></div>}
      {nextTry != null && <div><dt>Next try</dt><dd><Time at={nextTry}/></dd></div>}
      {peers.some(({ ipfs }) => ipfs != null) && <div>
        <dt>Here so far</dt>
        <dd><Count value={blocks}/> {blocks === 1 ? 'block' : 'blocks'}, <Bytes value={bytes}/></dd>
      </div>}
      {tries > 1 && <div><dt>Tries</dt><dd><Count value={tries}/></dd></div>}
    </dl>
    {asked.length > 0 && <Asked ids={asked}/>}
  </Notice>
}

const askedShown = 50

/** Whose IPFS nodes they are, where that is known. */
function Asked ({ ids }: { ids: readonly string[] }) {
  const peers = usePeers().data?.peers ?? []
  const nameOf = (id: string): string => {
    const owner = peers.find(({ ipfs }) => ipfs.id === id)
    return owner == null ? id : `${shownPeer(owner.id, owner.peername)} (${id})`
  }
  return <div class="pin-why__asked"><Disclosure summary="Who was asked">
    <ul class="pin-page__list">{ids.slice(0, askedShown).map(id => <li key={id}>{nameOf(id)}</li>)}</ul>
    {ids.length > askedShown && <p>… and {ids.length - askedShown} more</p>}
  </Disclosure></div>
}
