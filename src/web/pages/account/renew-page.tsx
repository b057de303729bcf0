import { useState } from 'preact/hooks'
import { navigate, useRouter } from '../../app/router.tsx'
import { useSession } from '../../app/session.ts'
import { service } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Checkbox } from '../../ui/controls/choices.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { CodeField } from '../../ui/controls/text-field.tsx'
import { AskCode } from './ask-code.tsx'
import { EntryPage } from './entry-page.tsx'
import { FirstKey } from './first-key.tsx'
import { MailAgain } from './mailed-code.tsx'
import { isCodeError } from './password-rules.ts'

const send = (email: string): Promise<void> => service.account.mailRenewal(email)

/** A new API key in place of the account's first one, with a mailed code. */
export default function RenewPage () {
  const visitor = useSession()
  const { query } = useRouter()
  const [email, setEmail] = useState(query.get('email') ?? (visitor.kind === 'user' ? visitor.email : ''))
  const [isAsked, setAsked] = useState(false)
  const [key, setKey] = useState<string>()
  if (key != null) {
    return <FirstKey title="Your API key is renewed"
      intro="The earlier key has ended: programs that use it need the new one." email={email} apiKey={key}
      onDone={() => navigate(visitor.kind === 'user' ? '/dashboard' : '/login')}/>
  }
  return <EntryPage title="Renew your API key" intro={isAsked ? <>If <strong>{email}</strong> has an account, a code is on its way. It is good for ten minutes.</> : 'For a key that was lost, or seen by others. We mail you a code; the new key takes the place of the old one.'}>
    {isAsked ? <Renew email={email.trim()} onKey={setKey}/> : <AskCode email={email} onEmail={setEmail} send={send} onSent={() => setAsked(true)}/>}
  </EntryPage>
}

function Renew ({ email, onKey }: { email: string, onKey: (key: string) => void }) {
  const [code, setCode] = useState('')
  const [isAll, setAll] = useState(false)
  const [error, setError] = useState<{ text: string, isCode: boolean }>()
  const [isBusy, setBusy] = useState(false)
  const renew = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      const { api_key: key } = await service.account.renew({ email, verification_code: code, revoke_all: isAll })
      onKey(key)
    } catch (err) {
      setError({ text: errorText(err), isCode: isCodeError(err) })
      setBusy(false)
    }
  }
  return <Form onSubmit={renew} error={error?.isCode === false ? error.text : undefined} label="Renew the key">
    <CodeField label="Code" value={code} onChange={setCode} error={error?.isCode === true ? error.text : undefined}/>
    <Checkbox label="End all other keys of the account, too" checked={isAll} onChange={setAll} hint="Otherwise keys that you made on the Developer page stay as they are."/>
    <div class="form__actions">
      <Button kind="primary" type="submit" isBusy={isBusy}>Renew the key</Button>
      <MailAgain email={email} send={send}/>
    </div>
  </Form>
}
