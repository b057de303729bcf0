import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BlockProtection } from '../../../../../src/ipfs/helia/repository/protection.ts'
import { plainBlockSet } from '../../../../../src/ipfs/helia/walk/block-set.ts'
import { systemRandom } from '../../../../../src/base/system.ts'
import { numberedBlocks } from '../../../../support/blocks.ts'
import { silentLogger } from '../../../../../src/base/log.ts'

describe('a guard', () => {
  for (const count of [1, 8, 9, 40]) {
    it(`keeps each of ${count} blocks from a collection, and no other`, async () => {
      const protection = new BlockProtection({ folder: '/nowhere' }, { random: systemRandom, log: silentLogger })
      const cids = numberedBlocks(count + 1).map(({ cid }) => cid)
      const guard = protection.guard()
      for (const cid of cids.slice(1)) await guard.protect([cid, cid])

      const collection = await protection.collect(plainBlockSet())

      assert.deepEqual(cids.map(cid => collection.keeps(cid.multihash.bytes)), [false, ...cids.slice(1).map(() => true)])
      guard.release()
      collection.end()
    })
  }
})
