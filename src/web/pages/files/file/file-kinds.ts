import type { StoredFile } from '../../../../client/service/types.ts'
import type { IconName } from '../../../ui/icon-paths.ts'
import { previewKindOf } from '../retrieve/preview-kind.ts'

const icons = {
  image: 'image', audio: 'music', video: 'video', pdf: 'book', text: 'file', none: 'file'
} as const satisfies Record<string, IconName>

/** An icon by the content type and, where that says nothing, by the name. */
export function iconOfFile (
  { kind, content_type: type, original_filename: name }: Pick<StoredFile, 'kind' | 'content_type' | 'original_filename'>
): IconName {
  if (kind === 'directory') return 'folder'
  return kind === 'car' ? 'archive' : icons[previewKindOf({ type, name })]
}

/** What a file is, in the user's words where there are any. */
export const kindText = ({ kind, content_type: type }: Pick<StoredFile, 'kind' | 'content_type'>): string =>
  kind === 'directory' ? 'Folder' : kind === 'car' ? 'CAR' : type === 'application/octet-stream' || type === '' ? 'File' : type

/** How a file came. */
export const originTexts: Readonly<Record<StoredFile['origin'], string>> = {
  upload: 'Uploaded', cid: 'Pinned by its CID', pins: 'Pinned with the Pinning Service API (command line)'
}

/** Whether something is going to change by itself soon. */
export const isMoving = ({ state }: Pick<StoredFile, 'state'>): boolean => state === 'importing' || state === 'pinning'
