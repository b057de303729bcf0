import type { ComponentChildren } from 'preact'
import { useMedia } from '../../data/hooks.ts'
import { Checkbox } from '../controls/choices.tsx'
import { Icon } from '../icon.tsx'
import './table.css'

/** A column of rows `R`. */
export interface Column<R> {
  id: string
  label: string
  cell: (row: R) => ComponentChildren
  isNumber?: boolean
  sortable?: boolean
  width?: string
  hideBelow?: 'phone' | 'tablet'
  /** The row's name: its header for readers, its first line on phones. */
  isMain?: boolean
  hideLabel?: boolean
}

export interface TableProps<R> {
  /** For readers. */
  caption: string
  columns: ReadonlyArray<Column<R>>
  rows: readonly R[]
  keyOf: (row: R) => string
  empty?: ComponentChildren
  sort?: { by: string, isDescending: boolean }
  onSort?: (by: string) => void
  selection?: { selected: ReadonlySet<string>, onChange: (selected: ReadonlySet<string>) => void, nameOf: (row: R) => string }
  onRowClick?: (row: R) => void
  dense?: boolean
}

/** Rows of things; on phones each is a small card. */
export function Table<R> (props: TableProps<R>) {
  const { caption, rows, keyOf, empty, selection, onRowClick, dense = false } = props
  const isPhone = useMedia('(width < 40rem)')
  const isTablet = useMedia('(width < 64rem)')
  const columns = props.columns.filter(({ hideBelow }) => !(hideBelow === 'phone' && isPhone) && !(hideBelow === 'tablet' && isTablet))
  if (rows.length === 0 && empty != null) return <>{empty}</>
  return <div class="table-scroll">
    <table class={`table ${dense ? 'table--dense' : ''} ${onRowClick == null ? '' : 'table--clickable'}`}>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {selection != null && <th scope="col" class="table__select"><SelectAll rows={rows} keyOf={keyOf} selection={selection}/></th>}
          {columns.map(column => <Head key={column.id} column={column} {...props}/>)}
        </tr>
      </thead>
      <tbody>
        {rows.map(row => <tr key={keyOf(row)}
          class={selection?.selected.has(keyOf(row)) === true ? 'table__row--selected' : undefined}
          onClick={onRowClick == null ? undefined : event => clickRow(event, row, onRowClick)}>
          {selection != null && <td class="table__select"><SelectOne row={row} keyOf={keyOf} selection={selection}/></td>}
          {columns.map(column => <Cell key={column.id} column={column} row={row}/>)}
        </tr>)}
      </tbody>
    </table>
  </div>
}

/** Not what is meant for something in the row. */
function clickRow<R> (event: MouseEvent, row: R, onRowClick: (row: R) => void): void {
  if (event.target instanceof Element && event.target.closest('a, button, input, label, select') != null) return
  if (getSelection()?.isCollapsed !== false) onRowClick(row)
}

function Head<R> (
  {
    column: { id, label, isNumber = false, sortable = false, width, hideLabel = false }, sort, onSort
  }: { column: Column<R> } & Pick<TableProps<R>, 'sort' | 'onSort'>
) {
  const isSorted = sort?.by === id
  return <th scope="col" class={isNumber ? 'table__number' : undefined} style={width == null ? undefined : { width }}
    aria-sort={isSorted ? sort.isDescending ? 'descending' : 'ascending' : undefined}>
    {sortable && onSort != null
      ? <button type="button" class="table__sort" onClick={() => onSort(id)}>
        {label} <Icon name={!isSorted ? 'sort' : sort.isDescending ? 'arrowDown' : 'arrowUp'} size={14}/>
      </button>
      : <span class={hideLabel ? 'visually-hidden' : undefined}>{label}</span>}
  </th>
}

function Cell<R> ({ column: { label, cell, isNumber = false, isMain = false, hideLabel = false }, row }: { column: Column<R>, row: R }) {
  const classes = `${isNumber ? 'table__number' : ''} ${isMain ? 'table__main' : ''}`.trim()
  if (isMain) return <th scope="row" class={classes}>{cell(row)}</th>
  return <td class={classes === '' ? undefined : classes} data-label={hideLabel ? undefined : label}>{cell(row)}</td>
}

type SelectProps<R> = { keyOf: (row: R) => string, selection: NonNullable<TableProps<R>['selection']> }

function SelectAll<R> ({ rows, keyOf, selection: { selected, onChange } }: SelectProps<R> & { rows: readonly R[] }) {
  const count = rows.filter(row => selected.has(keyOf(row))).length
  return <Checkbox label="Select all" hideLabel checked={count > 0 && count === rows.length}
    indeterminate={count > 0 && count < rows.length}
    onChange={checked => onChange(
      checked ? new Set([...selected, ...rows.map(keyOf)]) : new Set([...selected].filter(key => !rows.some(row => keyOf(row) === key)))
    )}/>
}

function SelectOne<R> ({ row, keyOf, selection: { selected, onChange, nameOf } }: SelectProps<R> & { row: R }) {
  const key = keyOf(row)
  return <Checkbox label={`Select ${nameOf(row)}`} hideLabel checked={selected.has(key)} onChange={checked => {
    const next = new Set(selected)
    if (checked) next.add(key)
    else next.delete(key)
    onChange(next)
  }}/>
}
