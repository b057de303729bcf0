import { useState } from 'preact/hooks'
import type { CreatedLink, Group } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { errorText } from '../../data/errors.ts'
import { useAction } from '../../data/query.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Select } from '../../ui/controls/choices.tsx'
import { Dialog } from '../../ui/feedback/dialog.tsx'
import { Form } from '../../ui/controls/form.tsx'
import { Grid, Row } from '../../ui/frame/layout.tsx'
import { TextField } from '../../ui/controls/text-field.tsx'
import type { LinkDraft } from './links.ts'
import { emptyLink, kinds, lifetimes, linkFaults, newLink } from './links.ts'

export interface NewLinkDialogProps { groups: readonly Group[], onClose: () => void, onMade: (link: CreatedLink) => void }

/** Asks what a link shall allow, and makes it. */
export function NewLinkDialog ({ groups, onClose, onMade }: NewLinkDialogProps) {
  const [draft, setDraft] = useState<LinkDraft>(emptyLink)
  const [isTried, setTried] = useState(false)
  const make = useAction(async (from: LinkDraft) => service.links.create(newLink(from)), { done: onMade, failed: () => {} })
  const faults = isTried ? linkFaults(draft) : {}
  const change = (changes: Partial<LinkDraft>): void => setDraft(before => ({ ...before, ...changes }))
  const submit = async (): Promise<void> => {
    setTried(true)
    if (Object.keys(linkFaults(draft)).length === 0) await make.run(draft)
  }

  return (
    <Dialog title="New upload link" onClose={onClose} isBusy={make.isRunning}>
      <Form onSubmit={submit} error={make.error == null ? undefined : errorText(make.error)}>
        <TextField
          label="What it is for" value={draft.name} onChange={name => change({ name })} hint="Whoever has the link reads this, too." placeholder="Pictures of the party"
          maxLength={200} optional autofocus autocomplete="off"
        />
        <Grid min="12rem">
          <TextField
            label="Uploads" type="number" value={draft.uses} onChange={uses => change({ uses })} error={faults.uses} inputMode="numeric"
            hint="How often it can be used."
          />
          <Select label="Open for" value={draft.seconds} options={lifetimes} onChange={seconds => change({ seconds })} />
        </Grid>
        <Grid min="12rem">
          <Select label="Takes" value={draft.kind} options={kinds} onChange={kind => change({ kind })}
            hint="As the sender's machine states it."/>
          <TextField
            label="Largest file" type="number" step="any" value={draft.most} onChange={most => change({ most })} error={faults.most}
            suffix="MiB" placeholder="What fits" optional inputMode="decimal"
          />
        </Grid>
        {draft.kind === 'own' && <TextField label="Media types" value={draft.types}
          onChange={types => change({ types })} error={faults.types} placeholder="image/png, text/*" mono
          spellcheck={false}/>}
        {groups.length > 0 && (
          <Select
            label="Into group" value={draft.group} onChange={group => change({ group })}
            options={[{ value: '', label: 'No group' }, ...groups.map(({ id, name }) => ({ value: id, label: name }))]}
          />
        )}
        <Row align="end">
          <Button kind="quiet" onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" isBusy={make.isRunning}>Make link</Button>
        </Row>
      </Form>
    </Dialog>
  )
}
