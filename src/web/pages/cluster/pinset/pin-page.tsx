import type { GlobalPinInfo, Pin, PinProgress } from '../../../../client/types.ts'
import { neverText } from '../../../../client/types.ts'
import { site } from '../../../app/site.ts'
import { useRouter } from '../../../app/router.tsx'
import { cluster } from '../../../data/clients.ts'
import { useSoon } from '../../../data/hooks.ts'
import { useLive } from '../../../data/live.ts'
import { statusOf } from '../../../data/errors.ts'
import { shortCid, shownName } from '../../../data/format.ts'
import { invalidate, useAction, useQuery } from '../../../data/query.ts'
import { Badge } from '../../../ui/display/badge.tsx'
import { Button } from '../../../ui/controls/button.tsx'
import { DefinitionList } from '../../../ui/controls/disclosure.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../../ui/feedback/query-result.tsx'
import { Page, Section } from '../../../ui/frame/page.tsx'
import { Cid, Name, Time } from '../../../ui/display/values.tsx'
import { usePinActions } from './pin-actions.tsx'
import { copiesText } from './pin-options.ts'
import { PinPeers } from './pin-peers.tsx'
import { standingOf } from './pinset-rows.ts'
import { WhyItWaits } from './why-it-waits.tsx'
import './pin-page.css'

interface Found { /** Null: not in the pinset. */ pin: Pin | null, status: GlobalPinInfo, progress: PinProgress[] }

async function load (cid: string, signal: AbortSignal): Promise<Found> {
  const [pin, status, progress] = await Promise.all([
    cluster.allocation(cid, { signal }).catch(err => orNull(err)),
    cluster.status(cid, { signal }),
    cluster.progress(cid, { signal }).catch((): PinProgress[] => [])
  ])
  return { pin, status, progress }
}

function orNull (err: unknown): null {
  if (statusOf(err) === 404) return null
  throw err
}

/** `/cluster/pinset/:cid`: how one pin stands on each peer, and why. */
export default function PinPage () {
  const { params, go } = useRouter()
  const cid = params.cid ?? ''
  const found = useQuery(`cluster/pin/${cid}`, async signal => load(cid, signal), { pollMs: 3000 })
  usePinNews(cid)
  const name = found.data?.pin?.name ?? ''
  const pin = { cid, name }
  const actions = usePinActions({ changed: found.reload, gone: () => go('/cluster/pinset') })
  const isPinned = found.data?.pin != null
  return <Page title={name === '' ? `Pin ${shortCid(cid)}` : shownName(name)} intro={<Cid cid={cid} short={false}/>}
    back={{ to: '/cluster/pinset', label: 'Pinset' }} actions={isPinned && <>
    <Button icon="refresh" onClick={() => actions.recover(pin)} disabled={actions.isBusy}>Try again</Button>
    <Button icon="copy" onClick={() => actions.changeCopies(pin)} disabled={actions.isBusy}>Change copies</Button>
    <Button icon="move" onClick={() => actions.move(pin)} disabled={actions.isBusy}>Move</Button>
    <Button kind="danger" icon="unpin" onClick={() => actions.unpin(pin)} disabled={actions.isBusy}>Unpin</Button>
  </>}>
    <QueryResult query={found}>{({ pin, status, progress }) => pin == null ? <NotPinned cid={cid}/> : <>
      <WhyItWaits progress={progress} status={status}/>
      <Section title="Peers"><PinPeers pin={pin} status={status} progress={progress}/></Section>
      <Section title="Details"><Details pin={pin} status={status}/></Section>
    </>}</QueryResult>
    {actions.dialogs}
  </Page>
}

/** Something has happened to this pin. */
function usePinNews (cid: string): void {
  const loadSoon = useSoon(() => invalidate(`cluster/pin/${cid}`), 300)
  useLive({ from: 'cluster', types: ['pin'] }, ({ type, data }) => { if (type === 'pin.status.missed' || data.cid === cid) loadSoon() })
}

function NotPinned ({ cid }: { cid: string }) {
  const pinning = useAction(async () => cluster.pin(cid), { success: 'It is in the pinset; the peers fetch it now.', done: () => invalidate('cluster/') })
  return <EmptyState title="This is not in the pinset" icon="unpin"
    action={<Button kind="primary" icon="pin" isBusy={pinning.isRunning} onClick={() => { void pinning.run() }}>
    Pin it
  </Button>}>
    Nobody asked the cluster to keep it, or it was unpinned.
  </EmptyState>
}

const types: Readonly<Record<string, string>> = { pin: 'Pin', 'meta-pin': 'Sharded pin', 'clusterdag-pin': 'List of shards', 'shard-pin': 'Shard' }

function Details ({ pin, status }: { pin: Pin, status: GlobalPinInfo }) {
  const { have, wanted } = standingOf(status.peer_map)
  const metadata = Object.entries(pin.metadata ?? {})
  return <DefinitionList items={[
    { term: 'Name', value: pin.name === '' ? 'none' : <Name text={pin.name}/> },
    { term: 'Copies', value: `${have} of ${wanted}` },
    { term: 'Shall be on', value: copiesText(pin) },
    { term: 'Kind', value: <>{types[pin.type] ?? pin.type} {pin.mode === 'direct' && <Badge>only the one block</Badge>}</> },
    { term: 'Added', value: <Time at={pin.timestamp === neverText ? null : pin.timestamp} relative={false} never="unknown"/> },
    { term: 'Unpinned at', value: <Time at={pin.expire_at === neverText ? null : pin.expire_at} never="never"/> },
    ...(pin.pin_update == null ? [] : [{ term: 'Took the place of', value: <Cid cid={pin.pin_update} to={`/cluster/pinset/${pin.pin_update}`}/> }]),
    ...(pin.reference == null ? [] : [{ term: 'Refers to', value: <Cid cid={pin.reference} to={`/cluster/pinset/${pin.reference}`}/> }]),
    ...((pin.origins?.length ?? 0) === 0 ? [] : [{ term: 'Origins', value: <ul class="pin-page__list">
      {pin.origins?.map(origin => <li key={origin}><code>{origin}</code></li>)}
    </ul> }]),
    ...(metadata.length === 0 ? [] : [{ term: 'Metadata', value: <ul class="pin-page__list">
      {metadata.map(([key, value]) => <li key={key}><Name text={key}/>: <Name text={value}/></li>)}
    </ul> }]),
    ...(site.gateway === '' ? [] : [{ term: 'Content', value: <a href={`${site.gateway}/ipfs/${pin.cid}`} target="_blank" rel="noreferrer">
      Open at the gateway
    </a> }])
  ]}/>
}
