import { ownOrigin } from '../../../app/site.ts'
import { shownName } from '../../../data/format.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Address } from '../../../ui/controls/copy.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Stack } from '../../../ui/frame/layout.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { toast } from '../../../ui/feedback/toast.tsx'
import type { SharedFile } from './share-links.ts'
import { shareLinks } from './share-links.ts'

/** Links to a file for others, and what it means to give them away. */
export function ShareDialog ({ file, onClose }: { file: SharedFile, onClose: () => void }) {
  const { page, direct, ipfs } = shareLinks(file, ownOrigin())
  const send = async (): Promise<void> => {
    try {
      await navigator.share({ title: shownName(file.name), url: page })
    } catch (err) {
      if (!(err instanceof Error && err.name === 'AbortError')) toast('This device could not share it. Copy the link.', { tone: 'bad' })
    }
  }
  return (
    <Dialog
      title={`Share “${shownName(file.name)}”`} onClose={onClose}
      footer={<>
        {typeof navigator.share === 'function' && <Button icon="share" onClick={() => { void send() }}>Share with an app</Button>}
        <Button kind="primary" onClick={onClose}>Done</Button>
      </>}
    >
      <Stack>
        <Address value={page} label="Page with a preview" />
        <Address value={direct} label="The content itself" />
        <Address value={ipfs} label="For IPFS programs" />
        <Notice tone="info">
          Whoever has a link can read it, without an account, and can pass it on. When you delete the file, copies that others
          have kept stay.
        </Notice>
      </Stack>
    </Dialog>
  )
}
