import { useState } from 'preact/hooks'
import type { CreatedKey, Permission } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { peerNow } from '../../data/peer-time.ts'
import { useAction } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Checkbox, Radios, Select } from '../../ui/controls/choices.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Grid, Row } from '../../ui/frame/layout.tsx'
import { TextField } from '../../ui/controls/text-field.tsx'
import type { KeyDraft } from './keys.ts'
import { draftFaults, emptyDraft, expiries, newKey, permissions, presets } from './keys.ts'

export interface NewKeyDialogProps { onClose: () => void, onMade: (key: CreatedKey) => void }

/** Asks for a key's name, permissions and limits, and makes it. */
export function NewKeyDialog ({ onClose, onMade }: NewKeyDialogProps) {
  const [draft, setDraft] = useState<KeyDraft>(emptyDraft)
  const [isTried, setTried] = useState(false)
  const make = useAction(async (from: KeyDraft) => service.account.createKey(newKey(from, peerNow())), { done: onMade, failed: () => {} })
  const faults = isTried ? draftFaults(draft, peerNow()) : {}
  const change = (changes: Partial<KeyDraft>): void => setDraft(before => ({ ...before, ...changes }))
  const submit = async (): Promise<void> => {
    setTried(true)
    if (Object.keys(draftFaults(draft, peerNow())).length === 0) await make.run(draft)
  }

  return (
    <Dialog title="New API key" onClose={onClose} isBusy={make.isRunning}>
      <Form onSubmit={submit} error={make.error == null ? undefined : errorText(make.error)}>
        <TextField
          label="Name" value={draft.name} onChange={name => change({ name })} error={faults.name}
          hint="For yourself: which program uses it, and where." maxLength={200} autofocus autocomplete="off"
        />
        <Radios legend="What it may do" value={draft.preset} options={presets} onChange={preset => change({ preset })} />
        {draft.preset === 'own' && <Chosen chosen={draft.chosen} onChange={chosen => change({ chosen })} error={faults.permissions} />}
        <Grid min="12rem">
          <Select label="Expires" value={draft.expiry} options={expiries} onChange={expiry => change({ expiry })} />
          {draft.expiry === 'date' && <TextField label="Last day" type="date" value={draft.day}
            onChange={day => change({ day })} error={faults.day}/>}
          <TextField
            label="Uses" type="number" value={draft.maxUses} onChange={maxUses => change({ maxUses })} error={faults.maxUses}
            placeholder="Any number" optional inputMode="numeric"
          />
        </Grid>
        <Row align="end">
          <Button kind="quiet" onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" isBusy={make.isRunning}>Make key</Button>
        </Row>
      </Form>
    </Dialog>
  )
}

interface ChosenProps { chosen: readonly Permission[], onChange: (chosen: readonly Permission[]) => void, error: string | undefined }

function Chosen ({ chosen, onChange, error }: ChosenProps) {
  const toggle = (
    one: Permission, isOn: boolean
  ): void => onChange(permissions.map(({ value }) => value).filter(value => value === one ? isOn : chosen.includes(value)))
  return (
    <fieldset class="key-chosen" aria-invalid={error != null}>
      <legend>Permissions</legend>
      {permissions.map(({ value, label, hint }) => <Checkbox key={value} label={label} hint={hint}
        checked={chosen.includes(value)} onChange={isOn => toggle(value, isOn)}/>)}
      {error != null && <p class="key-chosen__error" role="alert">{error}</p>}
    </fieldset>
  )
}
