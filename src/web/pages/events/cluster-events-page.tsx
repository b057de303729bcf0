import { EventsFeed } from './events-feed.tsx'

const abouts = [
  {
    value: 'pin', label: 'Pins'
  }, { value: 'peer', label: 'Peers' }, { value: 'alert', label: 'Alerts' }, { value: 'warning', label: 'Warnings' }, { value: 'task', label: 'Tasks' }
] as const

/** `/cluster/events`: what happens in the cluster, as it happens. */
export default function ClusterEventsPage () {
  return <EventsFeed from="cluster" title="Events" intro="What happens in the cluster: to the pinset, to pins on all peers, and to the peers. This peer keeps the last few thousand events until it stops." abouts={abouts}
    emptyText="Since this peer has started nothing was pinned or unpinned, and no peer came or went."/>
}
