import { z } from 'zod'
import type { FileRow, GroupRow } from '../../../service/sql/tables.ts'
import { fileStates } from '../../../service/sql/tables.ts'
import { time, timeText } from '../answers.ts'
import { invalidTextReason } from '../invalid-text.ts'

/** A file as the documents show it; further fields are behind those. */
export const fileSchema = z.object({
  cid: z.string(),
  original_filename: z.string(),
  size: z.int().describe('Bytes. 0 while it is not known, for what was pinned by its CID.'),
  content_type: z.string(),
  pinned: z.boolean().describe('On all replicas that the cluster keeps of it.'),
  uploaded_at: time,
  state: z.enum(fileStates),
  error: z.string().nullable().describe('Why it failed, or what keeps it waiting.'),
  kind: z.enum(['file', 'directory', 'car']),
  origin: z.enum(['upload', 'cid', 'pins']).describe('How it came here; `pins`: it stands for pins made through the Pinning Service API.'),
  group: z.string().nullable().describe('ID of its group.'),
  meta: z.record(z.string(), z.string()),
  view_count: z.int(),
  last_accessed_at: time.nullable()
})

/** The same with what the cluster says of one that isn't pinned yet. */
export const followedFileSchema = fileSchema.extend({
  info: z.record(z.string(), z.string()).describe(
    'For people, of a file that is pinning or has failed: `replicas` ("2 of 3"), `waiting_for`, `since`, `why` (why nothing comes), `asked` ("5 nodes"), `progress`, `error`, `next_try`. Else empty.'
  )
})

/** A file as the API shows it; what the cluster says of it comes with `followedFileJson`. */
export const fileJson = (file: FileRow): z.infer<typeof fileSchema> => ({
  cid: file.cid,
  original_filename: file.original_filename,
  size: file.size_bytes,
  content_type: file.content_type,
  pinned: file.state === 'pinned',
  uploaded_at: timeText(file.uploaded_at),
  state: file.state,
  error: file.error,
  kind: file.kind,
  origin: file.origin,
  group: file.group_id,
  meta: JSON.parse(file.meta) as Record<string, string>,
  view_count: file.view_count,
  last_accessed_at: file.last_accessed_at === 0 ? null : timeText(file.last_accessed_at)
})

/** A file, with what the cluster says of its pin; `infos` by CID. */
export const followedFileJson = (
  file: FileRow, infos: ReadonlyMap<string, Readonly<Record<string, string>>>
): z.infer<typeof followedFileSchema> =>
  ({ ...fileJson(file), info: { ...infos.get(file.cid) } })

/** A group as it is answered. */
export const groupSchema = z.object({ id: z.string(), name: z.string(), created_at: time })
/** A group of files as the API shows it. */
export const groupJson = ({ id, name, created_at: createdAt }: GroupRow): z.infer<typeof groupSchema> => ({
  id, name, created_at: timeText(createdAt)
})

/** What a file or a group may be called. */
export const nameText = z.string().trim().min(1).max(255)

const mostPairs = 1000

/** Metadata: pairs of texts. */
export const metaPairs = z.record(z.string().min(1).max(255), z.string().max(4096))
  .refine(pairs => Object.keys(pairs).length <= mostPairs, `metadata has more than ${mostPairs} pairs`)

/** The same in a query: `meta={"app":"my-app"}`. */
export const metaText = z.string().transform((text, context) => {
  try {
    const pairs = JSON.parse(text) as unknown
    const reason = invalidTextReason(pairs)
    if (reason != null) context.addIssue(reason)
    return pairs
  } catch {
    context.addIssue('it is not JSON')
    return z.NEVER
  }
}).pipe(metaPairs)
