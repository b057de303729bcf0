import { useState } from 'preact/hooks'
import { site } from '../../app/site.ts'
import { errorText } from '../../data/errors.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { TextField } from '../../ui/controls/text-field.tsx'

/** The first step of what needs a mailed code: where it goes to. */
export function AskCode (
  {
    email, onEmail, send, onSent
  }: { email: string, onEmail: (email: string) => void, send: (email: string) => Promise<void>, onSent: () => void }
) {
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const ask = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await send(email.trim())
      onSent()
    } catch (err) {
      setError(errorText(err))
    }
    setBusy(false)
  }
  return <Form onSubmit={ask} error={error} label="Ask for a code">
    {!site.mail && <Notice tone="warn" title="This service sends no mail">
      Codes can't reach you here. Ask whoever runs the service.
    </Notice>}
    <TextField label="E-mail" type="email" autocomplete="username" value={email} onChange={onEmail} required
      autofocus={email === ''} hint="The address of your account."/>
    <div class="form__actions">
      <Button kind="primary" type="submit" isBusy={isBusy}>Send me a code</Button>
      <Button kind="quiet" onClick={onSent} disabled={email.trim() === ''}>I have a code</Button>
    </div>
  </Form>
}
