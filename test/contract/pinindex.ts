import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import { pinningStatuses } from '../../src/model/pinning-service.ts'
import type { FoundPins, IndexEntry, PinIndex, PinQuery } from '../../src/pinindex/pinindex.ts'

export interface PinIndexSubject {
  index: PinIndex
  /** Another handle on the same data, for use after `index` was stopped; undefined when nothing outlives a stop. */
  reopen: (() => PinIndex) | undefined
  close (): Promise<void>
}

const second = Date.UTC(2030, 0, 1)
const all: PinQuery = { statuses: pinningStatuses, limit: 1000 }

const entry = (cid: string, more: Partial<IndexEntry> = {}): IndexEntry => ({ cid, name: '', metadata: {}, timestamp: second, ...more })
const cidsOf = ({ pins }: Pick<FoundPins, 'pins'>): string => pins.map(({ cid }) => cid).join(' ')

/** The promises of `PinIndex`. */
export function pinIndexContract (name: string, open: () => Promise<PinIndexSubject>): void {
  describe(`pin index contract: ${name}`, () => {
    let subject: PinIndexSubject
    let index: PinIndex
    const put = (...entries: IndexEntry[]): string[] => index.put(entries, 'pinned')
    const createdOf = (cid: string): number => (index.get(cid)?.created ?? NaN) - second

    beforeEach(async () => {
      subject = await open()
      index = subject.index
      await index.start(new AbortController().signal)
    })

    afterEach(async () => {
      await index.stop()
      await subject.close()
    })

    it('gives the pins of one second a millisecond each, in the order of arrival', () => {
      put(entry('a'), entry('b'))
      put(entry('c', { timestamp: second + 700 }))

      assert.deepEqual(['a', 'b', 'c'].map(createdOf), [0, 1, 2])
    })

    it('goes on in the next second when one is full, and puts that second\'s own pins behind', () => {
      const many = Array.from({ length: 2500 }, (_one, at) => entry(`m${at}`))

      put(...many)
      put(entry('late', { timestamp: second + 2000 }), entry('after', { timestamp: second + 3000 }))

      assert.deepEqual(['m0', 'm999', 'm1000', 'm2499', 'late', 'after'].map(createdOf), [0, 999, 1000, 2499, 2500, 3000])
      assert.equal(new Set(index.following(undefined, 9999).map(({ created }) => created)).size, 2502)
    })

    it('keeps the creation time while the second stays, and moves the pin when it changes', () => {
      put(entry('a'), entry('b'), entry('c', { timestamp: second + 5000 }))

      const changed = put(entry('a', { name: 'new' }), entry('b', { timestamp: second + 5000 }), entry('c', { timestamp: second + 5000 }))

      assert.deepEqual(changed, ['a', 'b'])
      assert.deepEqual(['a', 'b', 'c'].map(createdOf), [0, 5001, 5000])
      assert.equal(index.size(), 3)
    })

    it('does not go back behind a pin that was removed while it runs', () => {
      put(entry('a'), entry('b'))
      index.remove(['b', 'unknown'])

      put(entry('c'))

      assert.equal(createdOf('c'), 2)
      assert.equal(index.size(), 2)
      assert.equal(index.get('b'), undefined)
    })

    it('takes times before 1970', () => {
      put(entry('old', { timestamp: -62_135_596_800_000 }), entry('older', { timestamp: -62_135_596_800_000 }))

      assert.equal(cidsOf({ pins: index.following(undefined, 10) }), 'old older')
    })

    it('lists newest first, counts everything, and pages by an exclusive time', async () => {
      put(...Array.from({ length: 25 }, (_one, at) => entry(`p${at}`)))

      const first = await index.find({ ...all, limit: 10 })
      const next = await index.find({ ...all, limit: 10, before: first.pins.at(-1)?.created ?? 0 })
      const last = await index.find({ ...all, after: second + 22 })

      assert.equal(cidsOf(first), 'p24 p23 p22 p21 p20 p19 p18 p17 p16 p15')
      assert.equal(cidsOf(next), 'p14 p13 p12 p11 p10 p9 p8 p7 p6 p5')
      assert.deepEqual([first.count, next.count], [25, 15])
      assert.equal(cidsOf(last), 'p24 p23')
    })

    it('keeps the status of a known pin, and lists only what has a status of the service', async () => {
      index.put([entry('a'), entry('b'), entry('c'), entry('d')], 'queued')
      index.setStatus(
        [{ cid: 'a', status: 'pinned' }, { cid: 'b', status: 'absent' }, { cid: 'c', status: 'unknown' }, { cid: 'gone', status: 'failed' }]
      )
      index.put([entry('a', { name: 'again' })], 'queued')

      assert.equal(cidsOf(await index.find({ ...all, statuses: ['pinned', 'failed'] })), 'a')
      assert.equal(cidsOf(await index.find(all)), 'd a')
      assert.equal(cidsOf(await index.find({ ...all, cids: ['a', 'b', 'c', 'd'], statuses: ['queued'] })), 'd')
      assert.equal(cidsOf({ pins: index.newest(['unknown', 'absent', 'queued'], 2) }), 'd c')
      assert.equal(index.get('b')?.status, 'absent')
    })

    it('compares names in four ways, also those that are not ASCII', async () => {
      put(entry('a', { name: 'Holiday Ärger.jpg' }), entry('b', { name: 'holiday ärger.jpg' }), entry('c', { name: '100%_x' }), entry('d'))
      const named = async (text: string, match: 'exact' | 'iexact' | 'partial' | 'ipartial'): Promise<string> =>
        cidsOf(await index.find({ ...all, name: { text, match } }))

      assert.equal(await named('holiday ärger.jpg', 'exact'), 'b')
      assert.equal(await named('HOLIDAY ÄRGER.jpg', 'iexact'), 'b a')
      assert.equal(await named('ay Ä', 'partial'), 'a')
      assert.equal(await named('AY ä', 'ipartial'), 'b a')
      assert.equal(await named('%', 'partial'), 'c')
      assert.equal(await named('a%', 'partial'), '')
    })

    it('finds pins by metadata: every pair must be there, and be it exactly', async () => {
      put(
        entry('a', { metadata: { app: 'x', k: 'v' } }), entry('b', { metadata: { app: 'x' } }),
        entry('c', { metadata: { k: '"app":"x"' } }), entry('d')
      )
      const having = async (metadata: Record<string, string>): Promise<string> => cidsOf(await index.find({ ...all, metadata }))

      assert.equal(await having({ app: 'x' }), 'b a')
      assert.equal(await having({ k: 'v', app: 'x' }), 'a')
      assert.equal(await having({ k: '"app":"x"' }), 'c')
      assert.equal(await having({ app: 'X' }), '')
      assert.equal(await having({ toString: 'x' }), '')
      assert.equal(await having({}), 'd c b a')
    })

    it('combines all that is asked for', async () => {
      put(
        ...Array.from(
          { length: 6000 }, (_one, at) => entry(`p${at}`, { name: at % 2 === 0 ? 'even' : 'odd', metadata: { third: String(at % 3) } })
        )
      )
      index.setStatus([{ cid: 'p6', status: 'failed' }])

      const found = await index.find({
        statuses: ['pinned'], name: { text: 'VE', match: 'ipartial' }, metadata: { third: '0' }, before: second + 25, limit: 3
      })
      const byName = await index.find({
        statuses: ['pinned', 'failed'], name: { text: 'even', match: 'exact' }, after: second + 3, before: second + 10, limit: 2
      })
      const byCid = await index.find({
        ...all, cids: ['p6', 'p8', 'p8', 'p9', 'nobody'], name: { text: 'even', match: 'exact' }, before: second + 8
      })

      assert.deepEqual([found.count, cidsOf(found)], [4, 'p24 p18 p12'])
      assert.deepEqual([byName.count, cidsOf(byName)], [3, 'p8 p6'])
      assert.deepEqual([byCid.count, cidsOf(byCid)], [1, 'p6'])
    })

    it('lets a search be given up', async () => {
      put(...Array.from({ length: 3000 }, (_one, at) => entry(`p${at}`)))
      const abort = new AbortController()

      const search = index.find({ ...all, name: { text: 'x', match: 'partial' } }, { signal: abort.signal })
      abort.abort(new Error('given up'))

      await assert.rejects(search, /given up/)
    })

    it('walks over all pins, oldest first', () => {
      put(...Array.from({ length: 7 }, (_one, at) => entry(`p${at}`)))

      const first = index.following(undefined, 4)

      assert.equal(cidsOf({ pins: first }), 'p0 p1 p2 p3')
      assert.equal(cidsOf({ pins: index.following(first.at(-1)?.created, 4) }), 'p4 p5 p6')
    })

    it('tells an entry that it has from one that would change something', () => {
      put(entry('a', { name: 'n', metadata: { b: '1', a: '2' } }))

      assert.equal(index.isSame(entry('a', { name: 'n', metadata: { a: '2', b: '1' }, timestamp: second + 999 })), true)
      assert.equal(index.isSame(entry('a', { name: 'n' })), false)
      assert.equal(index.isSame(entry('b')), false)
    })

    it('is the same after a restart, exact times and statuses included', async () => {
      if (subject.reopen == null) return
      put(entry('a', { name: 'n' }), entry('b'), entry('c'))
      index.setStatus([{ cid: 'b', status: 'failed' }])
      const before = index.following(undefined, 10)
      await index.stop()

      index = subject.reopen()
      await index.start(new AbortController().signal)
      put(entry('d'))

      assert.deepEqual(index.following(undefined, 3), before)
      assert.equal(createdOf('d'), 3)
      assert.equal(index.size(), 4)
    })

    it('is not ready before its start and after its stop', async () => {
      await index.stop()

      assert.throws(() => index.get('a'), err => isClusterError(err, 'NOT_READY'))
      assert.throws(() => index.put([], 'queued'), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(index.find(all), err => isClusterError(err, 'NOT_READY'))
    })
  })
}
