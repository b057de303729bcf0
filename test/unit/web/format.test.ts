import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findPath } from '../../../src/web/app/path-pattern.ts'
import { errorText } from '../../../src/web/data/errors.ts'
import {
  bytesText, durationText, exactBytes, msOfTime, percentText, relativeText, shortCid, shownName, timeText
} from '../../../src/web/data/format.ts'
import { notePeerTime, peerNow } from '../../../src/web/data/peer-time.ts'
import { agentWords } from '../../../src/web/pages/account/agent-words.ts'
import { pinCounts } from '../../../src/web/pages/home/pin-counts.ts'
import { daysOf } from '../../../src/web/pages/home/usage-days.ts'
import { nearestIndex, ticksFor } from '../../../src/web/ui/display/chart-scale.ts'

const now = new Date(2026, 10, 29, 14, 5, 7).getTime()
const day = 86_400_000

describe('what people read', () => {
  const sizes: Array<[bytes: number, text: string]> = [
    [0, '0 bytes'], [1, '1 byte'], [1023, '1,023 bytes'], [1024, '1 KiB'], [1536, '1.5 KiB'], [10 * 1024, '10 KiB'],
    [1024 ** 2 - 1, '1 MiB'], [1024 ** 3, '1 GiB'], [1_503_238_553, '1.4 GiB'], [NaN, 'unknown']
  ]
  for (const [bytes, text] of sizes) it(`has ${bytes} bytes as "${text}"`, () => { assert.equal(bytesText(bytes), text) })

  it('has the exact number of bytes', () => { assert.equal(exactBytes(1_503_238_553), '1,503,238,553 bytes') })

  it('is full only when it is', () => {
    assert.deepEqual([0, 0.001, 0.5, 0.999, 1, 1.2].map(percentText), ['0%', '<1%', '50%', '99%', '100%', '120%'])
  })

  it('has the two largest parts of a time', () => {
    assert.deepEqual(
      [0, 400, 59_000, 125_000, 3_600_000, 90_061_000].map(durationText), ['0 s', '<1 s', '59 s', '2 min 5 s', '1 h', '1 d 1 h']
    )
  })

  it('has times apart from now', () => {
    assert.deepEqual(
      [0, -5000, -180_000, 7_300_000].map(apart => relativeText(now + apart, { now })), ['just now', 'just now', '3 min ago', 'in 2 h']
    )
  })

  it('has sizes of messages as people have them', () => {
    assert.equal(
      errorText(new Error('the quota is used up: 12000000 bytes more are needed, 8000000 are left of 20000000')),
      'The quota is used up: 11 MiB more are needed, 7.6 MiB are left of 19 MiB.'
    )
    assert.equal(errorText(new Error('port 50000 is taken')), 'Port 50000 is taken.')
  })

  it('has days by their name when they are near', () => {
    assert.deepEqual(
      [timeText(now, { now }), timeText(now - day, { now }), timeText(now - 10 * day, { now })],
      ['today, 14:05', 'yesterday, 14:05', '19 Nov, 14:05']
    )
    assert.match(timeText(now - 400 * day, { now }), /^25 Oct 2025, /)
  })

  it('has no time for what never was', () => {
    assert.deepEqual(
      [msOfTime(null), msOfTime('0001-01-01T00:00:00Z'), msOfTime('1970-01-01T00:00:01Z'), msOfTime('soon')], [null, null, 1000, null]
    )
  })

  it('shows what can not be seen in a name', () => {
    assert.equal(shownName('a\u202egpj.exe\u0000\n'), 'a[U+202E]gpj.exe[U+0000][U+000A]')
    assert.equal(shownName('👩‍🚀 père.txt'), '👩‍🚀 père.txt')
  })

  it('shortens CIDs to both ends', () => {
    assert.equal(shortCid('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'), 'bafkreigh…4s52zy')
  })

  it('names browsers', () => {
    assert.equal(agentWords('Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0'), 'Firefox on Linux')
    assert.equal(
      agentWords(
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0'
      ),
      'Edge on Windows'
    )
    assert.deepEqual([agentWords(''), agentWords('curl/8.5.0')], ['Unknown program', 'curl/8.5.0'])
  })
})

describe('the paths of pages, in the browser', () => {
  it('gives what the pattern names, decoded', () => {
    assert.deepEqual(findPath([{ path: '/files/:cid' }], '/files/a%2Fb')?.params, { cid: 'a/b' })
    assert.deepEqual(findPath([{ path: '/docs/*' }], '/docs/a/b')?.params, { rest: 'a/b' })
    assert.equal(findPath([{ path: '/files/:cid' }], '/files'), null)
    assert.deepEqual(findPath([{ path: '/files/:cid' }], '/files/%zz')?.params, { cid: '%zz' })
  })

  it('takes the more literal one', () => {
    assert.equal(findPath([{ path: '/a/:b' }, { path: '/a/new' }], '/a/new')?.entry.path, '/a/new')
  })
})

describe('what the dashboard draws', () => {
  it('has an entry for each day, and what is stored goes on where nothing is known', () => {
    const at = Date.UTC(2026, 10, 29, 12)
    const usage = (date: string, stored: number) => ({ day: date, bytes_stored: stored, bytes_served: 7, requests: 1, views: 2 })

    const days = daysOf([usage('2026-11-20', 50), usage('2026-11-28', 80)], { count: 4, now: at })

    assert.deepEqual(days.map(({ views, bytesStored }) => [views, bytesStored]), [[0, 50], [0, 50], [2, 80], [0, 80]])
    assert.equal(days.at(-1)?.at, Date.UTC(2026, 10, 29))
  })

  it('counts files and pins together', () => {
    assert.deepEqual(
      pinCounts({ files_by_state: { pinned: 2, importing: 1, staged: 3 }, pins_by_status: { pinned: 1, failed: 1 } }),
      { pinned: 3, underWay: 1, failed: 1, stored: 3, unpinned: 0, pins: 5 }
    )
  })

  it('has round numbers at its axis', () => {
    assert.deepEqual(ticksFor(7), [0, 2, 4, 6, 8])
    assert.deepEqual(ticksFor(0), [0, 1])
    assert.deepEqual(ticksFor(300_000, { isBinary: true }), [0, 102_400, 204_800, 307_200])
  })

  it('reads the nearest point', () => {
    assert.equal(nearestIndex([{ at: 0, value: 1 }, { at: 10, value: 2 }, { at: 20, value: 3 }], 13), 1)
  })
})

describe('the time by the peer\'s clock', () => {
  const answer = (aheadMs: number, more: Record<string, string> = {}): Headers =>
    new Headers({ date: new Date(Date.now() + aheadMs).toUTCString(), ...more })
  const apart = (): number => Math.round((peerNow() - Date.now()) / 10_000) * 10

  it('follows answers that are of now, and not what a cache has kept', () => {
    const told = [
      answer(-2000), answer(3_600_000), answer(-day, { 'cache-control': 'private, max-age=60' }), answer(-day, { 'last-modified': 'x' }),
      new Headers(), answer(1000)
    ].map(headers => {
      notePeerTime(headers)
      return apart()
    })

    assert.deepEqual(told, [0, 3600, 3600, 3600, 3600, 0])
  })
})
