import type { FollowedFile } from '../../../../client/service/types.ts'
import { pinErrorText } from '../../../data/errors.ts'
import { bytesText, countText, shownName } from '../../../data/format.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { DefinitionList } from '../../../ui/controls/disclosure.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { Progress } from '../../../ui/feedback/progress.tsx'
import { Status } from '../../../ui/display/badge.tsx'
import { Time } from '../../../ui/display/values.tsx'
import { progressOf, replicasOf, stateExplanation } from './file-texts.ts'

/** How a file stands: for one that isn't pinned yet, how far it is, what it waits for, since when, and when it is tried again. */
export function FileState ({ file }: { file: FollowedFile }) {
  const { state, info, error } = file
  const isOpen = state === 'pinning' || state === 'importing' || state === 'failed'
  const progress = progressOf(info)
  const replicas = replicasOf(info)
  const facts = [
    ...(info.waiting_for == null ? [] : [{ term: 'Waits for', value: <span class="file-state__why">{shownName(info.waiting_for)}</span> }]),
    ...(info.asked == null ? [] : [{ term: 'Asked so far', value: shownName(info.asked) }]),
    ...(info.since == null ? [] : [{ term: 'Since', value: <Time at={info.since}/> }]),
    ...(info.next_try == null ? [] : [{ term: 'Next try', value: <Time at={info.next_try}/> }]),
    ...(replicas == null ? [] : [{ term: 'Copies', value: `${replicas.held} of ${replicas.wanted}` }])
  ]
  return (
    <section class="file-state" aria-label="State">
      <p class="file-state__line"><Status value={state}/> <span>{stateExplanation(state)}</span></p>
      {isOpen && state !== 'failed' && <Progress
        label={state === 'importing' ? 'Importing' : 'Pinning'} hideLabel text={progress == null ? undefined : `${countText(progress.blocks)} blocks, ${bytesText(progress.bytes)} here`}
        {...(progress != null && file.size > 0 ? {
          value: Math.min(progress.bytes, file.size), max: file.size
        } : replicas == null || replicas.held === 0 ? {} : { value: replicas.held, max: replicas.wanted })}
      />}
      {isOpen && info.why != null && <Lack why={info.why} cid={file.cid}/>}
      {facts.length > 0 && isOpen && <DefinitionList items={facts}/>}
      {(error ?? info.error) != null && <Notice tone={state === 'failed' ? 'bad' : 'warn'} title="What went wrong last">
        <span class="file-state__why">{shownName(pinErrorText(error ?? info.error ?? ''))}</span>
      </Notice>}
    </section>
  )
}

/** Nothing comes: why, what becomes of it, and what its owner can do. */
const Lack = ({ why, cid }: { why: string, cid: string }) =>
  <Notice tone="warn" title={`It is stuck: ${shownName(why)}`}>
    <p>
      It goes on by itself as soon as a node that has the content is there. Start the node that has it, upload the content here,
      or say at which address such a node is.
    </p>
    <p><Button size="small" to={`/files?pin=${cid}`}>Say who has it</Button></p>
  </Notice>
