import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Id } from '../../../../client/types.ts'
import { useRouter } from '../../../app/router.tsx'
import { cluster } from '../../../data/clients.ts'
import { countText } from '../../../data/format.ts'
import { useDebounced } from '../../../data/hooks.ts'
import { invalidate, useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Select } from '../../../ui/controls/choices.tsx'
import { confirm } from '../../../ui/feedback/confirm.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { ErrorState } from '../../../ui/feedback/error-state.tsx'
import { Toolbar } from '../../../ui/frame/layout.tsx'
import { Page } from '../../../ui/frame/page.tsx'
import { Skeleton } from '../../../ui/feedback/skeleton.tsx'
import { SearchField } from '../../../ui/controls/text-field.tsx'
import { toast } from '../../../ui/feedback/toast.tsx'
import { AddPinDialog } from './add-pin-dialog.tsx'
import { BulkBar } from './bulk-bar.tsx'
import { usePeers } from '../cluster-queries.ts'
import { shownPeer } from '../peers/peer-rows.ts'
import type { Told } from './pin-actions.tsx'
import { usePinset } from './pinset-list.ts'
import { usePinsetNews } from './pinset-news.ts'
import type { PinsetList, PinsetView } from './pinset-list.ts'
import { PinsetRows } from './pinset-rows-view.tsx'
import { useSieved } from './pinset-sieve.ts'
import './pinset-page.css'

const views: ReadonlyArray<{ value: PinsetView, label: string, none: string }> = [
  { value: 'all', label: 'All pins', none: 'Nothing is pinned' },
  { value: 'under_replicated', label: 'Under-replicated', none: 'Every pin is on as many peers as it shall be' },
  { value: 'error', label: 'Failed', none: 'Nothing has failed' },
  { value: 'waiting', label: 'On their way', none: 'Nothing waits' },
  { value: 'unexpectedly_unpinned', label: 'Lost on a peer', none: 'No peer has lost anything' },
  { value: 'cluster_error', label: 'On missing peers', none: 'No allocated peer is missing' },
  { value: 'pinned', label: 'Pinned', none: 'Nothing is pinned' }
]

/** `/cluster/pinset`: the whole pinset, however large. */
export default function PinsetPage () {
  const { query, setQuery, go } = useRouter()
  const view = views.find(({ value }) => value === query.get('status')) ?? {
    value: 'all' as const, label: 'All pins', none: 'Nothing is pinned'
  }
  const [isAdding, setAdding] = useState(false)
  const list = usePinset(view.value)
  const typed = useRef(query.get('q') ?? '')
  const recovery = useRecovery(list.reload)
  return <Page title="Pinset" intro="What the cluster shall keep, and the status of each pin on its peers." actions={<>
    <Button icon="refresh" isBusy={recovery.isRunning} onClick={recovery.ask}>Try failed ones again</Button>
    <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>Add a pin</Button>
  </>}>
    <Filtered key={view.value} list={list} none={view.none} typed={typed} toolbar={
      <Select label="Status" value={view.value} options={views} onChange={value => setQuery({ status: value === 'all' ? null : value })}/>
    }/>
    {isAdding && <AddPinDialog onClose={() => setAdding(false)} onDone={({ cid }) => go(`/cluster/pinset/${cid}`)}/>}
  </Page>
}

/** Asks all peers to try again what failed or is missing. */
function useRecovery (reload: () => void): { ask: () => void, isRunning: boolean } {
  const { run, isRunning } = useAction(async () => {
    let count = 0
    for await (const _ of cluster.recoverAll()) count++
    return count
  }, { done: count => {
    toast(count === 0 ? 'Nothing had failed.' : `${countText(count)} ${count === 1 ? 'pin is' : 'pins are'} tried again.`, { tone: 'good' })
    invalidate('cluster/')
    reload()
  } })
  const ask = async (): Promise<void> => {
    if (await confirm({ title: 'Try all failed pins again?', text: 'Each peer looks through its whole pinset, and queues what failed or is missing.', action: 'Try again' })) await run()
  }
  return { ask: () => { void ask() }, isRunning }
}

