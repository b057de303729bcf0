import { useState } from 'preact/hooks'
import type { FollowedFile } from '../../../../client/service/types.ts'
import { gatewayLink } from '../../../app/site.ts'
import { navigate } from '../../../app/router.tsx'
import { shownName } from '../../../data/format.ts'
import { copyText } from '../../../ui/controls/clipboard.ts'
import { Menu } from '../../../ui/controls/menu.tsx'
import { toast } from '../../../ui/feedback/toast-store.ts'
import { ShareDialog } from './share-dialog.tsx'
import { changeFiles } from '../list/file-changes.ts'
import { downloadOf } from './downloads.ts'

/** Everything that can be done with one file. */
export function FileMenu ({ file }: { file: FollowedFile }) {
  const [isSharing, setSharing] = useState(false)
  const { cid, original_filename: name, state } = file
  const one = { cids: new Set([cid]) }
  const isKept = state === 'pinned' || state === 'pinning' || state === 'importing'
  return <>
    <Menu
      label={`Actions for ${shownName(name)}`} icon="more" iconOnly kind="quiet"
      items={[
        { id: 'open', label: 'Preview', icon: 'eye', run: () => navigate(`/retrieve?${new URLSearchParams({ cid, name })}`) },
        {
          id: 'download', label: file.kind === 'directory' ? 'Download as tar' : 'Download', icon: 'download',
          run: () => download(downloadOf({ cid, name }))
        },
        { id: 'share', label: 'Share…', icon: 'share', run: () => setSharing(true) },
        { id: 'copy', label: 'Copy CID', icon: 'copy', run: () => { void copy(cid, 'CID') } },
        { id: 'link', label: 'Copy link', icon: 'link', run: () => { void copy(gatewayLink(cid), 'Link') } },
        'separator',
        isKept
          ? { id: 'unpin', label: 'Unpin', icon: 'unpin', run: () => { void changeFiles('unpin', one) } }
          : { id: 'pin', label: state === 'failed' ? 'Try again to pin' : 'Pin', icon: 'pin', run: () => { void changeFiles('pin', one) } },
        { id: 'delete', label: 'Delete', icon: 'trash', tone: 'bad', run: () => { void changeFiles('delete', one) } }
      ]}
    />
    {isSharing && <ShareDialog file={{ cid, name }} onClose={() => setSharing(false)}/>}
  </>
}

async function copy (text: string, what: string): Promise<void> {
  if (await copyText(text)) toast(`${what} copied.`, { tone: 'good' })
  else toast(`This browser did not allow to copy: ${text}`, { tone: 'warn' })
}

/** As a link does that is clicked: what fails is no page that one would be led to. */
function download (address: string): void {
  const link = document.createElement('a')
  link.href = address
  link.download = ''
  link.click()
}
