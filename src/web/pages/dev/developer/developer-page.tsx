import { useState } from 'preact/hooks'
import type { CreatedKey } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { useQuery } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { Loaded } from '../../../ui/feedback/loaded.tsx'
import { Page, Section } from '../../../ui/frame/page.tsx'
import { KeyTable } from './key-table.tsx'
import { MadeKeyDialog } from './made-key-dialog.tsx'
import { NewKeyDialog } from './new-key-dialog.tsx'
import { ReadyLines } from './ready-lines.tsx'
import './developer.css'

/** Keys of the account, and how programs use them. */
export default function DeveloperPage () {
  const keys = useQuery('keys', signal => service.account.keys({ signal }))
  const [isMaking, setMaking] = useState(false)
  const [made, setMade] = useState<CreatedKey | null>(null)
  const make = <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New key</Button>

  return (
    <Page title="Developer" intro="With an API key a program, a script or the IPFS command line uses your account without your password." actions={make}>
      <Section title="API keys">
        <Loaded query={keys} empty={{ when: all => all.length === 0, show: <EmptyState title="No keys yet" icon="key" action={make}>
          Make one for each program: then you can end it without touching the others.
        </EmptyState> }}>
          {all => <KeyTable keys={all} onChanged={keys.reload} />}
        </Loaded>
      </Section>
      <Section title="Connect a program" intro="These lines have this service's address. Put a key of yours where they say YOUR_API_KEY; a new key comes with lines that have it.">
        <ReadyLines />
      </Section>
      {isMaking && (
        <NewKeyDialog
          onClose={() => setMaking(false)}
          onMade={key => {
            setMaking(false)
            setMade(key)
            keys.reload()
          }}
        />
      )}
      {made != null && <MadeKeyDialog made={made} onClose={() => setMade(null)} />}
    </Page>
  )
}
