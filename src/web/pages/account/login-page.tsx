import { useState } from 'preact/hooks'
import { site } from '../../app/site.ts'
import { Link, useRouter } from '../../app/router.tsx'
import { loginError } from '../../app/session-dialog.tsx'
import { session } from '../../app/session.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { PasswordField, TextField } from '../../ui/controls/text-field.tsx'
import { EntryPage } from './entry-page.tsx'

/** `/login`, on both sites. */
export default function LoginPage () {
  return site.kind === 'service' ? <ServiceLogin/> : <ClusterLogin/>
}

function ServiceLogin () {
  const { query } = useRouter()
  const back = query.get('back')
  const [email, setEmail] = useState(query.get('email') ?? '')
  const [password, setPassword] = useState('')
  const { run, isBusy, error } = useLogin(() => session.login({ email: email.trim(), password }))
  const more = back == null ? '' : `?back=${encodeURIComponent(back)}`
  return <EntryPage title="Log in" intro={back == null ? 'Welcome back.' : 'Log in to go on to the page that you asked for.'}
    below={<>{site.registration !== 'closed' && <p>No account yet? <Link to={`/register${more}`}>Create one</Link></p>}</>}>
    <Form onSubmit={run} error={error} label="Log in">
      <TextField label="E-mail" type="email" autocomplete="username" value={email} onChange={setEmail} required autofocus={email === ''}/>
      <PasswordField label="Password" autocomplete="current-password" value={password} onChange={setPassword} required/>
      <div class="form__actions">
        <Button kind="primary" type="submit" isBusy={isBusy}>Log in</Button>
        {site.mail && <Link to={`/reset${email === '' ? '' : `?email=${encodeURIComponent(email)}`}`}>Forgot your password?</Link>}
      </div>
    </Form>
  </EntryPage>
}

/** The user and password of the REST API. */
function ClusterLogin () {
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const { run, isBusy, error } = useLogin(() => session.loginCluster({ username, password }))
  return <EntryPage title="Log in" intro="With a user and password of this peer's REST API: those in basic_auth_credentials of its service.json.">
    <Form onSubmit={run} error={error} label="Log in">
      <TextField label="User" autocomplete="username" value={username} onChange={setUsername} required autofocus spellcheck={false}/>
      <PasswordField label="Password" autocomplete="current-password" value={password} onChange={setPassword} required/>
      <div class="form__actions"><Button kind="primary" type="submit" isBusy={isBusy}>Log in</Button></div>
    </Form>
  </EntryPage>
}

/** Who is logged in is sent on by the router: this page is for guests. */
function useLogin (login: () => Promise<void>): { run: () => Promise<void>, isBusy: boolean, error: string | undefined } {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string>()
  const run = async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    setError(undefined)
    try {
      await login()
    } catch (err) {
      setError(loginError(err))
      setBusy(false)
    }
  }
  return { run, isBusy, error }
}
