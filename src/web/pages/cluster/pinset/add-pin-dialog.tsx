import { useState } from 'preact/hooks'
import type { Pin } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { errorText } from '../../../data/errors.ts'
import { peerNow } from '../../../data/peer-time.ts'
import { invalidate, useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Checkbox } from '../../../ui/controls/choices.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { TextField } from '../../../ui/controls/text-field.tsx'
import { CopiesField, factorsOf } from './copies-field.tsx'
import type { Copies } from './copies-field.tsx'
import { contentOf, factorsFault } from './pin-options.ts'

/** Pins something that is somewhere already. */
export function AddPinDialog ({ onClose, onDone }: { onClose: () => void, onDone: (pin: Pin) => void }) {
  const [text, setText] = useState('')
  const [name, setName] = useState('')
  const [copies, setCopies] = useState<Copies>({ kind: 'default', min: '1', most: '2' })
  const [isDirect, setDirect] = useState(false)
  const [expires, setExpires] = useState('')
  const [isTold, setTold] = useState(false)
  const content = contentOf(text)
  const contentFault = text.trim() === '' ? 'Paste a CID, a path or a link.' : content === '' ? 'There is no CID in it.' : ''
  const fault = copies.kind === 'some' ? factorsFault(copies.min, copies.most) : ''
  const expireAt = expires === '' ? undefined : new Date(expires)
  const expiryFault = expireAt != null && !(expireAt.getTime() > peerNow()) ? 'It has to be in the future.' : ''
  const add = useAction(async () => cluster.pin(content, {
    name: name.trim(), mode: isDirect ? 'direct' : 'recursive', ...factorsOf(copies), ...(expireAt == null ? {} : { expireAt })
  }), { failed: () => {}, success: 'It is in the pinset; the peers fetch it now.', done: pin => {
    invalidate('cluster/')
    onDone(pin)
  } })
  const submit = async (): Promise<void> => {
    setTold(true)
    if (contentFault === '' && fault === '' && expiryFault === '') await add.run()
  }
  return <Dialog title="Add a pin" onClose={onClose} isBusy={add.isRunning} footer={<>
    <Button onClick={onClose} disabled={add.isRunning}>Cancel</Button>
    <Button kind="primary" icon="pin" isBusy={add.isRunning} onClick={() => { void submit() }}>Pin</Button>
  </>}>
    <Form onSubmit={submit} error={add.error == null ? undefined : errorText(add.error)}>
      <TextField label="CID, path or link" value={text} onChange={setText} mono autofocus spellcheck={false}
        placeholder="bafy… or /ipfs/bafy…/folder" error={isTold && contentFault !== '' ? contentFault : undefined}
        hint="The content has to be on some IPFS node that can be reached, or be added later."/>
      <TextField label="Name" value={name} onChange={setName} optional maxLength={255}/>
      <CopiesField value={copies} onChange={setCopies} withDefault error={isTold && fault !== '' ? fault : undefined}/>
      <TextField label="Unpin it at" type="datetime-local" value={expires} onChange={setExpires} optional
        error={isTold && expiryFault !== '' ? expiryFault : undefined}/>
      <Checkbox label="Only the one block, not what it links to" checked={isDirect} onChange={setDirect}/>
    </Form>
  </Dialog>
}
