import { useState } from 'preact/hooks'
import { ownOrigin } from '../../app/site.ts'
import { useLeaveGuard } from '../../app/router.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Checkbox } from '../../ui/controls/choices.tsx'
import { CodeBlock, Secret } from '../../ui/controls/copy.tsx'
import { Disclosure } from '../../ui/controls/disclosure.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { EntryPage } from './entry-page.tsx'

/** The account's API key, this once. */
export function FirstKey (
  {
    email, apiKey, onDone, title = 'Your account is ready', intro
  }: { email: string, apiKey: string, onDone: () => void, title?: string, intro?: string }
) {
  const [isKept, setKept] = useState(false)
  useLeaveGuard(!isKept, 'The key is shown only now. Leave without it?')
  return <EntryPage title={title} intro={intro ?? `You are logged in as ${email}.`}>
    <p>This is your API key. Programs use it in your name: <code>ipfs pin remote</code>, curl, scripts. These pages don't need it.</p>
    <Secret value={apiKey} label="API key"/>
    <Notice tone="warn" title="It is shown only now">
      Keep it where you keep passwords. If it is lost, renew it or make another one on the Developer page.
    </Notice>
    <Disclosure summary="Use it with Kubo">
      <CodeBlock label="Add this service" language="sh" code={`ipfs pin remote service add helia \\\n  ${ownOrigin()}/api/pinning \\\n  ${apiKey}`}/>
    </Disclosure>
    <Checkbox label="I have stored the key, or don't need it" checked={isKept} onChange={setKept}/>
    <div class="form__actions"><Button kind="primary" disabled={!isKept} onClick={onDone}>Go on</Button></div>
  </EntryPage>
}