const noSelection: ReadonlySet<string> = new Set()
const noPeers: readonly Id[] = []

interface FilteredProps {
  list: PinsetList
  none: string
  /** What is searched for, in every view; the address follows a little later. */
  typed: { current: string }
  toolbar: preact.ComponentChildren
}

function Filtered ({ list, none, typed, toolbar }: FilteredProps) {
  const { query, setQuery } = useRouter()
  const [text, setText] = useState(typed.current)
  const [order, setOrder] = useState<'stored' | 'newest'>('stored')
  const peer = query.get('peer') ?? ''
  const searched = useDebounced(text.trim(), 150)
  const peers = usePeers().data?.peers ?? noPeers
  const rows = useSieved(list.rows, { text: searched, peer, order })
  const nameOf = useCallback((id: string) => shownPeer(id, peers.find(one => one.id === id)?.peername ?? ''), [peers])
  const peerOptions = [
    { value: '', label: 'Any peer' }, ...peers.map(({ id, peername }) => ({ value: id, label: shownPeer(id, peername) }))
  ]
  const [selected, setSelected] = useState<ReadonlySet<string>>(noSelection)
  const { refresh, forget, reload } = list
  const news = usePinsetNews(list)
  const told = useMemo((): Told => ({ changed: cid => cid === '' ? reload() : refresh(cid), gone: forget }), [refresh, forget, reload])
  useEffect(() => { if (searched !== (query.get('q') ?? '')) setQuery({ q: searched === '' ? null : searched }) }, [searched])
  // what isn't shown any more shall not be acted on
  useEffect(() => setSelected(noSelection), [searched, peer])
  const isFiltered = searched !== '' || peer !== ''
  return <>
    <Toolbar label="What to show">
      <SearchField label="Search names and CIDs" value={text} placeholder="Name or CID" onChange={value => {
        typed.current = value
        setText(value)
      }}/>
      {toolbar}
      <Select label="Allocated to" value={peer}
        options={peerOptions.some(({ value }) => value === peer) ? peerOptions : [
          ...peerOptions, { value: peer, label: shownPeer(peer, '') }
        ]}
        onChange={value => setQuery({ peer: value === '' ? null : value })}/>
      <Select label="Order" value={order} onChange={setOrder}
        options={[{ value: 'stored', label: 'As stored' }, { value: 'newest', label: 'Newest first' }]}/>
    </Toolbar>
    <BulkBar selected={selected} clear={() => setSelected(noSelection)} told={told}/>
    <div class="pinset-page__count">
      <span role="status">{countLine(list, rows.length, isFiltered)}</span>
      {news.isOutdated && <Button kind="quiet" size="small" icon="refresh" onClick={news.reload}>
        The pinset has changed: load it again
      </Button>}
    </div>
    {list.error != null && <ErrorState compact={list.rows.length > 0} error={list.error} onRetry={list.reload}/>}
    {rows.length > 0
      ? <PinsetRows rows={rows} list={list} nameOf={nameOf} told={told} selected={selected} onSelect={setSelected}/>
      : list.isLoading ? <Skeleton lines={6} height="2.5rem" label="Loading the pinset"/> : list.error == null && <EmptyState
        title={isFiltered && list.rows.length > 0 ? 'No pin is like that' : none} icon="pin">
        {isFiltered && list.rows.length > 0 ? 'Try a part of its name or CID, or another peer.' : undefined}
      </EmptyState>}
  </>
}

function countLine ({ rows, isLoading }: PinsetList, shown: number, isFiltered: boolean): string {
  const all = `${countText(rows.length)} ${rows.length === 1 ? 'pin' : 'pins'}`
  return `${isFiltered ? `${countText(shown)} of ${all}` : all}${isLoading ? ', more are coming …' : ''}`
}
