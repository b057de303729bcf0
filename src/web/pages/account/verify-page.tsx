import { useState } from 'preact/hooks'
import { Link, navigate, useRouter } from '../../app/router.tsx'
import { session, useSession } from '../../app/session.ts'
import { service } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { CodeField, PasswordField, TextField } from '../../ui/controls/text-field.tsx'
import { toast } from '../../ui/feedback/toast-store.ts'
import { EntryPage } from './entry-page.tsx'
import { FirstKey } from './first-key.tsx'
import { MailAgain } from './mailed-code.tsx'
import { isCodeError } from './password-rules.ts'

/** Confirms an address with the code that was mailed to it. */
export default function VerifyPage () {
  const visitor = useSession()
  const { query } = useRouter()
  const [email, setEmail] = useState(query.get('email') ?? (visitor.kind === 'user' ? visitor.email : ''))
  const [code, setCode] = useState('')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<{ text: string, isCode: boolean }>()
  const [isBusy, setBusy] = useState(false)
  const [key, setKey] = useState<string>()
  const isKnown = visitor.kind === 'user'

  const verify = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      const { api_key: made } = await service.account.verify({
        email: email.trim(), verification_code: code, ...(isKnown ? {} : { password })
      })
      // a new admin's earlier sessions have ended
      if (!isKnown || made != null) await (password === '' ? session.refresh() : session.login({ email: email.trim(), password }))
      if (made == null) {
        toast('Your address is confirmed.', { tone: 'good' })
        navigate(isKnown ? '/account' : '/dashboard')
      } else setKey(made)
    } catch (err) {
      setError({ text: errorText(err), isCode: isCodeError(err) })
      setBusy(false)
    }
  }
  if (key != null) return <FirstKey email={email} apiKey={key} onDone={() => navigate('/dashboard')}/>
  return <EntryPage title="Confirm your address" intro={email === '' ? 'With the code that was mailed to you.' : <>
    We have mailed a code to <strong>{email}</strong>. It is good for ten minutes.
  </>} below={isKnown ? undefined : <p><Link to="/login">Log in</Link></p>}>
    <Form onSubmit={verify} error={error?.isCode === false ? error.text : undefined} label="Confirm your address">
      {query.get('email') == null && <TextField label="E-mail" type="email" autocomplete="username" value={email}
        onChange={setEmail} required/>}
      <CodeField label="Code" value={code} onChange={setCode} error={error?.isCode === true ? error.text : undefined}/>
      {!isKnown && <PasswordField label="Password" autocomplete="current-password" value={password}
        onChange={setPassword} required
        hint="The one that you chose when you signed up: so nobody else can have used your address."/>}
      <div class="form__actions">
        <Button kind="primary" type="submit" isBusy={isBusy}>Confirm</Button>
        <MailAgain email={email} send={address => service.account.mailVerification(address)}/>
      </div>
    </Form>
  </EntryPage>
}
