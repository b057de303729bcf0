import { useEffect, useState } from 'preact/hooks'
import type { LinkLimits } from '../../../client/service/types.ts'
import { useRouter } from '../../app/router.tsx'
import { service } from '../../data/clients.ts'
import { statusOf } from '../../data/errors.ts'
import { bytesText, countText } from '../../data/format.ts'
import { useNow } from '../../data/hooks.ts'
import { pageClock } from '../../data/page-clock.ts'
import { useQuery } from '../../data/query.ts'
import { useStore } from '../../data/store.ts'
import type { Picked } from '../../data/uploads/picked-files.ts'
import { sizeOf } from '../../data/uploads/picked-files.ts'
import { isOver } from '../../data/uploads/upload-item.ts'
import { UploadQueue } from '../../data/uploads/upload-queue.ts'
import { indexedRecords, newUploadId } from '../../data/uploads/upload-records.ts'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { ErrorState } from '../../ui/feedback/error-state.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Skeleton } from '../../ui/feedback/skeleton.tsx'
import { Name, Time } from '../../ui/display/values.tsx'
import { DropZone } from '../files/upload/drop-zone.tsx'
import { UploadList } from '../files/upload/upload-list.tsx'
import { linkState, refusalOf, secretIn, typesText } from './links.ts'
import './send.css'

const queues = new Map<string, UploadQueue>()

/** What is sent with a link. It goes on while other pages are shown, and after a reload: also when the upload has used the link up. */
function linkQueue (secret: string): UploadQueue {
  const known = queues.get(secret)
  if (known != null) return known
  const queue = new UploadQueue({ parallel: 1 }, {
    uploads: service.links.resumable(secret),
    records: indexedRecords('helia-cluster-link-uploads'),
    clock: pageClock,
    newId: newUploadId,
    locks: navigator.locks
  })
  queues.set(secret, queue)
  // only who has the link can do anything with it; its end is enough to tell links apart
  void queue.setOwner(`link …${secret.slice(-8)}`)
  return queue
}

/** For who got an upload link: sends files into somebody else's account, and sees nothing of it. */
export default function SendPage () {
  const secret = secretIn(useRouter().hash)
  return secret == null ? <Ended /> : <Send key={secret} secret={secret} />
}

const Ended = () => (
  <Page title="Send files" narrow>
    <EmptyState title="This link can’t be used" icon="link">
      It is mistyped, has expired, was used already or was revoked. Ask whoever sent it to you for another one.
    </EmptyState>
  </Page>
)

function Send ({ secret }: { secret: string }) {
  const queue = linkQueue(secret)
  const items = useStore(queue.items)
  const limits = useQuery(`link ${secret}`, signal => service.links.limits(secret, { signal }), { pollMs: 30_000 })
  const waiting = items.filter(({ state }) => state === 'waiting').length
  const isStopped = items.some(({ state }) => state === 'needs-files')
  const states = items.map(({ state }) => state).join()
  // each that has begun is a use of the link, one that fails gives it back
  useEffect(() => { if (states !== '') limits.reload() }, [states])
  const isGone = limits.error != null && statusOf(limits.error) === 404
  if (isGone && items.length === 0) return <Ended />
  return (
    <Page title={limits.data?.name === '' || limits.data == null ? 'Send files' : limits.data.name}
      intro={limits.data == null ? undefined : <Intro
      limits={limits.data}/>} narrow>
      <Stack gap="wide">
        {limits.isLoading && <Skeleton lines={5} />}
        {limits.error != null && !isGone && <ErrorState error={limits.error} onRetry={limits.reload} />}
        {limits.data != null && !isGone && <Choice limits={limits.data} waiting={waiting} isStopped={isStopped}
          onPicked={picked => { queue.add(picked, { pin: 'now', group: null }) }} again={picked => queue.choose(picked)}/>}
        {isGone && isStopped && <DropZone onPicked={picked => { queue.choose(picked) }}>
          <p>An upload was broken off: choose the same file again, and it goes on.</p>
        </DropZone>}
        {isGone && <Notice tone="info">The link takes no further files.{items.every(isOver) ? '' : ' What has begun goes on.'}</Notice>}
        {items.length > 0 && <UploadList queue={queue} hasLinks={false} />}
      </Stack>
    </Page>
  )
}

const Intro = ({ limits: { expires_at: expiresAt } }: { limits: LinkLimits }) =>
  <>
    Somebody asks you for files. What you choose here goes into their account; you need none of your own.
    {' '}Open until <Time at={expiresAt} relative={false} />.
  </>

interface ChoiceProps {
  limits: LinkLimits
  /** Uploads that haven't begun. */
  waiting: number
  /** An upload waits for its file. */
  isStopped: boolean
  onPicked: (picked: Picked[]) => void
  /** Goes on with what was broken off; gives the others. */
  again: (picked: Picked[]) => Picked[]
}

function Choice ({ limits, waiting, isStopped, onPicked, again }: ChoiceProps) {
  const now = useNow(30_000)
  const [refused, setRefused] = useState<ReadonlyArray<{ name: string, why: string }>>([])
  const left = limits.max_uses - limits.uses - waiting
  // a folder has no media type
  const takesFolders = limits.content_types.length === 0
  const isOpen = linkState({ ...limits, revoked_at: null }, now) === 'open' && left > 0
  const take = (picked: Picked[]): void => {
    const checked = again(picked).map(one => ({ one, why: whyNot(one, limits) }))
    const fitting = checked.filter(({ why }) => why == null).map(({ one }) => one)
    const surplus = fitting.slice(left).map(({ name }) => ({ name, why: `the link takes ${countText(left)} more` }))
    setRefused([...checked.flatMap(({ one, why }) => why == null ? [] : [{ name: one.name, why }]), ...surplus])
    if (fitting.length > 0) onPicked(fitting.slice(0, left))
  }
  return (
    <Stack>
      {(isOpen || isStopped) && <DropZone onPicked={take} folders={takesFolders} />}
      <ul class="send-limits">
        <li>{left === 1 ? (takesFolders ? 'One file or folder' : 'One file') : `${countText(Math.max(0, left))} ${takesFolders ? 'files or folders' : 'files'}`} can be sent</li>
        {limits.content_types.length > 0 && <li>{typesText(limits.content_types)} only</li>}
        {limits.max_bytes != null && <li>Up to {bytesText(limits.max_bytes)} each</li>}
      </ul>
      {refused.length > 0 && (
        <Notice tone="warn" role="alert" title="Not sent" onDismiss={() => setRefused([])}>
          <ul>{refused.map(({ name, why }) => <li key={name}><Name text={name} />: {why}</li>)}</ul>
        </Notice>
      )}
    </Stack>
  )
}

function whyNot (picked: Picked, limits: LinkLimits): string | null {
  const type = picked.kind === 'file' ? picked.files[0]?.file.type ?? '' : 'application/x-directory'
  const refusal = refusalOf({ size: sizeOf(picked), type }, limits)
  if (refusal == null) return null
  return refusal === 'too-large' ? `it is larger than ${bytesText(limits.max_bytes ?? 0)}` : `only ${typesText(limits.content_types).toLowerCase()} can be sent`
}
