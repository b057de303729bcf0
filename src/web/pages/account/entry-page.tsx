import type { ComponentChildren } from 'preact'
import { Card } from '../../ui/display/card.tsx'
import { Page } from '../../ui/frame/page.tsx'
import './entry-page.css'

/** The frame of what is done before one is logged in. */
export const EntryPage = (
  { title, intro, below, children }: { title: string, intro?: ComponentChildren, below?: ComponentChildren, children: ComponentChildren }
) =>
  <div class="entry-page">
    <Page title={title} intro={intro}>
      <Card>{children}</Card>
      {below != null && <div class="entry-page__below">{below}</div>}
    </Page>
  </div>
