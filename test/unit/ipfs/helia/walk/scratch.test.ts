import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { PendingLinks } from '../../../../../src/ipfs/helia/walk/pending-links.ts'
import { walkScratch } from '../../../../../src/ipfs/helia/walk/scratch.ts'
import { cborOf, textBlock } from '../../../../support/dags.ts'
import { SeededRandom } from '../../../../support/sim-clock.ts'

const MiB = 1024 * 1024

it('walks share the memory of their waiting links: the more there are, the less each one gets', async () => {
  const scratch = walkScratch({ folder: join(tmpdir(), 'never-made') }, { random: new SeededRandom(1) })
  const alone = scratch.pendingBytes()

  const stacks = Array.from({ length: 128 }, () => scratch.stack())
  const ofMany = scratch.pendingBytes()
  await Promise.all(stacks.map(async stack => stack.close()))
  await stacks[0]?.close()

  assert.deepEqual([alone, ofMany, scratch.pendingBytes()], [8 * MiB, MiB / 2, 8 * MiB])
})

it('a walk gives up memory when others come', async () => {
  const leaf = textBlock('leaf').cid
  const blocks = new Map<string, Block>(Array.from({ length: 7 }, (_, n) => {
    const block = cborOf([leaf, leaf], `${n}${'x'.repeat(MiB)}`)
    return [block.cid.toString(), block]
  }))
  const scratch = walkScratch({ folder: join(tmpdir(), 'never-made') }, { random: new SeededRandom(1) })
  let readAgain = 0
  const pending = new PendingLinks({ memoryBytes: () => scratch.pendingBytes() }, {
    stack: scratch.stack(),
    read: async cid => {
      readAgain++
      return blocks.get(cid.toString())?.bytes ?? new Uint8Array(0)
    }
  })
  for (const block of blocks.values()) pending.push(block, -1)
  const wasFull = pending.isFull()

  const others = Array.from({ length: 63 }, () => scratch.stack())
  const isFull = pending.isFull()
  await pending.room()
  let links = 0
  while (!pending.isEmpty()) {
    if (pending.take() == null) await pending.load()
    else links++
  }

  // of those that were in memory one has its turn next
  assert.deepEqual([wasFull, isFull, links, readAgain], [false, true, 14, 6])
  await pending.close()
  await Promise.all(others.map(async stack => stack.close()))
})
