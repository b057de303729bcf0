import { useState } from 'preact/hooks'
import { site } from '../../app/site.ts'
import { navigate } from '../../app/router.tsx'
import { session, useSession } from '../../app/session.ts'
import { service } from '../../data/clients.ts'
import { errorText, statusOf } from '../../data/errors.ts'
import { useAction, useQuery } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Card } from '../../ui/display/card.tsx'
import { DefinitionList } from '../../ui/controls/disclosure.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { PasswordField, TextField } from '../../ui/controls/text-field.tsx'
import { toast } from '../../ui/feedback/toast-store.ts'
import { Bytes, Count, Time } from '../../ui/display/values.tsx'
import { DataExport } from './data-export.tsx'
import { passwordError, passwordHint } from './password-rules.ts'
import { SessionsCard } from './sessions-card.tsx'

/** `/account`: who the user is, and what can be changed, taken along or deleted. */
export default function AccountPage () {
  const account = useQuery('account', signal => service.account.status({ signal }))
  return <Page title="Account" intro="Who you are here, and what you can take along." narrow>
    <Card title="Details">
      <QueryResult query={account}>
        {status => <DefinitionList items={[
          { term: 'E-mail', value: <>{status.email} {status.verified ? <Badge tone="good" icon="checkCircle">Confirmed</Badge> : <Unconfirmed email={status.email}/>}</> },
          { term: 'Role', value: status.role === 'admin' ? 'Admin' : 'User' },
          { term: 'Member since', value: <Time at={status.created_at} relative={false}/> },
          { term: 'Storage', value: <><Bytes value={status.used_bytes}/> of <Bytes value={status.quota_bytes}/></> },
          { term: 'Files', value: <Count value={status.file_count}/> }
        ]}/>}
      </QueryResult>
    </Card>
    <PasswordCard/>
    <SessionsCard/>
    <DataExport/>
    <DeletionCard/>
  </Page>
}

function Unconfirmed ({ email }: { email: string }) {
  const mail = useAction(() => service.account.mailVerification(email), { done: () => navigate(`/verify?email=${encodeURIComponent(email)}`) })
  return <>
    <Badge tone="warn" icon="alert">Not confirmed</Badge>{' '}
    {site.mail && <Button size="small" isBusy={mail.isRunning} onClick={() => { void mail.run() }}>Confirm it</Button>}
  </>
}

function PasswordCard () {
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [error, setError] = useState<{ text: string, field?: 'old' | 'next' }>()
  const change = useAction((passwords: { old_password: string, new_password: string }) => service.account.changePassword(passwords), {
    success: 'Your password is changed. All other sessions have ended.',
    done: () => {
      setOld('')
      setNext('')
    },
    failed: err => setError({ text: errorText(err), ...(statusOf(err) === 422 ? { field: 'old' as const } : {}) })
  })
  const submit = (): void => {
    const wrong = passwordError(next)
    setError(wrong == null ? undefined : { text: wrong, field: 'next' })
    if (wrong == null) void change.run({ old_password: old, new_password: next })
  }
  return <Card title="Password">
    <Form onSubmit={submit} error={error?.field == null ? error?.text : undefined} label="Change the password">
      <PasswordField label="Current password" autocomplete="current-password" value={old} onChange={setOld} required
        error={error?.field === 'old' ? error.text : undefined}/>
      <PasswordField label="New password" autocomplete="new-password" value={next} onChange={setNext} required
        hint={passwordHint} error={error?.field === 'next' ? error.text : undefined}/>
      <p class="soft small">All other sessions end with it: on other devices you log in again.</p>
      <div class="form__actions"><Button type="submit" isBusy={change.isRunning}>Change the password</Button></div>
    </Form>
  </Card>
}

function DeletionCard () {
  const [isOpen, setOpen] = useState(false)
  return <Card title="Delete the account" tone="bad">
    <p class="soft">
      Your files, pins, keys and links go with it, and nothing brings them back. Download your data first if you want to keep any
      of it.
    </p>
    <div><Button kind="danger" icon="trash" onClick={() => setOpen(true)}>Delete my account…</Button></div>
    {isOpen && <DeletionDialog onClose={() => setOpen(false)}/>}
  </Card>
}

function DeletionDialog ({ onClose }: { onClose: () => void }) {
  const visitor = useSession()
  const email = visitor.kind === 'user' ? visitor.email : ''
  const [password, setPassword] = useState('')
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<string>()
  const removal = useAction(() => service.account.delete(password), {
    done: () => {
      session.forget()
      navigate('/')
      toast('Your account is being deleted.')
    },
    failed: err => setError(errorText(err))
  })
  return <Dialog title="Delete the account" size="small" onClose={onClose} isBusy={removal.isRunning}>
    <Form onSubmit={() => { void removal.run() }} error={error} label="Delete the account">
      <p>Everything of <strong>{email}</strong> is deleted. This can't be undone.</p>
      <TextField label="Type your e-mail address to go on" value={typed} onChange={setTyped} spellcheck={false} required/>
      <PasswordField label="Password" autocomplete="current-password" value={password} onChange={setPassword} required/>
      <div class="form__actions">
        <Button kind="danger" type="submit" isBusy={removal.isRunning}
          disabled={typed.trim().toLowerCase() !== email.toLowerCase() || password === ''}>
          Delete everything
        </Button>
        <Button kind="quiet" onClick={onClose}>Cancel</Button>
      </div>
    </Form>
  </Dialog>
}
