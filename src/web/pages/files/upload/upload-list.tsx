import { memo } from 'preact/compat'
import { useCallback, useState } from 'preact/hooks'
import { gatewayLink } from '../../../app/site.ts'
import { bytesText, countText, durationText, percentText, rateText, relativeText } from '../../../data/format.ts'
import { useMedia, useOwnNow } from '../../../data/hooks.ts'
import { useStore } from '../../../data/store.ts'
import { isOver, isUnderWay, totalsOf } from '../../../data/uploads/upload-item.ts'
import type { UploadItem, UploadState } from '../../../data/uploads/upload-item.ts'
import type { UploadQueue } from '../../../data/uploads/upload-queue.ts'
import { Badge } from '../../../ui/display/badge.tsx'
import { Button } from '../../../ui/controls/button.tsx'
import { Cid } from '../../../ui/display/values.tsx'
import { CopyButton } from '../../../ui/controls/copy.tsx'
import { Icon } from '../../../ui/icon.tsx'
import { Row } from '../../../ui/frame/layout.tsx'
import { Name } from '../../../ui/display/values.tsx'
import { Progress } from '../../../ui/feedback/progress.tsx'
import type { Tone } from '../../../ui/tone.ts'
import { VirtualList } from '../../../ui/display/virtual-list.tsx'
import './upload-list.css'

export interface UploadListProps {
  queue: UploadQueue
  /** Called with a CID that is there. */
  onShare?: (item: UploadItem) => void
  /** Whether who uploads may open it: not with an upload link. */
  hasLinks?: boolean
}

const rowPixels = 92
const phoneRowPixels = 164
const rowsWithoutScroll = 6

/** Uploads that are under way, stopped and done. */
export function UploadList ({ queue, onShare, hasLinks = true }: UploadListProps) {
  const items = useStore(queue.items)
  const isPhone = useMedia('(width < 40rem)')
  const rowHeight = isPhone ? phoneRowPixels : rowPixels
  const row = useCallback((at: number) => {
    const item = items[at]
    return item == null ? null : <UploadRow item={item} queue={queue} onShare={onShare} hasLinks={hasLinks}/>
  }, [items, queue, onShare, hasLinks])
  const keyOf = useCallback((at: number) => items[at]?.id ?? at, [items])
  if (items.length === 0) return null
  return (
    <div class="upload-list">
      <Totals queue={queue} items={items}/>
      {items.length <= rowsWithoutScroll
        ? <ul class="upload-list__few" aria-label="Uploads">
          {items.map(item => <li key={item.id}><UploadRow item={item} queue={queue} onShare={onShare} hasLinks={hasLinks}/></li>)}
        </ul>
        : <VirtualList label="Uploads" count={items.length} rowHeight={rowHeight} row={row} keyOf={keyOf}/>}
    </div>
  )
}

function Totals ({ queue, items }: { queue: UploadQueue, items: readonly UploadItem[] }) {
  const totals = totalsOf(items)
  const isPaused = items.some(({ state }) => state === 'paused')
  const left = totals.leftMs == null ? '' : `, ${durationText(totals.leftMs)} left`
  return (
    <div class="upload-list__totals">
      {totals.underWay > 0
        ? <Progress
            label={`Uploading ${countText(totals.underWay)} of ${countText(totals.count)}`} value={totals.sentBytes} max={Math.max(1, totals.sizeBytes)}
            text={`${bytesText(totals.sentBytes)} of ${bytesText(totals.sizeBytes)}${totals.bytesPerSecond > 0 ? `, ${rateText(totals.bytesPerSecond)}${left}` : ''}`}
          />
        : <p role="status">{endText(totals)}</p>}
      <Row gap="tight">
        {totals.underWay > 0 && <Button size="small" icon="pause" onClick={() => queue.pauseAll()}>Pause all</Button>}
        {isPaused && <Button size="small" icon="play" onClick={() => queue.resumeAll()}>Resume all</Button>}
        {items.some(isOver) && <Button size="small" kind="quiet" onClick={() => queue.clear()}>Clear finished</Button>}
      </Row>
    </div>
  )
}

function endText ({ count, done, failed, stopped }: ReturnType<typeof totalsOf>): string {
  if (done === count) return count === 1 ? 'The upload is done.' : `All ${countText(count)} uploads are done.`
  return [`${countText(done)} of ${countText(count)} done`, ...(stopped > 0 ? [`${countText(stopped)} stopped`] : []), ...(failed > 0 ? [`${countText(failed)} failed`] : [])].join(', ')
}

