import type { GlobalPinInfo, PinProgress } from '../../../client/types.ts'
import { durationText, msOfTime } from '../../data/format.ts'
import { useNow } from '../../data/hooks.ts'
import { Disclosure } from '../../ui/disclosure.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Bytes, Cid, Count, Time } from '../../ui/values.tsx'
import { usePeers } from './cluster-queries.ts'
import { shownPeer } from './peer-rows.ts'
import { whyOf } from './why.ts'

/** For each peer that isn't done: what it waits for, since when, who was asked, and when it tries again. */
export function WhyItWaits ({ progress, status }: { progress: readonly PinProgress[], status: GlobalPinInfo }) {
  const waiting = progress.filter(one => whyOf(one) != null)
  const gone = Object.entries(status.peer_map).filter(([peer, { status: state }]) => state === 'cluster_error' && !waiting.some(one => one.peer === peer))
  if (waiting.length === 0 && gone.length === 0) return null
  return <div class="pin-why">
    {waiting.map(one => <OnePeer key={one.peer} progress={one}/>)}
    {gone.map(([peer, { peername, error }]) => <Notice key={peer} tone="warn" title={`${shownPeer(peer, peername)} has a copy, and is not there`}>It may be missing for good, and then the pin has a copy less: {error}</Notice>)}
  </div>
}

function OnePeer ({ progress }: { progress: PinProgress }) {
  const { peer, peername, operation, ipfs } = progress
  const now = useNow(1000)
  const why = whyOf(progress)
  if (why == null) return null
  const nextTry = operation?.phase === 'error' ? operation.next_try_at : ipfs?.next_try_at ?? operation?.next_try_at
  const since = msOfTime(ipfs?.wanted_since ?? operation?.since ?? null)
  return <Notice tone={why.tone} title={`${shownPeer(peer, peername)}: ${why.title}`}>
    {why.advice}
    <dl class="pin-why__facts">
      {ipfs?.wanted_block != null && <div><dt>Waits for block</dt><dd><Cid cid={ipfs.wanted_block}/></dd></div>}
      {since != null && <div><dt>Since</dt><dd title={`${durationText(now - since)}`}><Time at={since}/></dd></div>}
      {ipfs?.wanted_block != null && <div><dt>Peers asked</dt><dd><Count value={ipfs.peers_asked.length}/></dd></div>}
      {nextTry != null && <div><dt>Next try</dt><dd><Time at={nextTry}/></dd></div>}
      {ipfs != null && <div><dt>Here so far</dt><dd><Count value={ipfs.blocks}/> {ipfs.blocks === 1 ? 'block' : 'blocks'}, <Bytes value={ipfs.bytes}/></dd></div>}
      {operation != null && operation.attempt_count > 1 && <div><dt>Tries</dt><dd><Count value={operation.attempt_count}/></dd></div>}
    </dl>
    {(ipfs?.peers_asked.length ?? 0) > 0 && <Asked ids={ipfs?.peers_asked ?? []}/>}
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
