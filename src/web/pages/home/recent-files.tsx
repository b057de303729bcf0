import { service } from '../../data/clients.ts'
import { useLiveQueries } from '../../data/live.ts'
import type { LiveFilter } from '../../data/live.ts'
import { useQuery } from '../../data/query.ts'
import { Badge, Status } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Section } from '../../ui/frame/page.tsx'
import { Table } from '../../ui/display/table.tsx'
import { Bytes, Count, Name, Time } from '../../ui/display/values.tsx'

/** What changes the files of an account. */
export const fileNews: LiveFilter = { types: ['file', 'pin'] }

/** What came last. */
export function RecentFiles () {
  const files = useQuery('files?recent', signal => service.files.page({ limit: 5, signal }), { pollMs: 60_000 })
  useLiveQueries(fileNews, 'files?recent')
  return <Section title="Latest files" actions={<Button kind="quiet" size="small" to="/files">All files</Button>}>
    <QueryResult query={files}>{({ data }) => <Table caption="Latest files" rows={data} keyOf={file => file.cid}
      empty={<EmptyState title="No files yet" icon="upload" action={<Button kind="primary" icon="upload" to="/upload">
        Upload your first file
      </Button>}>
        Drop a file or a folder, and get a link to share.
      </EmptyState>}
      columns={[
        { id: 'name', label: 'Name', isMain: true, cell: file => <Name
          text={file.original_filename === '' ? file.cid : file.original_filename} to={`/files/${file.cid}`}/> },
        { id: 'state', label: 'Status', hideLabel: true, cell: file => <Status value={file.state}/> },
        { id: 'size', label: 'Size', isNumber: true, cell: file => <Bytes value={file.size}/> },
        { id: 'views', label: 'Views', isNumber: true, hideBelow: 'phone', cell: file => <Count value={file.view_count}/> },
        { id: 'origin', label: 'From', hideBelow: 'tablet', cell: file => <Badge>
          {{ upload: 'Upload', cid: 'CID', pins: 'Command line' }[file.origin]}
        </Badge> },
        { id: 'at', label: 'Added', cell: file => <Time at={file.uploaded_at}/> }
      ]}/>}</QueryResult>
  </Section>
}
