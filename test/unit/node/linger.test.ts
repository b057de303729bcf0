import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { Linger } from '../../../src/node/linger.ts'
import { cidFor } from '../../support/pins.ts'
import { SimClock } from '../../support/sim-clock.ts'

describe('handing over the newest block at a stop', () => {
  let clock: SimClock
  let peers: number
  let linger: Linger

  beforeEach(() => {
    clock = new SimClock()
    peers = 1
    linger = new Linger({ peers: () => peers, clock, log: silentLogger })
  })

  /** How long the stop takes. Milliseconds. */
  async function stopped (meanwhile: () => void = () => {}): Promise<number> {
    const begin = clock.now()
    let end: number | undefined
    const stop = linger.stop().then(() => { end = clock.now() })
    await clock.advance(100)
    meanwhile()
    await clock.advance(5000)
    await stop
    return (end ?? 0) - begin
  }

  it('waits until somebody has fetched it', async () => {
    linger.committed(cidFor('block'))

    assert.equal(await stopped(() => linger.served(cidFor('block'))), 150)
  })

  it('waits for a second at most', async () => {
    linger.committed(cidFor('block'))

    assert.equal(await stopped(() => linger.served(cidFor('another'))), 1000)
  })

  for (const [why, prepare] of [
    ['was fetched before', () => linger.served(cidFor('block'))],
    ['is old', () => clock.advance(60_000)],
    ['has nobody to go to', () => { peers = 0 }]
  ] as const) {
    it(`doesn't wait when the block ${why}`, async () => {
      linger.committed(cidFor('block'))
      await prepare()

      assert.equal(await stopped(), 0)
    })
  }

  it('doesn\'t wait when nothing was written', async () => {
    assert.equal(await stopped(), 0)
  })
})
