import type { TextReply } from '../../../http/answer/reply.ts'
import type { FileRow } from '../../../service/sql/tables.ts'
import type { Uploader, Uploads } from '../../../service/uploads/uploads.ts'
import { success, successDoc } from '../answers.ts'
import type { ServiceCall, ServiceRoute } from '../service-route.ts'
import { serviceRoute } from '../service-route.ts'
import { fileJson, fileSchema } from './file-json.ts'
import { readUploadForm } from './upload-form.ts'
import { uploadOptions, uploadRequest } from './upload-options.ts'

export interface UploadRoutesDeps { uploads: Uploads }

/** What a form may have beside its file. */
const formBytes = 64 * 1024

const uploaded = { status: 201, message: true, about: 'The file, whose CID is known. `pinned` tells whether it is pinned already.' }
const refusals = [
  { status: 404, about: 'There is no such group.' },
  { status: 409, about: 'Somebody else has ended the upload.' },
  { status: 422, about: 'It does not fit into the quota. Nothing is kept.' },
  { status: 451, about: 'The content is denied for legal reasons.' }
]

/** For who has a link. */
export const strangersDoc = [
  successDoc(
    fileSchema.pick({ cid: true, original_filename: true, size: true, content_type: true, pinned: true, uploaded_at: true }), uploaded
  ),
  ...refusals,
  { status: 403, about: 'The account is suspended, or the content denied.' },
  { status: 404, about: 'There is no such link, or it has expired, was revoked or is used up.' },
  { status: 413, about: 'It is larger than the link allows.' }
]

/** Uploads by form, by URL and by links for others. */
export function uploadRoutes ({ uploads }: UploadRoutesDeps): ServiceRoute[] {
  return [
    serviceRoute({
      method: 'POST',
      path: '/api/v1/files/upload',
      access: { permission: 'files:write' },
      query: uploadOptions,
      upload: 'multipart/form-data',
      doc: { tag: 'Files', summary: 'Upload a file, a directory or a CAR', responses: [successDoc(fileSchema, uploaded), ...refusals] },
      handler: async call => {
        const { user } = call.caller
        return await takeUpload(call, { user: user.id, workspace: user.workspace_id }, uploads)
      }
    })
  ]
}

/** For who has a link, and no right to know what the account has beside. */
function strangersJson (file: FileRow): Record<string, unknown> {
  const { cid, original_filename: name, size, content_type: type, pinned, uploaded_at: at } = fileJson(file)
  return { cid, original_filename: name, size, content_type: type, pinned, uploaded_at: at }
}

/** An upload in one request into the uploader's account: 201 with the file; by a link, with what was sent and no more. */
export async function takeUpload (
  call: ServiceCall<unknown, (typeof uploadOptions)['_output']>, uploader: Uploader, uploads: Pick<Uploads, 'upload'>
): Promise<TextReply> {
  const { fields, mostBytes, files } = await readUploadForm(call)
  try {
    const request = uploadRequest(call.query, fields)
    // of a directory nobody knows how much of the body is names
    const least = mostBytes == null || request.format === 'directory' ? 0 : Math.max(0, mostBytes - formBytes)
    const group = uploader.link?.group_id ?? request.group
    const { file } = await uploads.upload(
      uploader, { ...request, group, expected: { least, most: mostBytes } }, files, { signal: call.signal }
    )
    return success({
      status: 201, message: 'File uploaded successfully', data: uploader.link == null ? fileJson(file) : strangersJson(file)
    })
  } finally {
    await files.return()
  }
}
