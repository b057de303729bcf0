import type { CID } from 'multiformats/cid'
import { parseCid } from '../../../model/cid.ts'
import { jsonLinkTexts } from '../../../model/dag-json.ts'

/** The links of a DAG-JSON block in order. Throws when it isn't JSON, or a link is no CID. */
export function * jsonLinks (bytes: Uint8Array): Generator<CID> {
  for (const text of jsonLinkTexts(bytes)) yield parseCid(text)
}
