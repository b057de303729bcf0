import { Dialog } from '../../ui/dialog.tsx'
import { shownName } from '../../data/format.ts'
import { FileDetails } from './file-details.tsx'
import { useFile } from './use-file.ts'

/** Details of a file beside the list. */
export function FileDialog ({ cid, onClose }: { cid: string, onClose: () => void }) {
  const { data } = useFile(cid)
  return <Dialog title={data == null ? 'File' : shownName(data.original_filename)} size="large" onClose={onClose}>
    <FileDetails cid={cid} onGone={onClose}/>
  </Dialog>
}
