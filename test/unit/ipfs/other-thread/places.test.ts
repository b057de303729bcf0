import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BlockPlace } from '../../../../src/blockstore/blockstore.ts'
import { cidOf, blockKeyOf, packPlaces } from '../../../../src/ipfs/other-thread/calls.ts'
import { threadPendingImports } from '../../../../src/ipfs/other-thread/pending-imports.ts'
import { Places } from '../../../../src/ipfs/other-thread/places.ts'
import { ThreadRefusals } from '../../../../src/ipfs/other-thread/refusals.ts'
import { ClusterError } from '../../../../src/base/errors.ts'
import { identityCid, numberedBlock } from '../../../support/blocks.ts'
import { quietMs } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const cids = Array.from({ length: 600 }, (_, n) => numberedBlock(n).cid)
const [one, two] = cids as [typeof cids[0], typeof cids[0]]
const place: BlockPlace = { segment: 3, offset: 2 ** 31 + 5, length: 70_000 }

/** Another thread that has places of some blocks. */
function askedOf (has: (key: string) => BlockPlace | undefined, size = 1000) {
  const asked: Array<readonly string[]> = []
  let gate = Promise.resolve()
  const call = async (_name: string, keys: unknown): Promise<never> => {
    asked.push(keys as string[])
    await gate
    return packPlaces((keys as string[]).map(has)) as never
  }
  return { places: new Places({ size }, { calls: { call } }), asked, hold: (until: Promise<void>) => { gate = until } }
}

describe('places of blocks, as another thread tells them', { timeout: quietMs(5000) }, () => {
  it('come in one question for all that is asked in a turn, 256 at most', async () => {
    const { places, asked } = askedOf(() => place)

    const found = await Promise.all([...cids, one].map(async cid => places.find(cid)))

    assert.ok(found.every(one => JSON.stringify(one) === JSON.stringify(place)))
    assert.deepEqual(asked.map(({ length }) => length), [256, 256, 88])
  })

  it('are asked for once; that there is none, each time', async () => {
    const { places, asked } = askedOf(key => key === blockKeyOf(one) ? place : undefined)

    for (let n = 0; n < 3; n++) await Promise.all([places.find(one), places.find(two)])

    assert.deepEqual(asked.map(({ length }) => length), [2, 1, 1])
    assert.deepEqual([places.known(one), places.known(two)], [place, undefined])
  })

  it('are forgotten when they change, those on their way, too', async () => {
    const { places, asked, hold } = askedOf(() => place)
    await places.find(one)
    const answered = Promise.withResolvers<void>()
    hold(answered.promise)
    const onItsWay = places.find(two)
    await new Promise(resolve => setImmediate(resolve))

    places.clear()
    answered.resolve()
    await onItsWay

    assert.deepEqual([places.known(one), places.known(two), asked.length], [undefined, undefined, 2])
  })

  it('are remembered in bounded memory: what is asked for again stays', async () => {
    const { places } = askedOf(() => place, 100)
    await places.find(one)

    for (const cid of cids.slice(1)) {
      await places.find(cid)
      assert.ok(places.known(one) != null)
    }

    assert.ok(cids.filter(cid => places.known(cid) != null).length <= 100)
  })

  it('go by a key that any CID can be made from again', () => {
    for (const cid of [one, numberedBlock(7).cid, identityCid('abc')]) {
      assert.equal(blockKeyOf(cidOf(blockKeyOf(cid))), blockKeyOf(cid))
      assert.ok(cidOf(blockKeyOf(cid)).equals(cid.toV1()))
    }
  })
})

describe('what is denied in another thread', () => {
  it('is asked for only while there are rules, and what is allowed once', async () => {
    const asked: unknown[] = []
    const refusals = new ThreadRefusals({ calls: { call: async (_name: string, args: unknown): Promise<never> => {
      asked.push(args)
      if (JSON.stringify(args).includes('bad')) throw new ClusterError('DENIED')
      return undefined as never
    } } })

    assert.equal(refusals.path('/ipfs/bad'), undefined)
    refusals.changed(true)
    await assert.rejects(async () => refusals.path('/ipfs/bad'), { code: 'DENIED' })
    await assert.rejects(async () => refusals.path('/ipfs/bad'), { code: 'DENIED' })
    await refusals.path('/ipfs/good')
    await refusals.cids([one, two])

    assert.deepEqual([refusals.path('/ipfs/good'), refusals.cids([two])], [undefined, undefined])
    assert.equal(asked.length, 4)
    refusals.changed(true)
    assert.ok(refusals.path('/ipfs/good') instanceof Promise)
  })
})

describe('content that another thread makes', () => {
  it('is asked about once a second', async () => {
    const clock = new SimClock()
    let asked = 0
    const calls = { call: async (): Promise<never> => { asked++; return undefined as never } }
    const pendingImport = threadPendingImports({ calls, clock })

    await pendingImport(one)
    assert.equal(pendingImport(one), undefined)
    await clock.advance(1000)
    await pendingImport(one)

    assert.equal(asked, 2)
  })
})
