import type { AddParams, UploadEntry } from '../../model/add.ts'
import { carHeader } from '../../model/car.ts'
import { parseCid } from '../../model/cid.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import { addParams } from './add-params.ts'
import { tarEntries, tarKeyEnd } from './tar-entries.ts'

/** A file whose bytes are staged and not in the cluster. */
export type StagedFile = Pick<FileRow, 'cid' | 'kind'> & { staging_key: string }

/**
 * What lies under a file's `staging_key`: the content itself of a `file`; of a `car` the CARv1 as it was uploaded; of a `directory` the
 * sections of a CARv1 without its header, because the root is known only after the last of them, or (the key ends with `tarKeyEnd`) the tar
 * that it came as.
 */
export interface StagedContent {
  /** To be given to `ClusterApi.add`: makes the blocks that have the file's CID as their root. */
  entries: AsyncIterable<UploadEntry>
  params: AddParams
}

/** The content of a staged file as an add takes it: the bytes of a file, a tar or a CAR. */
export function stagedContent (
  { cid, kind, staging_key: key }: StagedFile, staging: Pick<Staging, 'read'>, options: { signal?: AbortSignal } = {}
): StagedContent {
  const bytes = staging.read(key, options)
  if (kind === 'directory' && key.endsWith(tarKeyEnd)) return { entries: tarEntries(bytes), params: addParams('directory') }
  const content = kind === 'directory' ? behindHeader(cid, bytes) : bytes
  return { entries: oneEntry(content), params: addParams(kind === 'file' ? 'file' : 'car') }
}

/** An upload with a single file, called "content": its name says nothing in its CID. */
export async function * oneEntry (content: AsyncIterable<Uint8Array>): AsyncGenerator<UploadEntry, void, undefined> {
  yield { kind: 'file', path: 'content', content }
}

async function * behindHeader (cid: string, sections: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield carHeader(parseCid(cid))
  yield * sections
}
