import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pinsetInformer } from '../../../../src/informer/pinset/pinset-informer.ts'
import { formatPinsetClaim, parsePinsetClaim } from '../../../../src/model/pinset-metric.ts'
import { cidFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const digest = 'ab'.repeat(32)

describe('the pinset metric', () => {
  it('tells the digest, the pins and the heads, whatever order these are in', async () => {
    const heads = [cidFor('a'), cidFor('b')]
    const claims = await Promise.all([heads, heads.toReversed()].map(async list => {
      const informer = pinsetInformer({ metricTtlMs: 30_000 }, {
        digests: { point: () => ({ pins: 3, digest, heads: list, isComplete: true }) }, clock: new SimClock()
      })
      const [metric] = await informer.metrics('self')
      return parsePinsetClaim(metric?.value ?? '')
    }))

    assert.deepEqual(claims[0], claims[1])
    assert.deepEqual({ ...claims[0], point: '' }, { pins: 3, digest, point: '', heads: heads.map(String).toSorted(), isComplete: true })
  })

  it('is none while the pinset is being counted', async () => {
    const informer = pinsetInformer({ metricTtlMs: 30_000 }, { digests: { point: () => undefined }, clock: new SimClock() })

    assert.deepEqual(await informer.metrics('self'), [])
  })

  it('is not read when it is anything else', () => {
    const good = { pins: 1, digest, point: 'cd'.repeat(16), heads: ['bafy'], isComplete: true }
    assert.deepEqual(parsePinsetClaim(formatPinsetClaim(good)), good)

    assert.ok(formatPinsetClaim(good).startsWith('{"v":2,'))

    const bad = [
      { ...good, pins: -1 }, { ...good, pins: 0.5 }, { ...good, digest: 'x' }, { ...good, point: 'AB'.repeat(16) },
      { ...good, heads: ['x'.repeat(200)] }
    ].map(formatPinsetClaim)
    for (const text of [
      ...bad, '', 'null', '[]', '1', formatPinsetClaim(good).replace('"v":2', '"v":1'), formatPinsetClaim(good).replace('true', '1')
    ]) assert.equal(parsePinsetClaim(text), undefined, text)
  })
})
