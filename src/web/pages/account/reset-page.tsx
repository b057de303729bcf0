import { useState } from 'preact/hooks'
import { Link, navigate, useRouter } from '../../app/router.tsx'
import { session } from '../../app/session.ts'
import { service } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { CodeField, PasswordField } from '../../ui/controls/text-field.tsx'
import { toast } from '../../ui/feedback/toast-store.ts'
import { AskCode } from './ask-code.tsx'
import { EntryPage } from './entry-page.tsx'
import { MailAgain } from './mailed-code.tsx'
import { isCodeError, passwordError, passwordHint } from './password-rules.ts'

const send = (email: string): Promise<void> => service.account.mailPasswordReset(email)

/** A new password, with a mailed code. */
export default function ResetPage () {
  const { query } = useRouter()
  const [email, setEmail] = useState(query.get('email') ?? '')
  const [isAsked, setAsked] = useState(false)
  return <EntryPage title="Reset your password" intro={isAsked ? <>If <strong>{email}</strong> has an account, a code is on its way. It is good for ten minutes.</> : 'We mail you a code, with which you choose a new password.'} below={<p>
    <Link to="/login">Back to the log-in</Link>
  </p>}>
    {isAsked ? <NewPassword email={email.trim()}/> : <AskCode email={email} onEmail={setEmail} send={send} onSent={() => setAsked(true)}/>}
  </EntryPage>
}

function NewPassword ({ email }: { email: string }) {
  const [code, setCode] = useState('')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<{ text: string, field?: 'code' | 'password' }>()
  const [isBusy, setBusy] = useState(false)
  const reset = async (): Promise<void> => {
    const wrong = passwordError(password)
    if (wrong != null) {
      setError({ text: wrong, field: 'password' })
      return
    }
    setBusy(true)
    setError(undefined)
    try {
      await service.account.resetPassword({ email, verification_code: code, new_password: password })
      await session.login({ email, password })
      toast('Your password is changed. All other sessions have ended.', { tone: 'good' })
      navigate('/dashboard')
    } catch (err) {
      setError({ text: errorText(err), ...(isCodeError(err) ? { field: 'code' as const } : {}) })
      setBusy(false)
    }
  }
  return <Form onSubmit={reset} error={error?.field == null ? error?.text : undefined} label="Choose a new password">
    <CodeField label="Code" value={code} onChange={setCode} error={error?.field === 'code' ? error.text : undefined}/>
    <PasswordField label="New password" autocomplete="new-password" value={password} onChange={setPassword} required
      hint={passwordHint} error={error?.field === 'password' ? error.text : undefined}/>
    <div class="form__actions">
      <Button kind="primary" type="submit" isBusy={isBusy}>Set the password</Button>
      <MailAgain email={email} send={send}/>
    </div>
  </Form>
}
