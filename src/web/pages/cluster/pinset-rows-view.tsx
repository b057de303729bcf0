import { useCallback } from 'preact/hooks'
import { Link } from '../../app/router.tsx'
import { exactTime, shortCid, shownName } from '../../data/format.ts'
import { useMedia } from '../../data/hooks.ts'
import { Status } from '../../ui/badge.tsx'
import { Menu } from '../../ui/menu.tsx'
import { Time } from '../../ui/values.tsx'
import { VirtualList } from '../../ui/virtual-list.tsx'
import { menuOf, usePinActions } from './pin-actions.tsx'
import type { PinsetList } from './pinset-list.ts'
import type { PinRow, PinStanding } from './pinset-rows.ts'

/** The rows of the pinset, however many they are. */
export function PinsetRows ({ rows, list, nameOf }: { rows: readonly PinRow[], list: PinsetList, nameOf: (id: string) => string }) {
  const isPhone = useMedia('(width < 40rem)')
  const { see } = list
  const onRange = useCallback((first: number, last: number) => see(rows.slice(first, last + 1)), [rows, see])
  return <div class="pinset-rows" role="table" aria-label="Pins" aria-rowcount={rows.length + 1}>
    <div class="pinset-rows__head" role="rowgroup">
      <div class="pinset-rows__row" role="row" aria-rowindex={1}>
        <span role="columnheader">Pin</span><span role="columnheader">Status</span><span role="columnheader">Copies</span><span role="columnheader">On</span><span role="columnheader">Added</span><span role="columnheader"><span class="visually-hidden">Actions</span></span>
      </div>
    </div>
    <VirtualList kind="rows" class="pinset-rows__list" count={rows.length} rowHeight={isPhone ? 96 : 60} label="Pins" onRange={onRange} keyOf={index => rows[index]?.cid ?? index} row={index => {
      const row = rows[index]
      return row == null ? null : <Cells key={row.cid} row={row} standing={list.standingOf(row)} list={list} nameOf={nameOf}/>
    }}/>
  </div>
}

function Cells ({ row, standing, list, nameOf }: { row: PinRow, standing: PinStanding | undefined, list: PinsetList, nameOf: (id: string) => string }) {
  const { cid, name, allocations, addedMs } = row
  const actions = usePinActions(row, { changed: () => list.refresh(cid), gone: () => list.forget(cid) })
  const peers = allocations.map(nameOf)
  return <div class="pinset-rows__row">
    <div role="cell" class="pinset-rows__pin">
      <Link to={`/cluster/pinset/${cid}`} title={name === '' ? cid : shownName(name)}><bdi>{name === '' ? shortCid(cid) : shownName(name)}</bdi></Link>
      <code title={cid}>{name === '' ? cid : shortCid(cid)}</code>
    </div>
    <div role="cell" class="pinset-rows__status">{standing == null ? <span class="pinset-rows__soft">…</span> : <span title={standing.error}><Status value={standing.status}/></span>}</div>
    <div role="cell" class={standing != null && standing.have < standing.wanted ? 'pinset-rows__copies pinset-rows__copies--fewer' : 'pinset-rows__copies'}>{standing == null ? '' : `${standing.have} of ${standing.wanted}`}</div>
    <div role="cell" class="pinset-rows__peers" title={peers.join(', ')}>{allocations.length === 0 ? <span class="pinset-rows__soft">every peer</span> : peers.join(', ')}</div>
    <div role="cell" class="pinset-rows__added" title={addedMs === 0 ? undefined : exactTime(addedMs)}><Time at={addedMs === 0 ? null : addedMs} never="–"/></div>
    <div role="cell" class="pinset-rows__menu"><Menu label={`Actions for ${name === '' ? shortCid(cid) : shownName(name)}`} icon="more" kind="quiet" size="small" iconOnly items={menuOf(actions)}/></div>
    {actions.dialogs}
  </div>
}
