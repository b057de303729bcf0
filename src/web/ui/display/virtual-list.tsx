import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks'
import './virtual-list.css'

export interface VirtualListProps {
  count: number
  /** Of every row, in pixels. */
  rowHeight: number
  /** What it lists, for readers. */
  label: string
  /** Default `list` with rows `listitem`; `rows`: the rows of a table, which `children` around it makes. */
  kind?: 'list' | 'rows'
  /** What is inside of a row. */
  row: (index: number) => ComponentChildren
  keyOf?: (index: number) => string | number
  /** These are drawn, or nearly. */
  onRange?: (first: number, last: number) => void
  class?: string
}

const overscan = 8
/** Taller elements are cut by browsers: 100,000 rows stay far below. */
const tallestPixels = 15_000_000

/** So many rows of this height can be scrolled to. */
export const reachableRows = (rowHeight: number): number => Math.floor(tallestPixels / rowHeight)

/** A long list of which only what is seen is drawn. Arrow keys, Page Up and Down, Home and End move through it. */
export function VirtualList (
  { count, rowHeight, label, kind = 'list', row, keyOf = index => index, onRange, class: className = '' }: VirtualListProps
) {
  const scroller = useRef<HTMLDivElement>(null)
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0)
  const range = useRef('')
  const shown = Math.min(count, reachableRows(rowHeight))
  const options = {
    count: shown,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: (virtualizer: Virtualizer<HTMLDivElement, Element>) => {
      const now = `${virtualizer.range?.startIndex} ${virtualizer.range?.endIndex}`
      if (now === range.current) return
      range.current = now
      redraw(undefined)
    }
  }
  const made = useRef<Virtualizer<HTMLDivElement, Element> | null>(null)
  const virtualizer = made.current ??= new Virtualizer(options)
  virtualizer.setOptions(options)
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  const measured = useRef(rowHeight)
  useLayoutEffect(() => {
    if (measured.current === rowHeight) return
    measured.current = rowHeight
    virtualizer.measure()
    // the same rows are at other places now
    redraw(undefined)
  }, [virtualizer, rowHeight])
  const items = virtualizer.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  useEffect(() => { onRange?.(first, last) }, [onRange, first, last])

  const isTable = kind === 'rows'
  return (
    <div
      ref={scroller} class={`virtual-list ${className}`} tabIndex={0} style={{ '--list-height': `${virtualizer.getTotalSize()}px` }}
      role={isTable ? 'rowgroup' : 'list'} aria-label={label}
      onKeyDown={event => moveFocus(event, { virtualizer, rowHeight, count: shown })}
    >
      <div class="virtual-list__space" role="presentation" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {items.map(({ index, start }) => (
          <div
            key={keyOf(index)} class="virtual-list__row" data-index={index} style={{ transform: `translateY(${start}px)`, height: `${rowHeight}px` }}
            role={isTable ? 'row' : 'listitem'} {...(isTable ? { 'aria-rowindex': index + 2 } : { 'aria-setsize': count, 'aria-posinset': index + 1 })}
          >{row(index)}</div>
        ))}
      </div>
    </div>
  )
}

const steps: Readonly<Record<string, (at: number, page: number, last: number) => number>> = {
  ArrowDown: at => at + 1,
  ArrowUp: at => at - 1,
  PageDown: (at, page) => at + page,
  PageUp: (at, page) => at - page,
  Home: () => 0,
  End: (_at, _page, last) => last
}

/** To the row's own link or button (`data-row-focus`), from wherever the focus is in another row. */
function moveFocus (
  event: KeyboardEvent & { currentTarget: HTMLDivElement },
  { virtualizer, rowHeight, count }: { virtualizer: Virtualizer<HTMLDivElement, Element>, rowHeight: number, count: number }
): void {
  const step = steps[event.key]
  const from = event.target as HTMLElement
  if (step == null || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || from.matches(
    'input:not([type=checkbox]), select, textarea, [role^=menu]'
  )) return
  const scroller = event.currentTarget
  const row = from.closest<HTMLElement>('.virtual-list__row')
  const at = row == null ? wanted.get(scroller) ?? Math.round(scroller.scrollTop / rowHeight) - 1 : Number(row.dataset['index'])
  const to = Math.max(0, Math.min(count - 1, step(at, Math.max(1, Math.floor(scroller.clientHeight / rowHeight) - 1), count - 1)))
  event.preventDefault()
  virtualizer.scrollToIndex(to, { align: 'auto' })
  const column = from.dataset['rowFocus'] ?? 'name'
  wanted.set(scroller, to)
  focusRow(scroller, { to, column, tries: patience })
}

/** The row that somebody goes to, as long as it isn't there. */
const wanted = new WeakMap<HTMLElement, number>()
/** In frames: what is in the row may have to come from far away. */
const patience = 600

/** The row is drawn in one of the next frames. Until then keys go on from where the list is. */
function focusRow (scroller: HTMLElement, { to, column, tries }: { to: number, column: string, tries: number }): void {
  if (wanted.get(scroller) !== to) return
  const row = scroller.querySelector<HTMLElement>(`.virtual-list__row[data-index="${to}"]`)
  const target = row?.querySelector<HTMLElement>(`[data-row-focus="${column}"]`) ?? row?.querySelector<HTMLElement>('a, button, input')
  const isElsewhere = document.activeElement !== document.body && !scroller.contains(document.activeElement)
  if (target != null || isElsewhere || tries === 0) wanted.delete(scroller)
  if (isElsewhere) return
  if (target != null) target.focus({ preventScroll: true })
  else if (tries > 0) {
    // the row of before is gone, and the focus with it
    if (!scroller.contains(document.activeElement)) scroller.focus({ preventScroll: true })
    requestAnimationFrame(() => focusRow(scroller, { to, column, tries: tries - 1 }))
  }
}
