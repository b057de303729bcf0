import { useState } from 'preact/hooks'
import { site } from '../../app/site.ts'
import { Link, navigate, safeBack, useRouter } from '../../app/router.tsx'
import { session, useSession } from '../../app/session.ts'
import { service } from '../../data/clients.ts'
import { errorText, statusOf } from '../../data/errors.ts'
import { Button } from '../../ui/controls/button.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { PasswordField, TextField } from '../../ui/controls/text-field.tsx'
import { EntryPage } from './entry-page.tsx'
import { FirstKey } from './first-key.tsx'
import { passwordError, passwordHint } from './password-rules.ts'

/** `/register`: with a code by mail, an invitation or neither, as the service asks. */
export default function RegisterPage () {
  const visitor = useSession()
  const { query } = useRouter()
  const [made, setMade] = useState<{ email: string, key: string } | null>(null)
  if (made != null) return <FirstKey email={made.email} apiKey={made.key}
    onDone={() => navigate(safeBack(query.get('back'), '/dashboard'))}/>
  if (visitor.kind === 'user') {
    return <EntryPage title="Create an account">
      <EmptyState title="You have an account" icon="user" action={<Button kind="primary" to="/dashboard">Go to your dashboard</Button>}>You are logged in as {visitor.email}.</EmptyState>
    </EntryPage>
  }
  if (site.registration === 'closed') {
    return <EntryPage title="Create an account">
      <EmptyState title="Nobody can sign up here" icon="lock" action={<Button kind="primary" to="/login">Log in</Button>}>Whoever runs this service makes the accounts. Ask them for one.</EmptyState>
    </EntryPage>
  }
  return <RegisterForm onMade={setMade}/>
}

function RegisterForm ({ onMade }: { onMade: (made: { email: string, key: string }) => void }) {
  const { query } = useRouter()
  const [email, setEmail] = useState(query.get('email') ?? '')
  const [password, setPassword] = useState('')
  const [invite, setInvite] = useState(query.get('invite') ?? '')
  const [error, setError] = useState<{ text: string, field?: 'email' | 'password' | 'invite' }>()
  const [isBusy, setBusy] = useState(false)
  const register = async (): Promise<void> => {
    const wrong = passwordError(password)
    if (wrong != null) {
      setError({ text: wrong, field: 'password' })
      return
    }
    setBusy(true)
    setError(undefined)
    try {
      const { api_key: key } = await service.account.register({
        email: email.trim(), password, ...(invite === '' ? {} : { invite: invite.trim() })
      })
      if (key == null) navigate(`/verify?email=${encodeURIComponent(email.trim())}`)
      else {
        await session.login({ email: email.trim(), password })
        onMade({ email: email.trim(), key })
      }
    } catch (err) {
      setError({
        text: statusOf(err) === 409 ? 'There is an account with this address. Log in, or use another address.' : errorText(err),
        ...(statusOf(err) === 409 ? { field: 'email' as const } : {})
      })
      setBusy(false)
    }
  }
  const intro = site.registration === 'verified' ? 'We mail you a code to confirm your address.' : site.registration === 'invite' ? 'You need an invitation of whoever runs this service.' : 'Store files, pin content, share links.'
  return <EntryPage title="Create an account" intro={intro} below={<p>You have an account? <Link to="/login">Log in</Link></p>}>
    <Form onSubmit={register} error={error?.field == null ? error?.text : undefined} label="Create an account">
      <TextField label="E-mail" type="email" autocomplete="username" value={email} onChange={setEmail} required
        autofocus={email === ''} error={error?.field === 'email' ? error.text : undefined}/>
      <PasswordField label="Password" autocomplete="new-password" value={password} onChange={setPassword} required
        hint={passwordHint} error={error?.field === 'password' ? error.text : undefined}/>
      {(site.registration === 'invite' || invite !== '') && <TextField label="Invitation" value={invite}
        onChange={setInvite} mono required={site.registration === 'invite'}/>}
      <div class="form__actions"><Button kind="primary" type="submit" isBusy={isBusy}>Create account</Button></div>
    </Form>
  </EntryPage>
}
