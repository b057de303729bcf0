import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { blockSet } from '../../../../../src/ipfs/helia/walk/block-set.ts'
import { numberedBlocks } from '../../../../support/blocks.ts'
import { SeededRandom } from '../../../../support/sim-clock.ts'

const deps = { random: new SeededRandom(1) }
const multihashes = numberedBlocks(3000, 8).map(({ cid }) => cid.multihash.bytes)

describe('set of blocks', () => {
  let folder: string

  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'helia-cluster-set-')) })
  afterEach(async () => rm(folder, { recursive: true, force: true }))

  it('knows what was added, and tells kinds apart', async () => {
    const set = blockSet({ folder: join(folder, 'set') }, deps)

    const first = multihashes.map(multihash => set.add(multihash))
    const again = multihashes.map(multihash => set.add(multihash))

    assert.ok(first.every(Boolean) && !again.some(Boolean))
    assert.equal(set.has(multihashes[0]!, 1), false)
    assert.equal(set.add(multihashes[0]!, 1), true)
    assert.equal(set.has(multihashes[0]!, 2 ** 32 + 1), false)
  })

  it('goes on in its folder when memory is full, and removes it', async () => {
    const set = blockSet({ folder: join(folder, 'set'), memoryBytes: 16 * 256 }, deps)

    for (const [n, multihash] of multihashes.slice(0, 2000).entries()) {
      assert.equal(set.add(multihash), true)
      if (n % 100 === 0) await set.room()
    }
    await set.room()
    const wasThere = existsSync(join(folder, 'set'))

    assert.ok(multihashes.slice(0, 2000).every(multihash => set.has(multihash) && !set.add(multihash)))
    assert.ok(!multihashes.slice(2000).some(multihash => set.has(multihash)))
    await set.close()
    assert.deepEqual([wasThere, existsSync(join(folder, 'set'))], [true, false])
  })

  it('is right while a full table is on its way, also for those who do not wait', async () => {
    const set = blockSet({ folder: join(folder, 'set'), memoryBytes: 16 * 64 }, deps)

    for (const multihash of multihashes) set.add(multihash)

    assert.ok(multihashes.every(multihash => set.has(multihash) && !set.add(multihash)))
    await set.close()
  })

  it('tells short and weak digests apart too', () => {
    const set = blockSet({ folder: join(folder, 'set') }, deps)
    const weak = [
      [0x11, 2, 1, 2], [0x11, 2, 1, 3], [0x22, 4, 1, 2, 3, 4], [0xb2, 0x20, 2, 1, 2], [0, 1, 7]
    ].map(bytes => Uint8Array.from(bytes))

    assert.deepEqual(weak.map(multihash => set.add(multihash)), weak.map(() => true))
    assert.deepEqual(weak.map(multihash => set.add(multihash)), weak.map(() => false))
  })
})
