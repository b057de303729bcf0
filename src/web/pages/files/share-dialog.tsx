import { gatewayLink, ownOrigin } from '../../app/face.ts'
import { shownName } from '../../data/format.ts'
import { Button } from '../../ui/button.tsx'
import { Secret } from '../../ui/copy.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Stack } from '../../ui/layout.tsx'

/** Links to a file for others. */
export function ShareDialog ({ file: { cid, name }, onClose }: { file: { cid: string, name: string }, onClose: () => void }) {
  return (
    <Dialog title={`Share “${shownName(name)}”`} onClose={onClose} footer={<Button kind="primary" onClick={onClose}>Done</Button>}>
      <Stack>
        <Secret value={`${ownOrigin()}/retrieve?${new URLSearchParams({ cid, name })}`} label="Page with a preview"/>
        <Secret value={gatewayLink(cid)} label="The content itself"/>
        <Secret value={`ipfs://${cid}`} label="For IPFS programs"/>
        <p>Whoever has one of these links can read the content, without an account.</p>
      </Stack>
    </Dialog>
  )
}
