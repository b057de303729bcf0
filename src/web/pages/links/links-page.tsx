import { useState } from 'preact/hooks'
import type { CreatedLink } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { useQuery } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { CodeBlock, Secret } from '../../ui/controls/copy.tsx'
import { Disclosure } from '../../ui/controls/disclosure.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { LinkTable } from './link-table.tsx'
import { NewLinkDialog } from './new-link-dialog.tsx'

/** Links with which others upload into the account. */
export default function LinksPage () {
  const links = useQuery('links', signal => service.links.list({ signal }))
  const groups = useQuery('groups', signal => service.groups.list({ signal }))
  const [isMaking, setMaking] = useState(false)
  const [made, setMade] = useState<CreatedLink | null>(null)
  const make = <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New link</Button>

  return (
    <Page title="Upload links" intro="Send somebody a link, and they upload files into your account, without an account of their own. They see nothing of what you have." actions={make}>
      <QueryResult
        query={links}
        empty={{ when: all => all.length === 0, show: <EmptyState title="No links yet" icon="link" action={make}>
          Somebody has pictures, a report or a backup for you? Make a link, say what may come, and send it to them.
        </EmptyState> }}
      >
        {all => <LinkTable links={all} groups={groups.data ?? []} onChanged={links.reload} />}
      </QueryResult>
      {isMaking && (
        <NewLinkDialog
          groups={groups.data ?? []}
          onClose={() => setMaking(false)}
          onMade={link => {
            setMaking(false)
            setMade(link)
            links.reload()
          }}
        />
      )}
      {made != null && <MadeLinkDialog made={made} onClose={() => setMade(null)} />}
    </Page>
  )
}

/** The only moment in which the address is shown. */
function MadeLinkDialog ({ made, onClose }: { made: CreatedLink, onClose: () => void }) {
  return (
    <Dialog title="Your upload link" isKept onClose={onClose} footer={<Button kind="primary" onClick={onClose}>Done</Button>}>
      <Stack>
        <Notice tone="warn" title="Copy it now">
          Its address is shown only this once. Whoever has it can upload into your account until it ends.
        </Notice>
        <Secret value={made.page_url} label="Link" />
        <Disclosure summary="For scripts">
          <CodeBlock code={`curl -F file=@FILE ${made.url}`} label="Upload with curl" />
        </Disclosure>
      </Stack>
    </Dialog>
  )
}
