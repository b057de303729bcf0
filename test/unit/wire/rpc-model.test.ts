import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import type { PinInfo } from '../../../src/model/pin-info.ts'
import { zeroTime } from '../../../src/model/time.ts'
import { pinInfoToWire } from '../../../src/wire/rpc-model.ts'

const info = (metadata: PinInfo['metadata']): PinInfo => ({
  cid: CID.parse('QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN'), name: '', peer: '', allocations: null, origins: null, created: zeroTime,
  metadata,
  peerName: '', ipfsPeerId: '', ipfsPeerAddresses: [], status: 'pinned', timestamp: zeroTime, error: '', attemptCount: 0, priorityPin: false
})

describe('pinInfoToWire', () => {
  it('leaves out metadata that is empty or not known, as Go does', () => {
    const [empty, unknown, some] = [{}, null, { a: 'b' }].map(metadata => pinInfoToWire(info(metadata)))

    assert.ok(!Object.hasOwn(empty as object, 'metadata'))
    assert.ok(!Object.hasOwn(unknown as object, 'metadata'))
    assert.deepEqual(some?.metadata, { a: 'b' })
  })
})
