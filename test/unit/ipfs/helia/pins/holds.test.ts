import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Holds } from '../../../../../src/ipfs/helia/pins/holds.ts'
import { BlockProtection } from '../../../../../src/ipfs/helia/repository/protection.ts'
import { silentLogger } from '../../../../../src/base/log.ts'
import { systemRandom } from '../../../../../src/base/system.ts'
import { aCid } from '../../../../support/cluster/values.ts'
import { PeerClock, SimClock } from '../../../../support/sim-clock.ts'

const hourMs = 3_600_000

function open (sync: () => Promise<void> = async () => {}) {
  const world = new SimClock()
  const clock = new PeerClock(world, 0)
  const protection = new BlockProtection({ folder: '/nowhere' }, { random: systemRandom, log: silentLogger })
  const holds = new Holds({ protection, store: async () => {}, sync, clock })
  /** Holds, guards behind them, timers that run. */
  const left = (): number[] => [holds.size, protection.size, clock.pending]
  return { world, holds, left }
}

describe('holds of adds', () => {
  it('end with the block that made them, whatever it was for', async () => {
    const { holds, left } = open()

    const use = async (): Promise<void> => {
      using hold = holds.hold()
      await hold.keepUntilPinned(aCid('a'))
      throw new Error('the add breaks off')
    }

    await assert.rejects(use)
    assert.deepEqual(left(), [0, 0, 0])
  })

  it('end when the disk can not keep the blocks', async () => {
    const { holds, left } = open(async () => { throw new Error('the disk is full') })

    const use = async (): Promise<void> => {
      using hold = holds.hold()
      await hold.put([])
      await hold.keepUntilPinned(aCid('a'))
      hold.handOver([aCid('a')])
    }

    await assert.rejects(use)
    assert.deepEqual(left(), [0, 0, 0])
  })

  it('sync once, and only when something was put without', async () => {
    let syncs = 0
    const { holds } = open(async () => { syncs++ })
    using hold = holds.hold()

    await hold.keepUntilPinned(aCid('a'))
    assert.equal(syncs, 0)
    await hold.put([])
    for (const name of ['b', 'c']) await hold.keepUntilPinned(aCid(name))

    assert.equal(syncs, 1)
  })

  it('that were handed over wait for all of their roots', async () => {
    const { holds, left } = open()
    const use = async (): Promise<void> => {
      using hold = holds.hold()
      for (const name of ['a', 'b', 'c']) await hold.keepUntilPinned(aCid(name))
      hold.handOver([aCid('a'), aCid('b')])
    }
    await use()

    holds.settled(aCid('a'))
    holds.settled(aCid('c'))
    const waiting = left()
    holds.settled(aCid('b'))

    assert.deepEqual([waiting, left()], [[1, 1, 1], [0, 0, 0]])
  })

  it('end at once when nothing is left to wait for', async () => {
    const { holds, left } = open()
    using one = holds.hold()
    using other = holds.hold()
    for (const hold of [one, other]) await hold.keepUntilPinned(aCid('a'))

    holds.settled(aCid('a'))
    one.handOver([aCid('a')])
    other.handOver([])

    assert.deepEqual(left(), [0, 0, 0])
  })

  it('wait for an hour, each from when it was handed over', async () => {
    const { world, holds, left } = open()
    using hold = holds.hold()
    await hold.keepUntilPinned(aCid('a'))
    await world.advance(2 * hourMs)
    hold.handOver([aCid('a')])

    await world.advance(hourMs - 1)
    const before = left()
    await world.advance(1)

    assert.deepEqual([before, left()], [[1, 1, 1], [0, 0, 0]])
  })

  it('of two adds of the same content end together', async () => {
    const { holds, left } = open()
    for (let add = 0; add < 2; add++) {
      using hold = holds.hold()
      await hold.keepUntilPinned(aCid('a'))
      hold.handOver([aCid('a')])
    }

    const before = left()
    holds.settled(aCid('a'))

    assert.deepEqual([before, left()], [[2, 2, 2], [0, 0, 0]])
  })
})
