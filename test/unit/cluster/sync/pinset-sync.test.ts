import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import type { Members } from '../../../../src/cluster/peers/members.ts'
import { PinsetSync } from '../../../../src/cluster/sync/pinset-sync.ts'
import type { PinsetSyncDeps } from '../../../../src/cluster/sync/pinset-sync.ts'
import { claimOf } from '../../../../src/consensus/pinset-digest.ts'
import type { Announcement, PinsetDigests, PinsetParts } from '../../../../src/consensus/pinset-digest.ts'
import { nanoseconds } from '../../../../src/model/metric.ts'
import type { Metric } from '../../../../src/model/metric.ts'
import { formatPinsetClaim } from '../../../../src/model/pinset-metric.ts'
import { cidFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const signal = new AbortController().signal
const [stateSyncIntervalMs, monitorPingIntervalMs] = [60_000, 5000]
const heads = [cidFor('head')]
const own = { pins: 1, digest: 'aa'.repeat(32), heads, isComplete: true }
/** The same heads, another digest. */
const otherClaim = formatPinsetClaim({ ...claimOf(own), digest: 'bb'.repeat(32) })

/** A pinset with one key. */
const partsOf = (digest: string): PinsetParts => ({
  cells: async () => [{ prefix: '/AFK', pins: 1, digest }], groups: async () => [], keys: async () => [{ key: '/AFKA', digest }]
})

/** A peer, and another one `p` whose `claim` came `ageMs` ago, and holds for `leftMs` by its own words; `comparisons`: how often it was asked for its keys. */
function watching (
  { claim, announced, ageMs = 0, leftMs = 0 }: { claim: () => string, announced: boolean, ageMs?: number, leftMs?: number }
) {
  const clock = new SimClock()
  const announcements = new Map<string, Announcement>(announced ? [['p', { heads, at: 0 }]] : [])
  let comparisons = 0
  const digests = {
    point: () => own, isMerged: () => true, announced: () => announcements, fetch: () => {}, ...partsOf('one')
  } as unknown as PinsetDigests
  const deps: PinsetSyncDeps = {
    consensus: { trusts: () => true, onChange: () => () => {} },
    digests,
    remotePinsets: { parts: () => {
      comparisons++
      return { areMerged: async () => true, heads: async () => heads, ...partsOf('other') }
    } } as unknown as NonNullable<PinsetSyncDeps['remotePinsets']>,
    monitor: { lastKnown: () => [{
      peer: 'p', value: claim(), receivedAt: nanoseconds(clock.now() - ageMs), expire: nanoseconds(clock.now() + leftMs), valid: true
    } as Metric] },
    members: { self: 'me', list: () => ['me', 'p'], ping: () => ({ peerName: 'other' }) } as unknown as Members,
    clock, log: silentLogger
  }
  const sync = new PinsetSync({ stateSyncIntervalMs, monitorPingIntervalMs }, deps)
  const alarms: string[] = []
  sync.onChange(({ state }) => alarms.push(state))
  return {
    alarms, comparisons: () => comparisons, row: () => sync.rows()[0],
    pass: async (forMs: number) => {
      for (let ms = 0; ms < forMs; ms += monitorPingIntervalMs) {
        for (const worker of sync.workers()) await worker.work(signal)
        await clock.advance(monitorPingIntervalMs)
      }
    }
  }
}

describe('a peer that tells a digest', () => {
  it('of this version raises the alarm when it differs', async () => {
    const { alarms, pass, row } = watching({ claim: () => otherClaim, announced: true })

    await pass(2 * stateSyncIntervalMs)

    assert.deepEqual([row()?.state, alarms], ['out_of_sync', ['out_of_sync']])
  })

  it('is compared by it as long as the peer says, when that speaks less often than this one', async () => {
    const told = async (ageMs: number, leftMs: number): Promise<string | null | undefined> => {
      const { pass, row } = watching({ claim: () => formatPinsetClaim(claimOf(own)), announced: true, ageMs, leftMs })
      await pass(3 * monitorPingIntervalMs)
      return row()?.by
    }

    assert.equal(await told(4 * monitorPingIntervalMs, 1000), 'digest')
    assert.equal(await told(4 * monitorPingIntervalMs, 0), 'heads', 'its time is over')
    assert.equal(await told(stateSyncIntervalMs, 1000), 'heads', 'its clock may be ahead')
  })

  for (const version of [1, 3]) {
    const claim = (): string => otherClaim.replace('"v":2', `"v":${version}`)

    it(`of version ${version} is unknown and raises no alarm: its digest can't be compared`, async () => {
      const { alarms, comparisons, pass, row } = watching({ claim, announced: false })

      await pass(5 * stateSyncIntervalMs)

      assert.deepEqual([row()?.state, row()?.by, row()?.digest, alarms, comparisons()], ['unknown', null, null, [], 0])
    })

    it(`of version ${version} is known by the heads that it announces, as Go's peers, and raises no alarm`, async () => {
      const { alarms, comparisons, pass, row } = watching({ claim, announced: true })

      await pass(5 * stateSyncIntervalMs)

      assert.deepEqual([row()?.state, row()?.by, row()?.digest, alarms, comparisons()], ['in_sync', 'heads', null, [], 0])
    })
  }

  it('is compared anew from the moment on at which it is of this version, too', async () => {
    let claim = otherClaim.replace('"v":2', '"v":1')
    const { alarms, pass, row } = watching({ claim: () => claim, announced: true })
    await pass(3 * stateSyncIntervalMs)

    claim = otherClaim
    await pass(stateSyncIntervalMs / 2)
    assert.deepEqual([row()?.state, alarms], ['differs', []])
    claim = formatPinsetClaim(claimOf(own))
    await pass(stateSyncIntervalMs / 2)

    assert.deepEqual([row()?.state, row()?.by, alarms], ['in_sync', 'digest', []])
  })
})
