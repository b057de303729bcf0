import { useState } from 'preact/hooks'
import type { CreatedWebhook, Webhook } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { actionError, invalidate, useAction } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Checkbox } from '../../ui/controls/choices.tsx'
import { Secret } from '../../ui/controls/copy.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Row, Stack } from '../../ui/frame/layout.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { TextField } from '../../ui/controls/text-field.tsx'
import { urlFault, userTypes } from './webhook-types.ts'

/** A new webhook, or another address or choice for one. */
export function WebhookForm ({ webhook, onClose }: { webhook?: Webhook, onClose: () => void }) {
  const [url, setUrl] = useState(webhook?.url ?? '')
  const [types, setTypes] = useState<readonly string[]>(webhook?.types ?? [])
  const [isTried, setTried] = useState(false)
  const [made, setMade] = useState<CreatedWebhook>()
  const save = useAction(async () => {
    if (webhook == null) setMade(await service.webhooks.create({ url: url.trim(), types }))
    else await service.webhooks.change(webhook.id, { url: url.trim(), types })
  }, {
    done: () => {
      invalidate('webhooks')
      if (webhook != null) onClose()
    },
    failed: () => {}
  })
  if (made != null) return <MadeWebhook webhook={made} onClose={onClose}/>
  const fault = isTried ? urlFault(url) : undefined
  const submit = async (): Promise<void> => {
    setTried(true)
    if (urlFault(url) == null) await save.run()
  }
  return <Dialog title={webhook == null ? 'New webhook' : 'Change webhook'} onClose={onClose} isBusy={save.isRunning}>
    <Form onSubmit={submit} error={save.error == null ? undefined : actionError(save.error)}>
      <TextField label="Address" inputMode="url" value={url} onChange={setUrl} placeholder="https://example.com/hook" autofocus mono
        spellcheck={false}
        hint="Your events are sent here by POST, signed. Addresses in private networks are refused." {...(fault == null ? {} : { error: fault })}/>
      <Types types={types} onChange={setTypes}/>
      <Row gap="tight" align="end">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" type="submit" isBusy={save.isRunning}>{webhook == null ? 'Add webhook' : 'Save'}</Button>
      </Row>
    </Form>
  </Dialog>
}

function Types ({ types, onChange }: { types: readonly string[], onChange: (types: readonly string[]) => void }) {
  return <fieldset class="webhooks-page__types">
    <legend>Events</legend>
    <Checkbox label="Everything" checked={types.length === 0}
      onChange={checked => onChange(checked ? [] : userTypes.map(({ value }) => value))}/>
    {userTypes.map(({ value, label, hint }) => <Checkbox key={value} label={label} hint={hint}
      checked={types.length === 0 || types.includes(value)} disabled={types.length === 0}
      onChange={checked => onChange(checked ? [...types, value] : types.filter(type => type !== value))}/>)}
  </fieldset>
}

/** The secret is shown this once. */
export function MadeWebhook ({ webhook, onClose }: { webhook: { secret: string }, onClose: () => void }) {
  return <Dialog title="The secret of the webhook" isKept onClose={onClose} footer={<Button kind="primary" onClick={onClose}>Done</Button>}>
    <Stack>
      <p>Your program checks with it that what it gets comes from here: the signature is that of the Standard Webhooks specification.</p>
      <Secret value={webhook.secret} label="Secret"/>
      <Notice tone="warn">It is shown only now. A lost one can be replaced.</Notice>
    </Stack>
  </Dialog>
}
