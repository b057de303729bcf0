import { shortText } from '../../events/events.ts'
import type { NewUserEvent } from '../events/user-events.ts'
import type { FileRow } from '../sql/tables.ts'

/** What a user sees of a file in the list, but for how it stands. */
const described = ({ original_filename: name, group_id: group, meta, size_bytes: bytes, content_type: type, origin }: FileRow): string =>
  JSON.stringify([name, group, meta, bytes, type, origin])

/** What the write of a file tells its owner; null: nothing that shows. */
export function fileEvent (before: FileRow | undefined, after: FileRow | undefined): NewUserEvent | null {
  const row = after ?? before
  // entries that stand for pins: of these the pins' own events tell
  if (row == null || row.origin === 'pins') return null
  const type = typeOf(before, after)
  if (type == null) return null
  const { user_id: user, cid, original_filename: name, size_bytes: size, state, error } = row
  return { user, type, data: { cid, name: shortText(name), size, state, ...(error == null ? {} : { error: shortText(error) }) } }
}

function typeOf (before: FileRow | undefined, after: FileRow | undefined): NewUserEvent['type'] | null {
  if (after == null) return 'file.deleted'
  if (before == null) return 'file.created'
  if (before.state !== after.state || before.error !== after.error) return 'file.status'
  return described(before) === described(after) ? null : 'file.changed'
}
