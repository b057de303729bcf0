import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecentChecks } from '../../../../src/blockstore/segments/recent-checks.ts'

const at = (offset: number, segment = 1): { segment: number, offset: number, length: number } => ({ segment, offset, length: 10 })

describe('records that were found right', () => {
  it('need no other look for the time that is set, and never longer', () => {
    let now = 1000
    const checks = new RecentChecks({ keepMs: 100, most: 100 }, { time: () => now })
    const lasted: number[] = []

    for (let from = 0; from < 100; from += 7) {
      now += 1000 + from
      checks.add(at(from))
      const begun = now
      while (checks.has(at(from))) now++
      lasted.push(now - begun)
    }

    assert.ok(lasted.every(ms => ms >= 50 && ms <= 100), String(lasted))
  })

  it('are told apart by segment and offset', () => {
    const checks = new RecentChecks({ keepMs: 100, most: 100 }, { time: () => 0 })

    checks.add(at(5, 1))

    assert.deepEqual([at(5, 1), at(5, 2), at(6, 1), at(2 ** 31, 0)].map(place => checks.has(place)), [true, false, false, false])
  })

  it('are forgotten when they are many, the eldest first', () => {
    const checks = new RecentChecks({ keepMs: 100, most: 10 }, { time: () => 0 })

    for (let offset = 0; offset < 30; offset++) checks.add(at(offset))
    const known = Array.from({ length: 30 }, (_, offset) => checks.has(at(offset)))

    assert.ok(known.filter(Boolean).length <= 10)
    assert.deepEqual([known[0], known[29]], [false, true])
  })
})
