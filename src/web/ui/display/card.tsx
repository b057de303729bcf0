import type { ComponentChildren } from 'preact'
import { Link } from '../../app/router.tsx'
import { useId } from '../../data/hooks.ts'
import { Icon } from '../icon.tsx'
import type { IconName } from '../icon.tsx'
import type { Tone } from '../tone.ts'
import './card.css'

export interface CardProps {
  title?: string
  actions?: ComponentChildren
  tone?: Tone
  padded?: boolean
  class?: string
  children?: ComponentChildren
}

/** A framed part of a page. */
export function Card ({ title, actions, tone = 'neutral', padded = true, class: more = '', children }: CardProps) {
  const heading = useId()
  return <section class={`card card--${tone} ${padded ? 'card--padded' : ''} ${more}`} aria-labelledby={title == null ? undefined : heading}>
    {(title != null || actions != null) && <header class="card__head">
      {title != null && <h2 id={heading} class="card__title">{title}</h2>}
      {actions != null && <div class="card__actions">{actions}</div>}
    </header>}
    {children}
  </section>
}

export interface StatProps { label: string, value: ComponentChildren, hint?: ComponentChildren, tone?: Tone, icon?: IconName, to?: string }

/** One figure and what it is. */
export function Stat ({ label, value, hint, tone = 'neutral', icon, to }: StatProps) {
  return <div class={`stat stat--${tone}`}>
    <dt class="stat__label">{icon != null && <Icon name={icon} size={16}/>}{to == null ? label : <Link to={to}>{label}</Link>}</dt>
    <dd class="stat__value">{value}</dd>
    {hint != null && <dd class="stat__hint">{hint}</dd>}
  </div>
}

/** A row of `Stat`s. */
export const Stats = ({ children }: { children?: ComponentChildren }) => <dl class="stats">{children}</dl>
