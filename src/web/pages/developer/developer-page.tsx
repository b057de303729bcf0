import { useState } from 'preact/hooks'
import type { CreatedKey } from '../../../client/service/types.ts'
import { ownOrigin } from '../../app/site.ts'
import { service } from '../../data/clients.ts'
import { useQuery } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { CodeBlock, Secret } from '../../ui/controls/copy.tsx'
import { Tabs } from '../../ui/controls/tabs.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { Page, Section } from '../../ui/frame/page.tsx'
import { KeyTable } from './key-table.tsx'
import { NewKeyDialog } from './new-key-dialog.tsx'
import { keyPlace, readyLines } from './lines.ts'
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
        <QueryResult query={keys} empty={{ when: all => all.length === 0, show: <EmptyState title="No keys yet" icon="key" action={make}>
          Make one for each program: then you can end it without touching the others.
        </EmptyState> }}>
          {all => <KeyTable keys={all} onChanged={keys.reload} />}
        </QueryResult>
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

/** The only moment in which anybody sees the key. */
function MadeKeyDialog ({ made, onClose }: { made: CreatedKey, onClose: () => void }) {
  return (
    <Dialog title={`Your new key “${made.name}”`} size="large" isKept onClose={onClose} footer={<Button kind="primary" onClick={onClose}>
      I have kept it
    </Button>}>
      <Stack>
        <Notice tone="warn" title="This is the only time that the key is shown">
          Keep it in a password manager. Nobody can show it again, not even whoever runs this service.
        </Notice>
        <Secret value={made.api_key} label="API key" />
        <ReadyLines apiKey={made.api_key} />
      </Stack>
    </Dialog>
  )
}

/** Lines to copy; with a key in them only while that is shown for the first time. */
function ReadyLines ({ apiKey = keyPlace }: { apiKey?: string }) {
  const all = readyLines({ origin: ownOrigin(), key: apiKey })
  const [active, setActive] = useState(all[0]?.name ?? '')
  const shown = all.find(({ name }) => name === active) ?? all[0]
  return (
    <Tabs label="Ready-made lines" tabs={all.map(({ name }) => ({ id: name, label: name }))} active={active} onChange={setActive}>
      {shown != null && (
        <Stack>
          <p class="ready-lines__about">{shown.about}</p>
          <CodeBlock code={shown.text} label={`Lines for ${shown.name}`} />
        </Stack>
      )}
    </Tabs>
  )
}
