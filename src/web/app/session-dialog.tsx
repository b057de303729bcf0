import { useState } from 'preact/hooks'
import { errorText } from '../data/errors.ts'
import { Button } from '../ui/controls/button.tsx'
import { Dialog } from '../ui/feedback/dialog.tsx'
import { Form } from '../ui/controls/form.tsx'
import { PasswordField, TextField } from '../ui/controls/text-field.tsx'
import { site } from './site.ts'
import { navigate } from './router.tsx'
import { session } from './session.ts'

/** The session has ended under an open page: log in again, and go on where one was. */
export function SessionDialog ({ email }: { email: string }) {
  const [name, setName] = useState(email)
  const [password, setPassword] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const login = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await (site.kind === 'service' ? session.login({ email: name, password }) : session.loginCluster({ username: name, password }))
    } catch (err) {
      setError(loginError(err))
      setBusy(false)
    }
  }
  const leave = (): void => { void session.logout().catch(() => {}).then(() => navigate('/login')) }
  return <Dialog title="Your session has ended" size="small" isKept onClose={leave}>
    <Form onSubmit={login} error={error}>
      <p>Log in again to go on. What is on the page stays as it is.</p>
      {site.kind === 'service'
        ? <TextField label="E-mail" type="email" autocomplete="username" value={name} onChange={setName} required/>
        : <TextField label="User" autocomplete="username" value={name} onChange={setName} required/>}
      <PasswordField label="Password" autocomplete="current-password" value={password} onChange={setPassword} required/>
      <div class="form__actions">
        <Button kind="primary" type="submit" isBusy={isBusy}>Log in</Button>
        <Button kind="quiet" onClick={leave}>Leave</Button>
      </div>
    </Form>
  </Dialog>
}

/** Why a log-in failed, in a sentence. */
export function loginError (err: unknown): string {
  const status = (err as { status?: number }).status
  if (status === 401) return site.kind === 'service' ? 'There is no account with this e-mail and password.' : 'User or password are wrong.'
  return errorText(err)
}
