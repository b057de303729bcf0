import { ownOrigin } from '../../app/site.ts'
import { useState } from 'preact/hooks'
import { service } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { exactTime } from '../../data/format.ts'
import { invalidate, useAction } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Select } from '../../ui/controls/choices.tsx'
import { Secret } from '../../ui/controls/copy.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Row, Stack } from '../../ui/frame/layout.tsx'
import { TextField } from '../../ui/controls/text-field.tsx'
import { invitationsKey } from './invitations.tsx'

const lifetimes = [
  { value: '1', label: 'A day' }, { value: '7', label: 'A week' }, { value: '30', label: '30 days' }, { value: '90', label: '90 days' }
] as const

/** Makes an invitation and shows its link, which is shown once. */
export function InviteDialog ({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [days, setDays] = useState<(typeof lifetimes)[number]['value']>('7')
  const invite = useAction(
    async () => service.admin.invite({ days: Number(days), ...(email.trim() === '' ? {} : { email: email.trim() }) }),
    { failed: () => {}, done: () => invalidate(invitationsKey) }
  )
  const [made, setMade] = useState<{ invite: string, expires_at: string } | null>(null)
  const submit = async (): Promise<void> => setMade(await invite.run() ?? null)

  if (made != null) {
    return (
      <Dialog title="Your invitation" isKept onClose={onClose} footer={<Button kind="primary" onClick={onClose}>Done</Button>}>
        <Stack>
          <p>Send this link to {email.trim() === '' ? 'one person' : email.trim()}. It is good for one account
            until {exactTime(Date.parse(made.expires_at))}, and shown only this once.</p>
          <Secret value={`${ownOrigin()}/register?invite=${encodeURIComponent(made.invite)}`} label="Invitation" />
        </Stack>
      </Dialog>
    )
  }
  return (
    <Dialog title="Invite somebody" onClose={onClose} isBusy={invite.isRunning}>
      <Form onSubmit={submit} error={invite.error == null ? undefined : errorText(invite.error)}>
        <TextField
          label="E-mail address" type="email" value={email} onChange={setEmail} hint="With one, only this address can use the invitation."
          optional autofocus autocomplete="off"
        />
        <Select label="Good for" value={days} options={lifetimes} onChange={setDays} />
        <Row align="end">
          <Button kind="quiet" onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" isBusy={invite.isRunning}>Make invitation</Button>
        </Row>
      </Form>
    </Dialog>
  )
}
