import type { ComponentChildren } from 'preact'
import './layout.css'

type Gap = 'tight' | 'normal' | 'wide'

export interface RowProps {
  gap?: Gap
  align?: 'start' | 'center' | 'end' | 'between'
  wrap?: boolean
  class?: string
  children?: ComponentChildren
}

/** Children side by side. */
export const Row = ({ gap = 'normal', align = 'start', wrap = true, class: more = '', children }: RowProps) =>
  <div class={`row row--${align} gap--${gap} ${wrap ? 'row--wrap' : ''} ${more}`}>{children}</div>

/** Children below each other. */
export const Stack = ({ gap = 'normal', class: more = '', children }: { gap?: Gap, class?: string, children?: ComponentChildren }) =>
  <div class={`stack gap--${gap} ${more}`}>{children}</div>

/** As many columns as fit. `min`: width of one. */
export const Grid = ({ min = '16rem', gap = 'normal', children }: { min?: string, gap?: Gap, children?: ComponentChildren }) =>
  <div class={`grid gap--${gap}`} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(${min}, 100%), 1fr))` }}>{children}</div>

/** Filters and such above a list. */
export const Toolbar = ({ label, children }: { label: string, children?: ComponentChildren }) =>
  <div class="toolbar" role="group" aria-label={label}>{children}</div>
