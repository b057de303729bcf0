import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WorkerRunner } from '../../../../../src/base/worker.ts'
import { silentLogger } from '../../../../../src/base/log.ts'
import { systemRandom } from '../../../../../src/base/system.ts'
import { followName } from '../../../../../src/ipfs/names.ts'
import { ipnsKeyText, ipnsRoutingKey } from '../../../../../src/model/ipns-name.ts'
import { newIdentity } from '../../../../../src/node/folder/identity.ts'
import { decodeIpnsRecord } from '../../../../../src/wire/ipns-record.ts'
import { makeNames, memoryKeys, memoryRouting } from '../../../../support/names.ts'
import { pollUntil } from '../../../../support/poll.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const hour = 3_600_000
const offline = { key: 'self', allowOffline: true }
const sequenceOf = (bytes: Uint8Array): bigint => decodeIpnsRecord(bytes).sequence

describe('names of the embedded node', () => {
  it('are published with a key and resolved in every form of the name', async () => {
    const { names, self } = makeNames({}, { clock: new SimClock() })

    await names.publish('/ipfs/bafkqaaa/a', { ...offline, ttlMs: 90_000 })

    for (const name of [self, ipnsKeyText(self)]) {
      assert.deepEqual(await names.resolveName(name), { value: '/ipfs/bafkqaaa/a', ttlSeconds: 90 })
    }
    assert.equal((await followName(`/ipns/${self}/b`, names)).value, '/ipfs/bafkqaaa/a/b')
  })

  it('are looked up in what is here without the routing, which is asked again by who may', async () => {
    const routing = memoryRouting()
    const { names, self } = makeNames({}, {
      clock: new SimClock(), routing: { ...routing, values: () => { throw new Error('the routing is asked') } }
    })
    await names.publish('/ipfs/bafkqaaa', offline)
    const stranger = newIdentity().id

    assert.equal((await names.resolveName(self, { local: 'keys' })).value, '/ipfs/bafkqaaa')
    for (const local of ['keys', 'all'] as const) {
      await assert.rejects(names.resolveName(stranger, { local }), { code: 'NOT_FOUND', message: 'could not resolve name' })
    }
    await assert.rejects(names.recordOf(stranger, { local: 'all' }), { code: 'NOT_FOUND' })
  })

  it('of domains are local as long as an answer is kept', async () => {
    let asked = 0
    const clock = new SimClock()
    const { names } = makeNames({}, { clock, txt: async () => { asked++; return { texts: ['dnslink=/ipfs/bafkqaaa'], ttlSeconds: 60 } } })
    await assert.rejects(names.resolveName('a.example', { local: 'all' }), { code: 'NOT_FOUND' })
    const before = asked
    await names.resolveName('a.example')

    const kept = await names.resolveName('a.example', { local: 'all' })

    assert.deepEqual([before, asked, kept.value], [0, 1, '/ipfs/bafkqaaa'])
    await clock.advance(61_000)
    await assert.rejects(names.resolveName('a.example', { local: 'all' }), { code: 'NOT_FOUND' })
  })

  it('get a higher sequence number only with another value, or the one that is asked for', async () => {
    const { names, self } = makeNames()
    const sequences: bigint[] = []

    for (
      const [value, sequence] of [
        ['/ipfs/bafkqaaa', undefined], ['/ipfs/bafkqaaa', undefined], ['/ipfs/bafkqaab', undefined], ['/ipfs/bafkqaab', 9n],
        ['/ipfs/bafkqaaa', undefined]
      ] as const
    ) {
      await names.publish(value, { ...offline, ...sequence == null ? {} : { sequence } })
      sequences.push(sequenceOf((await names.recordOf(self)).bytes))
    }

    assert.deepEqual(sequences, [0n, 0n, 1n, 9n, 10n])
    for (const sequence of [10n, 0n]) {
      await assert.rejects(names.publish('/ipfs/bafkqaaa', { ...offline, sequence }), { code: 'INVALID_ARGUMENT' })
    }
  })

  it('rise one by one when many are published at the same time', async () => {
    const { names, self } = makeNames()

    await Promise.all(Array.from({ length: 10 }, async (_, n) => names.publish(`/ipfs/bafkqaaa/${n}`, offline)))

    assert.equal(sequenceOf((await names.recordOf(self)).bytes), 9n)
    assert.equal((await names.resolveName(self)).value, '/ipfs/bafkqaaa/9')
  })

  it('are there after a restart', async () => {
    const [identity, keyFiles] = [newIdentity(), memoryKeys()]
    const before = makeNames({}, { identity, keyFiles })
    const { id } = await before.names.keys.generate('site', { type: 'ed25519' })
    await before.names.publish('/ipfs/bafkqaaa/1', { key: 'site', allowOffline: true })

    const { names } = makeNames({}, { identity, keyFiles, datastore: before.datastore })

    assert.equal((await names.resolveName(id)).value, '/ipfs/bafkqaaa/1')
    await names.publish('/ipfs/bafkqaaa/2', { key: id, allowOffline: true })
    assert.equal(sequenceOf((await names.recordOf(id)).bytes), 1n)
  })

  it('end with their validity, whether kept on the disk or in memory', async () => {
    const clock = new SimClock()
    const { names, self } = makeNames({}, { clock })
    await names.publish('/ipfs/bafkqaaa', { ...offline, lifetimeMs: 60_000 })
    assert.equal((await names.recordOf(self)).validUntil, clock.now() + 60_000)
    await clock.advance(59_000)
    assert.deepEqual(await names.resolveName(self), { value: '/ipfs/bafkqaaa', ttlSeconds: 1 })

    await clock.advance(1001)

    for (const fresh of [true, false]) await assert.rejects(names.resolveName(self, { fresh }), { code: 'NOT_FOUND' })
  })

  it('may be kept by others for the whole TTL each time without routing, and for what is left of it with routing', async () => {
    const left: Array<number | undefined> = []
    for (const deps of [{}, { routing: memoryRouting() }]) {
      const clock = new SimClock()
      const { names, self } = makeNames({}, { clock, ...deps })
      await names.publish('/ipfs/bafkqaaa', { ...offline, ttlMs: 90_000 })
      await clock.advance(30_000)
      left.push((await names.recordOf(self)).ttlSeconds, (await names.resolveName(self)).ttlSeconds)
    }

    assert.deepEqual(left, [90, 90, 60, 60])
  })

  it('need routing, or to be told that they stay here', async () => {
    const { names, self } = makeNames()

    await assert.rejects(names.publish('/ipfs/bafkqaaa', { key: 'self' }), { code: 'UNSUPPORTED' })
    await assert.rejects(names.publish('/ipfs/bafkqaaa', { key: 'nobody', allowOffline: true }), { code: 'NOT_FOUND' })
    await assert.rejects(names.resolveName(self), { code: 'NOT_FOUND' })
  })

  it('without a record, or of no kind at all, are told apart', async () => {
    const { names } = makeNames()

    await assert.rejects(
      names.resolveName('k51qzi5uqu5dgl9jqmkjw8beb5y2y0u3s4itvv4jyeqs5jtb7iyl1tb60i5gf5'),
      { code: 'NOT_FOUND', message: 'could not resolve name' }
    )
    await assert.rejects(names.resolveName('example.org'), { code: 'UNSUPPORTED' })
    for (const name of ['', 'a..b', 'x'.repeat(400)]) {
      await assert.rejects(names.resolveName(name), { code: 'INVALID_ARGUMENT', message: `cannot resolve: "/ipns/${name}"` })
    }
    await assert.rejects(names.recordOf('example.org'), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(
      names.resolveName('f01551220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
      { message: /^peer ID represented as CIDv1 require libp2p-key multicodec: retry with \/ipns\/b/ }
    )
  })

  it('that lead in a circle end with the limit', async () => {
    const { names, self } = makeNames()
    const { id } = await names.keys.generate('b', { type: 'ed25519' })
    await names.publish(`/ipns/${id}`, offline)
    await names.publish(`/ipns/${self}`, { ...offline, key: 'b' })

    await assert.rejects(followName(`/ipns/${self}`, names), {
      code: 'INVALID_DATA', message: 'could not resolve name (recursion limit exceeded)'
    })
  })

  it('may be fixed, before anything is asked', async () => {
    const { names, self } = makeNames({ fixed: new Map([['example.org', '/ipfs/bafkqaaa/x']]) })

    assert.deepEqual(await names.resolveName('example.org'), { value: '/ipfs/bafkqaaa/x', ttlSeconds: undefined })
    await assert.rejects(names.resolveName(self), { code: 'NOT_FOUND' })
  })
})

describe('records that somebody else signed', () => {
  it('are kept when they are newer, and refused when they can not be trusted', async () => {
    const [author, other] = [makeNames(), makeNames()]
    await author.names.publish('/ipfs/bafkqaaa/1', offline)
    const first = (await author.names.recordOf(author.self)).bytes
    await author.names.publish('/ipfs/bafkqaaa/2', offline)
    const second = (await author.names.recordOf(author.self)).bytes

    for (const record of [first, second, first]) await other.names.putRecord(author.self, record, { allowOffline: true })

    assert.equal((await other.names.resolveName(author.self)).value, '/ipfs/bafkqaaa/2')
    assert.deepEqual((await other.names.recordOf(author.self, { fresh: true })).bytes, second)
    await assert.rejects(other.names.putRecord(other.self, second, { allowOffline: true }), { code: 'INVALID_DATA' })
    await assert.rejects(other.names.putRecord(author.self, new Uint8Array(0), { allowOffline: true }), { code: 'INVALID_DATA' })
    await assert.rejects(other.names.putRecord(author.self, second), { code: 'UNSUPPORTED' })
  })
})

describe('names with routing', () => {
  it('go from one node to the other, the newest first of all', async () => {
    const routing = memoryRouting()
    const [author, reader] = [makeNames({}, { routing }), makeNames({}, { routing })]
    await author.names.publish('/ipfs/bafkqaaa/1', { key: 'self' })
    await author.names.publish('/ipfs/bafkqaaa/2', { key: 'self' })
    routing.kept.get(Buffer.from(ipnsRoutingKey(author.self)).toString('hex'))?.reverse()
    routing.kept.get(Buffer.from(ipnsRoutingKey(author.self)).toString('hex'))?.unshift(new TextEncoder().encode('nonsense'))

    assert.equal((await reader.names.resolveName(author.self, { fresh: true, recordCount: 1 })).value, '/ipfs/bafkqaaa/1')
    assert.equal((await reader.names.resolveName(author.self, { fresh: true })).value, '/ipfs/bafkqaaa/2')
  })

  it('goes on from the number that the routing has when nothing is kept here', async () => {
    const [routing, identity] = [memoryRouting(), newIdentity()]
    await makeNames({}, { routing, identity }).names.publish('/ipfs/bafkqaaa/1', { key: 'self', sequence: 41n })
    const { names, self } = makeNames({}, { routing, identity })

    await names.publish('/ipfs/bafkqaaa/2', { key: 'self' })

    assert.equal(sequenceOf((await names.recordOf(self)).bytes), 42n)
  })

  it('are given up after 64 records that are not valid', async () => {
    const routing = memoryRouting()
    const [author, reader] = [makeNames({}, { routing }), makeNames({}, { routing })]
    await author.names.publish('/ipfs/bafkqaaa/1', { key: 'self' })
    const kept = routing.kept.get(Buffer.from(ipnsRoutingKey(author.self)).toString('hex')) ?? []
    kept.unshift(...Array.from({ length: 63 }, () => new TextEncoder().encode('nonsense')))

    assert.equal((await reader.names.resolveName(author.self, { fresh: true })).value, '/ipfs/bafkqaaa/1')
    kept.unshift(new TextEncoder().encode('one more'))
    await assert.rejects(makeNames({}, { routing }).names.resolveName(author.self, { fresh: true }), { code: 'NOT_FOUND' })
  })

  it('are asked for once when many want the same one', async () => {
    let searches = 0
    const held = Promise.withResolvers<void>()
    const { names, self } = makeNames({}, {
      routing: { isOn: true, put: async () => 1, async * values () { searches++; await held.promise } }
    })
    const askers = Array.from({ length: 20 }, async () => names.resolveName(self).catch(err => err.code))
    const gone = new AbortController()
    const impatient = names.resolveName(self, { signal: gone.signal })
    gone.abort(new Error('gone'))

    await assert.rejects(impatient, /gone/)
    held.resolve()

    assert.deepEqual(new Set(await Promise.all(askers)), new Set(['NOT_FOUND']))
    assert.equal(searches, 1)
  })

  it('that nobody has are not searched for again at once, but are there when they are published', async () => {
    const [clock, routing] = [new SimClock(), memoryRouting()]
    let searches = 0
    const values = routing.values.bind(routing)
    routing.values = (key, options) => { searches++; return values(key, options) }
    const { names, self } = makeNames({}, { clock, routing })

    for (const _ of [1, 2, 3]) await assert.rejects(names.resolveName(self), { code: 'NOT_FOUND' })
    assert.equal(searches, 1)
    await assert.rejects(names.resolveName(self, { fresh: true }), { code: 'NOT_FOUND' })
    await clock.advance(10_000)
    await assert.rejects(names.resolveName(self), { code: 'NOT_FOUND' })
    assert.equal(searches, 3)

    await names.publish('/ipfs/bafkqaaa', { key: 'self' })
    assert.equal((await names.resolveName(self)).value, '/ipfs/bafkqaaa')
  })

  it('do not go back to an older record when a search ends late', async () => {
    const [routing, held] = [memoryRouting(), Promise.withResolvers<void>()]
    const { names, self } = makeNames({}, { routing })
    await names.publish('/ipfs/bafkqaaa/1', { key: 'self' })
    const values = routing.values.bind(routing)
    routing.values = async function * (key, options) {
      yield * values(key, options)
      await held.promise
    }
    const late = names.resolveName(self, { fresh: true, recordCount: 100 })
    await new Promise(setImmediate)

    await names.publish('/ipfs/bafkqaaa/2', { key: 'self' })
    held.resolve()
    await late

    assert.equal((await names.resolveName(self)).value, '/ipfs/bafkqaaa/2')
  })

  it('end in time when nobody answers, with what is here or TIMEOUT', async () => {
    const clock = new SimClock()
    const silent = {
      isOn: true, put: async () => 1,
      async * values (_key: Uint8Array, { signal }: { signal: AbortSignal }) { await clock.sleep(1e9, signal) }
    }
    const { names, self } = makeNames({ resolveTimeoutMs: 5000 }, { clock, routing: silent })
    const nothing = names.resolveName(self)
    const failed = assert.rejects(nothing, { code: 'TIMEOUT' })
    await clock.advance(5000)
    await failed
    const published = names.publish('/ipfs/bafkqaaa', { key: 'self' })
    await clock.advance(30_000)
    await published

    const known = names.resolveName(self, { fresh: true })
    await clock.advance(5000)

    assert.equal((await known).value, '/ipfs/bafkqaaa')
  })

  it('that nobody took are told, and kept for the next round', async () => {
    const { names, self } = makeNames({}, { routing: { isOn: true, put: async () => 0, async * values () {} } })

    await assert.rejects(names.publish('/ipfs/bafkqaaa', { key: 'self' }), { code: 'IPFS_ERROR' })

    assert.equal((await names.resolveName(self)).value, '/ipfs/bafkqaaa')
    await names.publish('/ipfs/bafkqaaa/2', offline)
    assert.equal((await names.resolveName(self)).value, '/ipfs/bafkqaaa/2')
  })
})

describe('republishing', () => {
  it('signs again before the end, with the same value, number and TTL, and forgets what is over', async () => {
    const [clock, routing] = [new SimClock(), memoryRouting()]
    const { names, self, datastore } = makeNames({}, { clock, routing })
    const strangers = makeNames({}, { clock })
    await strangers.names.publish('/ipfs/bafkqaaa/s', { ...offline, lifetimeMs: hour })
    await names.putRecord(strangers.self, (await strangers.names.recordOf(strangers.self)).bytes)
    await names.publish('/ipfs/bafkqaaa', { key: 'self', lifetimeMs: 2 * hour, ttlMs: 7000, withV1: false, sequence: 5n })
    const runner = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
    runner.add(names.republishing())
    await runner.start()
    const given = (): number => routing.kept.get(Buffer.from(ipnsRoutingKey(self)).toString('hex'))?.length ?? 0
    assert.equal(given(), 1)

    await clock.advance(60_000)
    await pollUntil(() => given() === 2)
    const again = await names.recordOf(self)
    assert.equal(again.validUntil, clock.now() + 48 * hour)
    assert.deepEqual([decodeIpnsRecord(again.bytes).sequence, again.ttlSeconds], [5n, 7])

    await clock.advance(4 * hour)
    await pollUntil(() => given() === 3)
    await pollUntil(() => datastore.get(`/ipns/${strangers.self}`) == null)
    assert.notEqual(datastore.get(`/ipns/${self}`), undefined)
    await runner.stop()
  })
})
