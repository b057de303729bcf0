import type { ComponentChildren } from 'preact'
import { Link } from '../../app/router.tsx'
import { shownName } from '../../data/format.ts'
import { useId } from '../../data/hooks.ts'
import { Icon } from '../icon.tsx'
import './page.css'

export interface PageProps {
  title: string
  intro?: ComponentChildren
  actions?: ComponentChildren
  back?: { to: string, label: string }
  /** For forms and text. */
  narrow?: boolean
  children?: ComponentChildren
}

/** The frame of a page: heading, what can be done with the whole of it, content. */
export function Page ({ title, intro, actions, back, narrow = false, children }: PageProps) {
  return <div class={narrow ? 'page page--narrow' : 'page'}>
    {back != null && <p class="page__back"><Link to={back.to}><Icon name="arrowLeft" size={16}/> {back.label}</Link></p>}
    <header class="page__head">
      <div>
        <h1 tabIndex={-1}>{shownName(title)}</h1>
        {intro != null && <p class="page__intro">{intro}</p>}
      </div>
      {actions != null && <div class="page__actions">{actions}</div>}
    </header>
    {children}
  </div>
}

export interface SectionProps {
  title: string
  actions?: ComponentChildren
  intro?: ComponentChildren
  id?: string
  children?: ComponentChildren
}

/** A part of a page under a heading of its own. */
export function Section ({ title, actions, intro, id, children }: SectionProps) {
  const own = useId()
  const heading = id ?? own
  return <section class="section" aria-labelledby={heading}>
    <header class="section__head">
      <h2 id={heading}>{shownName(title)}</h2>
      {actions != null && <div class="section__actions">{actions}</div>}
    </header>
    {intro != null && <p class="section__intro">{intro}</p>}
    {children}
  </section>
}
