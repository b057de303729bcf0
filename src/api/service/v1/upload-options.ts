import { z } from 'zod'
import { invalidArgument } from '../../../base/errors.ts'
import type { UploadRequest } from '../../../service/uploads/uploads.ts'
import { metaText, nameText } from './file-json.ts'

const flag = z.enum(['true', 'false', '1', '0', '']).transform(text => text === 'true' || text === '1')

/** What an upload may say of itself, in the query or as fields of the form before the file. */
export const uploadOptions = z.object({
  pin: z.enum(['now', 'on-access']).describe(
    '`now` (default): pinned when the answer comes. `on-access`: kept aside, and pinned when somebody first asks for it at the gateway.'
  ),
  directory: flag.describe('`true`: a directory, of as many files as there are parts, each with its path as its filename.'),
  format: z.enum(['file', 'car']).describe('`car`: the file is a CARv1 with one root, whose blocks are taken as they are.'),
  name: nameText.describe('What the list shows instead of the filename; of a directory instead of the folder that all paths begin with.'),
  group: z.string().max(100).describe('ID of a group.'),
  meta: metaText.describe('JSON object of texts.')
}).partial()

/** What query and form ask for together; where both say something, the form counts. INVALID_ARGUMENT names the field that is wrong. */
export function uploadRequest (
  query: z.infer<typeof uploadOptions>, fields: Readonly<Record<string, string>>
): Omit<UploadRequest, 'expected'> {
  const given = uploadOptions.safeParse(fields)
  if (!given.success) {
    throw invalidArgument(given.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  }
  const { pin = 'now', directory = false, format = 'file', name = '', group, meta = {} } = { ...query, ...given.data }
  if (directory && format === 'car') {
    throw invalidArgument('a CAR is a directory by its own root: directory=true does not go with format=car')
  }
  return { pin, format: directory ? 'directory' : format, name, group: group == null || group === '' ? null : group, meta }
}
