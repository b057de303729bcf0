import { useState } from 'preact/hooks'
import type { Group } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { errorText } from '../../../data/errors.ts'
import { useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Select } from '../../../ui/controls/choices.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Disclosure } from '../../../ui/controls/disclosure.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { Stack } from '../../../ui/frame/layout.tsx'
import { TextArea, TextField } from '../../../ui/controls/text-field.tsx'
import { contentLinkOf } from '../retrieve/content-link.ts'
import { tellFilesChanged } from './file-changes.ts'

/** Pins what is in the network already. What came of it shows in the details, which follow it. */
export function PinCidDialog ({ cid: given, groups, onClose }: { cid: string, groups: readonly Group[], onClose: (cid?: string) => void }) {
  const [text, setText] = useState(given)
  const [name, setName] = useState('')
  const [group, setGroup] = useState('')
  const [origins, setOrigins] = useState('')
  const link = contentLinkOf(text)
  const problem = text.trim() === ''
    ? undefined
    : link == null ? 'This is neither a CID nor a link to one.' : link.namespace === 'ipns' ? 'A name can change what it means: pin the CID that it stands for now.' : link.path.length > 0 ? 'Only whole CIDs are pinned, without a path below.' : undefined
  const pin = useAction(async () => {
    const listed = origins.split(/\s+/).filter(origin => origin !== '')
    return service.files.fromCid({
      cid: link?.root ?? '', ...(name.trim() === '' ? {} : { name: name.trim() }), ...(group === '' ? {} : { group }),
      ...(listed.length === 0 ? {} : { origins: listed })
    })
  }, { done: file => { tellFilesChanged(); onClose(file.cid) }, failed: () => {} })
  return (
    <Dialog title="Pin from CID" onClose={() => onClose()} isBusy={pin.isRunning}>
      <Form onSubmit={async () => {
        if (link != null && problem == null) await pin.run()
      }} error={pin.error == null ? undefined : errorText(pin.error)}>
        <Stack>
          <TextField label="CID" value={text} onChange={setText} required mono autofocus spellcheck={false}
            hint="Or a link to any gateway. Nothing is uploaded: the cluster fetches it from the network."
            {...(problem == null ? {} : { error: problem })}/>
          <TextField label="Name" value={name} onChange={setName} optional maxLength={255}/>
          <Select label="Group" value={group} onChange={setGroup}
            options={[{ value: '', label: 'No group' }, ...groups.map(({ id, name }) => ({ value: id, label: name }))]}/>
          <Disclosure summary="Who has it" open={given !== ''}>
            <TextArea label="Addresses of nodes that have it" value={origins} onChange={setOrigins} optional rows={3} mono hint="One per line, such as /ip4/203.0.113.1/tcp/4001/p2p/12D3…. Helps when it can't be found otherwise."/>
          </Disclosure>
          <Button type="submit" kind="primary" icon="pin" isBusy={pin.isRunning} disabled={link == null || problem != null}>Pin</Button>
        </Stack>
      </Form>
    </Dialog>
  )
}
