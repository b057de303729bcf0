import { Button } from '../ui/controls/button.tsx'
import { EmptyState } from '../ui/feedback/empty-state.tsx'
import { Page } from '../ui/frame/page.tsx'
import { site } from './site.ts'

const home = site.kind === 'cluster' ? '/cluster' : '/'

/** In place of a page whose address nobody has. */
export function NotFound () {
  return <Page title="Not found">
    <EmptyState title="There is no page of this address" icon="search" action={<Button kind="primary" to={home}>Go to the start</Button>}>
      It may have moved, or the link has a mistake in it.
    </EmptyState>
  </Page>
}

/** In place of an admin's page for somebody who isn't one. */
export function Forbidden () {
  return <Page title="For admins">
    <EmptyState title="This page is for admins" icon="lock" action={<Button kind="primary" to="/dashboard">Go to your dashboard</Button>}>
      Your account has no rights here. Whoever runs this service can make you an admin.
    </EmptyState>
  </Page>
}
