import type { CreatedKey } from '../../../../client/service/types.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Secret } from '../../../ui/controls/copy.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { Stack } from '../../../ui/frame/layout.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { ReadyLines } from './ready-lines.tsx'

/** The only moment in which anybody sees the key. */
export function MadeKeyDialog ({ made, onClose }: { made: CreatedKey, onClose: () => void }) {
  return (
    <Dialog title={`Your new key “${made.name}”`} size="large" isKept onClose={onClose} footer={<Button kind="primary" onClick={onClose}>
      I have kept it
    </Button>}>
      <Stack>
        <Notice tone="warn" title="This is the only time that the key is shown">
          Keep it in a password manager. Nobody can show it again, not even whoever runs this service.
        </Notice>
        <Secret value={made.api_key} label="API key" />
        <ReadyLines apiKey={made.api_key} />
      </Stack>
    </Dialog>
  )
}
