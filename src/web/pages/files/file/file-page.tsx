import { useRouter } from '../../../app/router.tsx'
import { shownName } from '../../../data/format.ts'
import { Page } from '../../../ui/frame/page.tsx'
import { FileDetails } from './file-details.tsx'
import { useFile } from './use-file.ts'
import '../list/files-page.css'

/** One file, with an address of its own. */
export default function FilePage () {
  const { params: { cid = '' }, go } = useRouter()
  const { data } = useFile(cid)
  return <Page title={data == null ? 'File' : shownName(data.original_filename)} back={{ to: '/files', label: 'Files' }}>
    <FileDetails cid={cid} onGone={() => go('/files')}/>
  </Page>
}
