import type { CreatedLink } from '../../../../client/service/types.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { CodeBlock, Secret } from '../../../ui/controls/copy.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Disclosure } from '../../../ui/controls/disclosure.tsx'
import { Stack } from '../../../ui/frame/layout.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'

/** The only moment in which the address is shown. */
export function MadeLinkDialog ({ made, onClose }: { made: CreatedLink, onClose: () => void }) {
  return (
    <Dialog title="Your upload link" isKept onClose={onClose} footer={<Button kind="primary" onClick={onClose}>Done</Button>}>
      <Stack>
        <Notice tone="warn" title="Copy it now">
          Its address is shown only this once. Whoever has it can upload into your account until it ends.
        </Notice>
        <Secret value={made.page_url} label="Link" />
        <Disclosure summary="For scripts">
          <CodeBlock code={`curl -F file=@FILE ${made.url}`} label="Upload with curl" />
        </Disclosure>
      </Stack>
    </Dialog>
  )
}
