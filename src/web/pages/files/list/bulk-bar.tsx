import type { Group } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { countText } from '../../../data/format.ts'
import { useAction } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Menu } from '../../../ui/controls/menu.tsx'
import { shownName } from '../../../data/format.ts'
import { filesText, tellFilesChanged } from './file-changes.ts'
import type { ChangeKind } from './pending-changes.ts'

export interface BulkBarProps {
  count: number
  total: number | null
  /** How many there are. */
  text: string
  /** All that fit are marked. */
  isAll: boolean
  /** What is marked one by one; null: all are. */
  cids: ReadonlySet<string> | null
  groups: readonly Group[]
  onAll: () => void
  onNone: () => void
  onAct: (kind: ChangeKind) => void
}

/** Each is a request of its own. */
const groupedAtOnce = 500

/** What can be done with the marked files. Always there, so that nothing moves when the first one is marked. */
export function BulkBar ({ count, total, text, isAll, cids, groups, onAll, onNone, onAct }: BulkBarProps) {
  const move = useAction(async (group: string | null) => {
    for (const cid of cids ?? []) await service.files.change(cid, { group })
  }, { done: () => { tellFilesChanged(); onNone() }, success: 'Moved.' })
  const none = count === 0
  return (
    <div class={`bulk-bar${none ? '' : ' bulk-bar--on'}`} role="group" aria-label="Marked files">
      <span class="bulk-bar__count" role="status">{none ? text : `${countText(count)} marked`}</span>
      {!isAll && total != null && total > 0 && <Button kind="quiet" size="small" onClick={onAll}>{`Mark all ${countText(total)}`}</Button>}
      {!none && <Button kind="quiet" size="small" onClick={onNone}>Unmark</Button>}
      {!none && <span class="bulk-bar__acts">
        <Button size="small" icon="pin" onClick={() => onAct('pin')}>Pin</Button>
        <Button size="small" icon="unpin" onClick={() => onAct('unpin')}>Unpin</Button>
        {cids != null && cids.size <= groupedAtOnce && groups.length > 0 && <Menu
          label={move.isRunning ? 'Moving…' : 'Group'} icon="tag"
          items={[...groups.map(({ id, name }) => ({ id, label: shownName(name), run: () => {
            void move.run(id)
          } })), 'separator' as const, { id: 'none', label: 'No group', run: () => {
            void move.run(null)
          } }]}
        />}
        <Button size="small" kind="danger" icon="trash" label={`Delete ${filesText(count)}`} onClick={() => onAct('delete')}>Delete</Button>
      </span>}
    </div>
  )
}