const states: Readonly<Record<UploadState, { text: string, tone: Tone }>> = {
  waiting: { text: 'Waiting', tone: 'neutral' },
  sending: { text: 'Uploading', tone: 'info' },
  paused: { text: 'Paused', tone: 'warn' },
  retrying: { text: 'Waiting for the peer', tone: 'warn' },
  finishing: { text: 'Making the file', tone: 'info' },
  done: { text: 'Done', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  'needs-files': { text: 'Choose it again', tone: 'warn' },
  'needs-permission': { text: 'Allow to read it', tone: 'warn' },
  elsewhere: { text: 'In another tab', tone: 'neutral' },
  'signed-out': { text: 'Log in to go on', tone: 'warn' }
}

const UploadRow = memo((
  { item, queue, onShare, hasLinks }: { item: UploadItem, queue: UploadQueue, onShare: UploadListProps['onShare'], hasLinks: boolean }
) => {
  const { text, tone } = states[item.state]
  return (
    <div class="upload-row">
      <Icon name={item.kind === 'directory' ? 'folder' : 'file'} size={22}/>
      <div class="upload-row__main">
        <p class="upload-row__name"><Name text={item.name}/> <Badge tone={tone}>{text}</Badge></p>
        {item.state === 'done' ? <Result item={item} hasLinks={hasLinks}/> : <State item={item}/>}
      </div>
      <div class="upload-row__acts"><Acts item={item} queue={queue} onShare={onShare}/></div>
    </div>
  )
})

function Result ({ item: { cid, sizeBytes, fileCount, kind, pin }, hasLinks }: { item: UploadItem, hasLinks: boolean }) {
  return (
    <p class="upload-row__result">
      {cid != null && <Cid cid={cid} {...(hasLinks ? { to: `/files/${cid}` } : {})}/>}
      <span class="upload-row__facts">{bytesText(sizeBytes)}{kind === 'directory' ? `, ${countText(fileCount)} files` : ''}{pin === 'on-access' ? ', pinned when it is first opened' : ''}</span>
    </p>
  )
}

function State ({ item }: { item: UploadItem }) {
  const { state, sentBytes, sizeBytes, bytesPerSecond, error, name, fileCount, kind } = item
  const left = bytesPerSecond != null && bytesPerSecond > 0 ? `, ${rateText(bytesPerSecond)}, ${durationText((sizeBytes - sentBytes) * 1000 / bytesPerSecond)} left` : ''
  const facts = `${bytesText(sentBytes)} of ${bytesText(sizeBytes)} (${percentText(sizeBytes === 0 ? 0 : sentBytes / sizeBytes)})${kind === 'directory' ? `, ${countText(fileCount)} files` : ''}${state === 'sending' ? left : ''}`
  return <>
    {state !== 'failed' && <Progress label={`Upload of ${name}`} hideLabel
      {...(state === 'finishing' ? {} : { value: sentBytes })} max={Math.max(1, sizeBytes)} tone={states[state].tone}
      text={facts}/>}
    {error != null && <p class="upload-row__error" role={state === 'failed' ? 'alert' : undefined}>
      {error} {item.nextTryAt != null && <NextTry at={item.nextTryAt}/>}
    </p>}
  </>
}

function NextTry ({ at }: { at: number }) {
  const now = useOwnNow(1000)
  return <>Next try {relativeText(at, { now })}.</>
}

function Acts ({ item, queue, onShare }: { item: UploadItem, queue: UploadQueue, onShare: UploadListProps['onShare'] }) {
  const { id, state, cid, name } = item
  const [isEnding, setEnding] = useState(false)
  if (state === 'done' && cid != null) {
    const link = gatewayLink(cid)
    return <>
      <CopyButton text={link} label="Copy link" size="small"/>
      {onShare != null && <Button size="small" icon="share" onClick={() => onShare(item)} label={`Share ${name}`} iconOnly/>}
      <Button size="small" icon="external" iconOnly label={`Open ${name}`} href={link}/>
    </>
  }
  return <>
    {(state === 'sending' || state === 'waiting' || state === 'retrying') && <Button size="small" kind="quiet"
      icon="pause" iconOnly label={`Pause ${name}`} onClick={() => queue.pause(id)}/>}
    {state === 'paused' && <Button size="small" icon="play" iconOnly label={`Resume ${name}`} onClick={() => queue.resume(id)}/>}
    {state === 'failed' && <Button size="small" icon="refresh" onClick={() => queue.resume(id)}>Try again</Button>}
    {state === 'needs-permission' && <Button size="small" kind="primary" onClick={() => { void queue.allow(id) }}>Allow and go on</Button>}
    {state !== 'finishing' && <Button size="small" kind="quiet" icon="close" iconOnly isBusy={isEnding}
      label={isUnderWay(item) || state === 'paused' ? `Cancel ${name}` : `Remove ${name}`}
      onClick={() => { setEnding(true); void queue.cancel(id) }}/>}
  </>
}
