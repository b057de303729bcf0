import { useState } from 'preact/hooks'
import type { Pin } from '../../../../client/types.ts'
import { cluster } from '../../../data/clients.ts'
import { errorText } from '../../../data/errors.ts'
import { useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { CopiesField, factorsOf } from './copies-field.tsx'
import type { Copies } from './copies-field.tsx'
import { factorsFault, isEverywhere, optionsOf } from './pin-options.ts'

/** Changes on how many peers a pin is. */
export function CopiesDialog ({ pin, onClose, onDone }: { pin: Pin, onClose: () => void, onDone: () => void }) {
  const [copies, setCopies] = useState<Copies>(isEverywhere(pin)
    ? { kind: 'everywhere', min: '1', most: '2' }
    : { kind: 'some', min: String(pin.replication_factor_min), most: String(pin.replication_factor_max) })
  const [isTold, setTold] = useState(false)
  const fault = copies.kind === 'some' ? factorsFault(copies.min, copies.most) : ''
  const change = useAction(
    async () => cluster.pin(pin.cid, { ...optionsOf(pin), ...factorsOf(copies) }),
    { success: 'The cluster changes the copies now.', failed: () => {}, done: onDone }
  )
  const submit = async (): Promise<void> => {
    setTold(true)
    if (fault === '') await change.run()
  }
  return <Dialog title="Change copies" size="small" onClose={onClose} isBusy={change.isRunning} footer={<>
    <Button onClick={onClose} disabled={change.isRunning}>Cancel</Button>
    <Button kind="primary" isBusy={change.isRunning} onClick={() => { void submit() }}>Change</Button>
  </>}>
    <Form onSubmit={submit} error={change.error == null ? undefined : errorText(change.error)}>
      <CopiesField value={copies} onChange={setCopies} error={isTold && fault !== '' ? fault : undefined}/>
    </Form>
  </Dialog>
}
