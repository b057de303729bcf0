import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AddedOutput, AddParams, UploadEntry } from '../../../../src/model/add.ts'
import { importEntries } from '../../../support/imports.ts'
import { FakeCluster } from '../../../support/fake-cluster.ts'
import { metadataUpload, readMetadataCases } from '../../../support/metadata-cases.ts'
import { jsonLinesOf, jsonOf, proxyPeer } from '../../../support/proxy-peer.ts'

/** A cluster whose adds are imported for real. */
class ImportingCluster extends FakeCluster {
  override async * add (entries: AsyncIterable<UploadEntry>, params: AddParams): AsyncIterable<AddedOutput> {
    const { wrap, progress } = params
    for await (const output of importEntries(entries, params, { write: () => {} }, { wrap, progress })) yield { ...output, allocations: [] }
  }
}

describe('UnixFS metadata of an add, as Kubo keeps it', () => {
  for (const { name, query, parts, lines, refused } of readMetadataCases()) {
    it(name, async () => {
      const peer = proxyPeer({ cluster: new ImportingCluster() })

      const reply = await peer.ask(`add?${query}`, metadataUpload(parts))

      if (refused != null) assert.deepEqual([reply.status, jsonOf(reply).Message], [refused.status, refused.message])
      else assert.deepEqual(jsonLinesOf(reply).slice(-lines.length), lines)
    })
  }
})
