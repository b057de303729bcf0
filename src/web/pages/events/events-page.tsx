import { EventsFeed } from './events-feed.tsx'

const abouts = [{ value: 'file', label: 'Files' }, { value: 'pin', label: 'Pins' }, { value: 'task', label: 'Tasks' }] as const

/** `/events`: what happens to the user's own things, as it happens. */
export default function EventsPage () {
  return <EventsFeed from="own" title="Events" intro="What happens to your files, pins and tasks, as it happens. The last thousand events are kept, for a week." abouts={abouts}
    emptyText="Upload a file or pin a CID: what becomes of it is told here." emptyAction={{ label: 'Upload', to: '/upload' }}/>
}
