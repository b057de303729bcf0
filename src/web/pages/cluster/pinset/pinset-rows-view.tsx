import { memo } from 'preact/compat'
import { useCallback } from 'preact/hooks'
import { Link } from '../../../app/router.tsx'
import { exactTime, relativeText, shortCid, timeText } from '../../../data/format.ts'
import { useMedia, useNow } from '../../../data/hooks.ts'
import { Status } from '../../../ui/display/badge.tsx'
import { Checkbox } from '../../../ui/controls/choices.tsx'
import { Menu } from '../../../ui/controls/menu.tsx'
import { VirtualList } from '../../../ui/display/virtual-list.tsx'
import { menuOf, pinTitle, usePinActions } from './pin-actions.tsx'
import type { PinActions, Told } from './pin-actions.tsx'
import type { PinsetList } from './pinset-list.ts'
import type { PinRow, PinStanding } from './pinset-rows.ts'

export interface PinsetRowsProps {
  rows: readonly PinRow[]
  list: PinsetList
  nameOf: (id: string) => string
  told: Told
  selected: ReadonlySet<string>
  onSelect: (selected: ReadonlySet<string>) => void
}

/** The rows of the pinset, however many they are. */
export const PinsetRows = memo(({ rows, list, nameOf, told, selected, onSelect }: PinsetRowsProps) => {
  const isPhone = useMedia('(width < 40rem)')
  const now = useNow()
  const { see } = list
  const onRange = useCallback((first: number, last: number) => see(rows.slice(first, last + 1)), [rows, see])
  const actions = usePinActions(told)
  const isAll = selected.size > 0 && selected.size >= rows.length
  const toggle = useCallback((cid: string, isOn: boolean) => {
    const next = new Set(selected)
    if (isOn) next.add(cid)
    else next.delete(cid)
    onSelect(next)
  }, [selected, onSelect])
  return <>
    <div class="pinset-rows" role="table" aria-label="Pins" aria-rowcount={rows.length + 1}>
      <div class="pinset-rows__head" role="rowgroup">
        <div class="pinset-rows__row" role="row" aria-rowindex={1}>
          <span role="columnheader">
            <Checkbox label="Select all that are shown" hideLabel checked={isAll}
              indeterminate={selected.size > 0 && !isAll}
              onChange={isOn => onSelect(new Set(isOn ? rows.map(({ cid }) => cid) : []))}/>
          </span><span role="columnheader">Pin</span><span role="columnheader">Status</span><span role="columnheader">Copies</span><span role="columnheader">On</span><span role="columnheader">Added</span><span role="columnheader"><span class="visually-hidden">Actions</span></span>
        </div>
      </div>
      <VirtualList kind="rows" class="pinset-rows__list" count={rows.length} rowHeight={isPhone ? 96 : 60} label="Pins" onRange={onRange}
        keyOf={index => rows[index]?.cid ?? index} row={index => {
        const row = rows[index]
        return row == null ? null : <Cells row={row} standing={list.standingOf(row)} now={now} actions={actions}
          nameOf={nameOf} isSelected={selected.has(row.cid)} onToggle={toggle}/>
      }}/>
    </div>
    {actions.dialogs}
  </>
})

interface CellsProps {
  row: PinRow
  standing: PinStanding | undefined
  now: number
  actions: PinActions
  nameOf: (id: string) => string
  isSelected: boolean
  onToggle: (cid: string, isOn: boolean) => void
}

/** Without anything that runs by itself: dozens of them come and go with each frame of scrolling. */
function Cells ({ row, standing, now, actions, nameOf, isSelected, onToggle }: CellsProps) {
  const { cid, name, allocations, addedMs } = row
  const title = pinTitle(row)
  const peers = allocations.map(nameOf).join(', ')
  const isFewer = standing != null && standing.have < standing.wanted
  return <div class="pinset-rows__row" role="presentation">
    <div role="cell" class="pinset-rows__select">
      <Checkbox label={`Select ${title}`} hideLabel checked={isSelected} onChange={isOn => onToggle(cid, isOn)}/>
    </div>
    <div role="cell" class="pinset-rows__pin">
      <Link to={`/cluster/pinset/${cid}`} title={name === '' ? cid : title}><bdi>{title}</bdi></Link>
      <code title={cid}>{name === '' ? cid : shortCid(cid)}</code>
    </div>
    <div role="cell" class="pinset-rows__status">{standing == null ? <span class="pinset-rows__soft">…</span> : <span title={standing.error}><Status value={standing.status}/></span>}</div>
    <div role="cell" class={isFewer ? 'pinset-rows__copies pinset-rows__copies--fewer' : 'pinset-rows__copies'}>{standing == null ? '' : `${standing.have} of ${standing.wanted}`}</div>
    <div role="cell" class="pinset-rows__peers" title={peers}>{allocations.length === 0 ? <span class="pinset-rows__soft">every peer</span> : peers}</div>
    <div role="cell" class="pinset-rows__added" title={addedMs === 0 ? undefined : exactTime(addedMs)}>
      {addedMs === 0 ? '–' : now - addedMs < nearMs ? relativeText(Math.min(now, addedMs), { now }) : timeText(addedMs, { now })}
    </div>
    <div role="cell" class="pinset-rows__menu"><Menu label={`Actions for ${title}`} icon="more" kind="quiet" size="small" iconOnly items={menuOf(actions, row)}/></div>
  </div>
}

/** What is longer ago is told by its day. */
const nearMs = 2 * 86_400_000
