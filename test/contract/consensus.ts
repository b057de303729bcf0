import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isClusterError } from '../../src/base/errors.ts'
import type { Consensus, PinsetChange } from '../../src/consensus/consensus.ts'
import { pinText } from '../../src/model/pin-json.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { cidFor, jsonText, listedPins, namesByCid, pinFor } from '../support/pins.ts'

export interface ConsensusSubject {
  consensus: Consensus
  start (): Promise<void>
  stop (): Promise<void>
  /** The same pinset after a stop. */
  reopen (): { consensus: Consensus, start (): Promise<void>, stop (): Promise<void> }
  close (): Promise<void>
}

/** The promises of `Consensus` and `PinState` that a single peer can show. */
export function consensusContract (name: string, open: () => Promise<ConsensusSubject>): void {
  describe(`consensus contract: ${name}`, () => {
    let subject: ConsensusSubject
    let consensus: Consensus
    let stop: () => Promise<void>

    beforeEach(async () => {
      subject = await open()
      consensus = subject.consensus
      stop = async () => subject.stop()
      await subject.start()
    })

    afterEach(async () => {
      await stop()
      await subject.close()
    })

    it('shows a pin everywhere once put resolves', async () => {
      const pin = pinFor('one', { metadata: { b: '2', a: '1' }, origins: ['/ip4/127.0.0.1/tcp/4001'], pinUpdate: cidFor('old') })

      await consensus.put(pin)

      assert.deepEqual(consensus.state.get(pin.cid), pin)
      assert.equal(consensus.state.has(pin.cid), true)
      assert.equal(consensus.state.size(), 1)
      assert.deepEqual(await listedPins(consensus.state), [pin])
      assert.equal(await jsonText(consensus.state), `${pinText(pin)}\n`)
    })

    it('keeps whole seconds and leaves out user allocations', async () => {
      const pin = {
        ...pinFor('one', { userAllocations: ['12D3KooWJByNWEoRe6QM5LKXjzeDenjeTjakeXyPCYKN6YJeX1ZP'] }),
        timestamp: Date.UTC(2030, 0, 1) + 123
      }

      await consensus.put(pin)

      assert.deepEqual(consensus.state.get(pin.cid), pinFor('one'))
    })

    it('replaces a pin that is put again', async () => {
      await consensus.put(pinFor('one'))
      await consensus.put({ ...pinFor('one'), name: 'renamed' })

      assert.equal(consensus.state.get(cidFor('one'))?.name, 'renamed')
      assert.equal(consensus.state.size(), 1)
      assert.equal((await jsonText(consensus.state)).split('\n').length, 2)
    })

    it('removes a pin', async () => {
      await consensus.put(pinFor('one'))
      await consensus.put({ ...pinFor('one'), name: 'renamed' })
      await consensus.put(pinFor('two'))

      await consensus.remove(cidFor('one'))

      assert.equal(consensus.state.get(cidFor('one')), undefined)
      assert.equal(consensus.state.size(), 1)
      assert.deepEqual(await namesByCid(consensus.state), { [cidFor('two').toString()]: 'two' })
      assert.ok(!(await jsonText(consensus.state)).includes('renamed'))
    })

    it('does nothing when what is removed is not there', async () => {
      const { heads } = consensus.progress()

      await consensus.remove(cidFor('never'))

      assert.equal(consensus.state.size(), 0)
      assert.deepEqual(consensus.progress().heads, heads)
    })

    it('remembers what was unpinned, over a restart and when it is pinned again; nothing of what it never had', async () => {
      await consensus.put(pinFor('one'))
      await consensus.put(pinFor('two'))
      await subject.stop()
      const again = subject.reopen()
      stop = async () => again.stop()
      await again.start()
      const { state } = again.consensus
      const remembered = async (): Promise<boolean[]> =>
        Promise.all(['one', 'two', 'never'].map(async name => state.wasUnpinned(cidFor(name))))
      const before = await remembered()

      await again.consensus.remove(cidFor('one'))
      const removed = await remembered()
      await again.consensus.put(pinFor('one'))

      assert.deepEqual(before, [false, false, false])
      assert.deepEqual(removed, [true, false, false])
      assert.deepEqual([await remembered(), state.has(cidFor('one'))], [[true, false, false], true])
    })

    it('takes a removed pin again', async () => {
      await consensus.put(pinFor('one'))
      await consensus.remove(cidFor('one'))
      await consensus.put(pinFor('one', { name: 'again' }))

      assert.equal(consensus.state.get(cidFor('one'))?.name, 'again')
      assert.equal(consensus.state.size(), 1)
    })

    it('takes many changes at once, the later one on a pin winning', async () => {
      const changes = Array.from({ length: 300 }, async (_, at) => consensus.put(pinFor(`pin ${at}`)))
      changes.push(consensus.remove(cidFor('pin 0')), consensus.put(pinFor('pin 1', { name: 'later' })))
      changes.push(consensus.remove(cidFor('pin 2')), consensus.put(pinFor('pin 2', { name: 'back' })))

      await Promise.all(changes)

      assert.equal(consensus.state.size(), 299)
      assert.equal(consensus.state.has(cidFor('pin 0')), false)
      assert.equal(consensus.state.get(cidFor('pin 1'))?.name, 'later')
      assert.equal(consensus.state.get(cidFor('pin 2'))?.name, 'back')
    })

    it('lists in the order of the keys, the same in both forms', async () => {
      await Promise.all(Array.from({ length: 1500 }, async (_, at) => consensus.put(pinFor(`pin ${at}`))))

      const pins = await listedPins(consensus.state)
      const text = await jsonText(consensus.state)

      assert.equal(pins.length, 1500)
      assert.equal(text, pins.map(pin => `${pinText(pin)}\n`).join(''))
      assert.deepEqual(pins.map(({ cid }) => pinKey(cid)), pins.map(({ cid }) => pinKey(cid)).toSorted())
    })

    it('hands out JSON in chunks that end with a newline', async () => {
      await Promise.all(Array.from({ length: 700 }, async (_, at) => consensus.put(pinFor(`pin ${at}`))))

      const chunks: Uint8Array[] = []
      for await (const chunk of consensus.state.jsonLines()) chunks.push(chunk)
      const lines: string[] = []
      for await (const batch of consensus.state.lines()) lines.push(...batch)

      assert.equal(lines.length, 700)
      assert.equal(lines.join(''), Buffer.concat(chunks).toString())
      assert.ok(chunks.length > 1)
      assert.ok(chunks.every(chunk => chunk.at(-1) === 10 && chunk.length < 128 * 1024))
    })

    it('stops a list when the signal aborts', async () => {
      await consensus.put(pinFor('one'))
      const reason = new Error('enough')

      await assert.rejects(
        async () => { for await (const _ of consensus.state.pins({ signal: AbortSignal.abort(reason) })) assert.fail() }, reason
      )
      await assert.rejects(
        async () => { for await (const _ of consensus.state.jsonLines({ signal: AbortSignal.abort(reason) })) assert.fail() }, reason
      )
    })

    it('tells listeners each visible change in order, before the caller knows', async () => {
      const log: string[] = []
      const told = (changes: readonly PinsetChange[]): void => {
        for (const { cid, pin } of changes) log.push(pin?.name ?? `no ${cid.equals(cidFor('one')) ? 'one' : '?'}`)
      }
      consensus.onChange(told)

      await consensus.put(pinFor('one')).then(() => log.push('put'))
      await consensus.put(pinFor('one'))
      await consensus.remove(cidFor('one')).then(() => log.push('removed'))
      await consensus.remove(cidFor('one'))

      assert.deepEqual(log, ['one', 'put', 'no one', 'removed'])
    })

    it('shows a change to its listeners when it tells them', async () => {
      const seen: unknown[] = []
      consensus.onChange(() => seen.push(consensus.state.get(cidFor('one'))?.name, consensus.state.size()))

      await consensus.put(pinFor('one'))

      assert.deepEqual(seen, ['one', 1])
    })

    it('tells a removed listener nothing and survives one that throws', async () => {
      const seen: number[] = []
      const remove = consensus.onChange(() => seen.push(1))
      consensus.onChange(() => { throw new Error('a fault of the listener') })
      consensus.onChange(() => seen.push(2))
      remove()

      await consensus.put(pinFor('one'))

      assert.deepEqual(seen, [2])
    })

    it('refuses a pin that is too large and keeps everything as it was', async () => {
      await assert.rejects(
        consensus.put(pinFor('one', { metadata: { large: 'x'.repeat(300_000) } })), err => isClusterError(err, 'PIN_TOO_LARGE')
      )

      assert.equal(consensus.state.size(), 0)
      await consensus.put(pinFor('two', { metadata: { large: 'x'.repeat(200_000) } }))
      assert.equal(consensus.state.size(), 1)
    })

    it('takes more at once than one delta may hold', async () => {
      await Promise.all(
        Array.from({ length: 12 }, async (_, at) => consensus.put(pinFor(`pin ${at}`, { metadata: { large: 'x'.repeat(200_000) } })))
      )

      assert.equal(consensus.state.size(), 12)
    })

    it('keeps the pinset over a restart and says NOT_READY when stopped', async () => {
      await consensus.put(pinFor('one'))
      await consensus.put(pinFor('two'))
      await consensus.remove(cidFor('two'))
      const before = consensus.progress()
      await subject.stop()

      await assert.rejects(consensus.put(pinFor('three')), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(consensus.remove(cidFor('one')), err => isClusterError(err, 'NOT_READY'))
      await assert.rejects(consensus.removeIf(pinFor('one')), err => isClusterError(err, 'NOT_READY'))
      const again = subject.reopen()
      stop = async () => again.stop()
      await again.start()
      assert.deepEqual(again.consensus.state.get(cidFor('one')), pinFor('one'))
      assert.equal(again.consensus.state.size(), 1)
      assert.equal(again.consensus.progress().height >= before.height, true)
      assert.deepEqual(await namesByCid(again.consensus.state), { [cidFor('one').toString()]: 'one' })
    })

    it('is settled once every change of the item that was under way shows', async () => {
      const seen: Array<string | undefined> = []
      const puts = [consensus.put(pinFor('one', { name: 'first' }))]
      const early = consensus.whenWritten(cidFor('one')).then(() => seen.push(consensus.state.get(cidFor('one'))?.name))
      await puts[0]
      puts.push(consensus.put(pinFor('one', { name: 'second' })))

      await consensus.whenWritten(cidFor('one'))
      await Promise.all([...puts, early, consensus.whenWritten(cidFor('two'))])

      assert.equal(consensus.state.get(cidFor('one'))?.name, 'second')
      assert.equal(seen.length, 1)
      assert.ok(['first', 'second'].includes(seen[0] ?? ''))
    })

    it('replaces a pin only when it is what was seen, when the turn comes too', async () => {
      const [one, other] = [pinFor('one'), pinFor('one', { name: 'other' })]
      await consensus.put(one)

      const early = await consensus.replaceIf(other, pinFor('one', { name: 'wrong' }))
      const done = await consensus.replaceIf(one, pinFor('one', { name: 'second' }))
      const [, late] = await Promise.all([consensus.put(other), consensus.replaceIf(pinFor('one', { name: 'second' }), one)])
      const missing = await consensus.replaceIf(pinFor('two'), pinFor('two'))

      assert.deepEqual([early, done, late, missing], [false, true, false, false])
      assert.deepEqual(await namesByCid(consensus.state), { [one.cid.toString()]: 'other' })
    })

    it('removes a pin only when it is what was seen, when the turn comes too', async () => {
      const [one, other] = [pinFor('one'), pinFor('one', { name: 'other' })]
      await consensus.put(one)

      const early = await consensus.removeIf(other)
      const [, late] = await Promise.all([consensus.put(other), consensus.removeIf(one)])
      const kept = consensus.state.get(one.cid)?.name
      const done = await consensus.removeIf(other)
      const again = await consensus.removeIf(other)

      assert.deepEqual([early, late, kept, done, again], [false, false, 'other', true, false])
      assert.deepEqual([consensus.state.has(one.cid), consensus.state.size()], [false, 0])
    })

    it('lets a later change go before one that waits for a certain pin', async () => {
      const [one, two] = [pinFor('one'), pinFor('two')]
      await Promise.all([consensus.put(one), consensus.put(two)])

      const replaced = consensus.replaceIf(one, pinFor('one', { name: 'second' }))
      const discarded = consensus.removeIf(two)
      await Promise.all(
        [consensus.put(pinFor('one', { name: 'third' })), consensus.put(pinFor('two', { name: 'third' })), replaced, discarded]
      )

      assert.deepEqual(Object.values(await namesByCid(consensus.state)), ['third', 'third'])
    })

    it('has one of two conditional changes that come at once', async () => {
      const one = pinFor('one')
      await consensus.put(one)

      const done = await Promise.all([consensus.removeIf(one), consensus.replaceIf(one, pinFor('one', { name: 'second' }))])

      assert.deepEqual(done, [true, false])
      assert.equal(consensus.state.has(one.cid), false)
    })

    it('takes nothing more after a drain, which finishes what was accepted', async () => {
      const changes: PinsetChange[] = []
      consensus.onChange(batch => changes.push(...batch))
      const put = consensus.put(pinFor('one'))

      await consensus.drain()
      const drained = changes.length

      await put
      await assert.rejects(consensus.put(pinFor('two')), err => isClusterError(err, 'NOT_READY'))
      assert.deepEqual([drained, changes.length, consensus.state.size()], [1, 1, 1])
    })

    it('finishes what was accepted when it stops', async () => {
      const puts = [consensus.put(pinFor('one')), consensus.put(pinFor('two'))]
      await subject.stop()
      await Promise.all(puts)
      const again = subject.reopen()
      stop = async () => again.stop()

      await again.start()

      assert.equal(again.consensus.state.size(), 2)
    })
  })
}
