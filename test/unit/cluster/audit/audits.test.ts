import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { AuditRows } from '../../../../src/cluster/audit/audit-rows.ts'
import { Audits } from '../../../../src/cluster/audit/audits.ts'
import type { AuditPolicy, AuditsDeps } from '../../../../src/cluster/audit/audits.ts'
import { pacer } from '../../../../src/cluster/audit/pacer.ts'
import type { AuditResult } from '../../../../src/cluster/cluster-api.ts'
import { Members } from '../../../../src/cluster/peers/members.ts'
import { ClusterError } from '../../../../src/base/errors.ts'
import type { Auditor } from '../../../../src/ipfs/audit.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { formatPingValue } from '../../../../src/model/metric.ts'
import { aPeerId } from '../../../support/cluster/values.ts'
import { memoryConsensus } from '../../../support/cluster/memory-consensus.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'
import { pollUntil } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const [self, other, foreign] = [aPeerId(1), aPeerId(2), aPeerId(3)]
const signal = new AbortController().signal
const dayMs = 86_400_000

describe('audits', () => {
  let clock: SimClock
  let datastore: Datastore
  let audited: string[]
  let asked: string[]
  let lacking: Map<string, number>
  let gate: Promise<void> | undefined
  /** Holds an audit up when it has read all blocks of a pin. */
  let afterBlocks: PromiseWithResolvers<void> | undefined
  let reached: string[]
  let nodeOf: AuditsDeps['nodeOf']
  const consensus = memoryConsensus()

  const auditor: Auditor = {
    audit: async ({ cid, name }, { repair, pace, signal: ends }) => {
      if (gate != null) {
        await Promise.race([gate, new Promise<void>((_, reject) => ends?.addEventListener('abort', () => reject(ends.reason)))])
      }
      ends?.throwIfAborted()
      if (name === 'absent') throw new ClusterError('NOT_FOUND', {})
      audited.push(name)
      for (let block = 0; block < 10; block++) await pace(10)
      await afterBlocks?.promise
      const badCount = lacking.get(name) ?? 0
      return { blocks: 10, bytes: 100, bad: badCount > 0 ? [cid] : [], badCount, repaired: repair ? badCount : 0 }
    },
    challenge: async (root, { peer, addresses }) => {
      reached.push(...addresses)
      asked.push(`${peer} ${root.toString() === cidFor('whole').toString() ? 'whole' : 'not whole'}`)
      return { asked: 4, bytes: 400, failed: root.equals(cidFor('whole')) ? [] : [root] }
    }
  }
  const audits = (policy?: AuditPolicy): Audits => {
    const ping = {
      name: 'ping', peer: other, value: formatPingValue({ peerName: 'other', ipfsId: 'their node', ipfsAddresses: [] }), expire: 0n,
      valid: true, weight: 0n, partitionable: false, receivedAt: 0n
    }
    const monitor = {
      latest: () => [ping], latestOf: (_: string, peer: string) => peer === other ? ping : undefined, lastKnown: () => [ping],
      lastKnownOf: (_: string, peer: string) => peer === other ? ping : undefined
    }
    const members = new Members({ self, peersetMetric: 'ping' }, { monitor })
    const rows = new AuditRows({ self }, { datastore })
    return new Audits({ self, audit: policy }, { consensus, ipfs: { auditor }, members, nodeOf, rows, clock, log: silentLogger })
  }
  const results = async (of: Audits, isBad = false): Promise<AuditResult[]> => (await Array.fromAsync(of.results({ isBad }))).flat()

  beforeEach(async () => {
    clock = new SimClock()
    datastore = memoryDatastore()
    await datastore.start(signal)
    ;[audited, asked, lacking, gate, afterBlocks, reached] = [[], [], new Map(), undefined, undefined, []]
    nodeOf = async () => { throw new Error('nobody is asked') }
    for await (const batch of consensus.state.pins()) for (const { cid } of batch) await consensus.remove(cid)
    for (const name of ['whole', 'damaged', 'absent']) await consensus.put(pinFor(name))
    await consensus.put({ ...pinFor('elsewhere', { replicationFactorMin: 1, replicationFactorMax: 1 }), allocations: [other] })
    lacking.set('damaged', 2)
  })

  it('read what is allocated to this peer, and keep what they found by pin', async () => {
    const made = audits()
    assert.equal(made.start({ repair: false }).state, 'running')

    await made.worker().work(signal)

    const [run] = made.runs()
    assert.deepEqual(
      [run?.state, run?.pins, run?.skipped, run?.blocks, run?.bytes, run?.bad, run?.badBlocks], ['done', 2, 1, 20, 200, 1, 2]
    )
    assert.deepEqual(audited.toSorted(), ['damaged', 'whole'])
    assert.deepEqual(
      (await results(made, true)).map(({ cid, state, badBlocks }) => [cid.toString(), state, badBlocks]),
      [[cidFor('damaged').toString(), 'bad', [cidFor('damaged').toString()]]]
    )
    assert.equal((await results(audits())).length, 2, 'also after a restart')
  })

  it('tell of repaired pins, of those that were asked for only', async () => {
    const made = audits()
    made.start({ cids: [cidFor('damaged')], repair: true })

    await made.worker().work(signal)

    assert.deepEqual((await results(made)).map(({ state, repaired }) => [state, repaired]), [['repaired', 2]])
    assert.deepEqual([made.runs()[0]?.bad, made.runs()[0]?.repairedBlocks], [1, 2])
  })

  it('tell how far they are within a pin, too', async () => {
    const made = audits()
    afterBlocks = Promise.withResolvers()
    made.start({ cids: [cidFor('whole')], repair: false })

    const working = made.worker().work(signal)
    await pollUntil(() => made.runs()[0]?.blocks === 10)
    const midway = made.runs()[0]
    afterBlocks.resolve()
    await working

    assert.deepEqual([midway?.state, midway?.pins, midway?.blocks, midway?.bytes], ['running', 0, 10, 100])
    assert.deepEqual([made.runs()[0]?.pins, made.runs()[0]?.blocks, made.runs()[0]?.bytes], [1, 10, 100])
  })

  it('tell nothing of pins that are gone', async () => {
    const made = audits()
    made.start({ repair: false })
    await made.worker().work(signal)

    await consensus.remove(cidFor('damaged'))

    assert.deepEqual((await results(made)).map(({ cid }) => cid.toString()), [cidFor('whole').toString()])
    assert.deepEqual(await results(made, true), [])
  })

  for (const { what, said, expected } of [
    { what: 'go where that peer says that its node is, when its ping names no address', said: ['/ip4/127.0.0.1/tcp/4001'], expected: 1 },
    { what: 'try what they are connected to, when that peer says nothing', said: undefined, expected: 4 }
  ]) {
    it(what, async () => {
      let questions = 0
      nodeOf = async () => {
        questions++
        if (said == null) throw new Error('no answer')
        return { id: 'their node', addresses: said }
      }
      const made = audits()
      made.start({ peer: other, repair: false })

      await made.worker().work(signal)

      assert.equal(questions, expected)
      assert.deepEqual(new Set(reached), new Set(said))
      assert.equal(asked.length, 4)
    })
  }

  it('ask the IPFS node of another peer', async () => {
    const made = audits()
    made.start({ peer: other, repair: false })

    await made.worker().work(signal)

    assert.deepEqual(asked.toSorted(), ['their node not whole', 'their node not whole', 'their node not whole', 'their node whole'])
    assert.deepEqual((await results(made)).filter(({ state }) => state === 'good').map(({ peer, blocks }) => [peer, blocks]), [[other, 4]])
  })

  it('read the shards of what was added in shards, and refuse the root, which has no blocks of its own', async () => {
    await consensus.put({ ...pinFor('root'), type: 'meta-pin', maxDepth: 0 })
    await consensus.put({ ...pinFor('list of shards'), type: 'clusterdag-pin', maxDepth: 0 })
    await consensus.put({ ...pinFor('shard'), type: 'shard-pin', maxDepth: 1 })
    const made = audits()
    made.start({ repair: false })

    await made.worker().work(signal)

    assert.deepEqual(audited.toSorted(), ['damaged', 'list of shards', 'shard', 'whole'])
    assert.throws(() => made.start({ cids: [cidFor('root')], repair: false }), { code: 'INVALID_ARGUMENT', message: /in shards/ })
  })

  it('do not take for lost what another peer need not have', async () => {
    await consensus.put({ ...pinFor('mine', { replicationFactorMin: 1, replicationFactorMax: 1 }), allocations: [self] })
    const made = audits()
    made.start({ cids: [cidFor('mine')], peer: other, repair: false })

    await made.worker().work(signal)

    assert.deepEqual([made.runs()[0]?.pins, made.runs()[0]?.skipped, asked], [0, 1, []])
  })

  it('count what was named and is unpinned before its turn', async () => {
    const made = audits()
    made.start({ cids: [cidFor('whole')], repair: false })
    await consensus.remove(cidFor('whole'))

    await made.worker().work(signal)

    assert.deepEqual([made.runs()[0]?.pins, made.runs()[0]?.skipped, audited], [0, 1, []])
  })

  it('take a sample', async () => {
    for (let at = 0; at < 200; at++) await consensus.put(pinFor(`pin ${at}`))
    const made = audits()
    made.start({ sharePercent: 10, repair: false })

    await made.worker().work(signal)

    assert.ok(audited.length >= 18 && audited.length <= 22, `${audited.length} pins`)
  })

  it('refuse what can not be done, and a second one at the same time', async () => {
    const made = audits()
    assert.throws(() => made.start({ peer: foreign, repair: false }), { code: 'NOT_FOUND' })
    assert.throws(() => made.start({ peer: other, repair: true }), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => made.start({ cids: [cidFor('unknown')], repair: false }), { code: 'NOT_PINNED' })
    assert.throws(() => made.cancel(), { code: 'NOT_FOUND' })
    assert.throws(
      () => new Audits({ self }, {
        consensus, ipfs: {}, nodeOf,
        members: new Members({ self, peersetMetric: 'ping' }, {
          monitor: { latest: () => [], latestOf: () => undefined, lastKnown: () => [], lastKnownOf: () => undefined }
        }),
        rows: new AuditRows({ self }, {}), clock, log: silentLogger
      }).start({ repair: false }),
      { code: 'UNSUPPORTED' }
    )

    made.start({ repair: false })
    assert.throws(() => made.start({ repair: false }), { code: 'CONFLICT' })
    assert.equal(made.cancel().state, 'cancelled')
    await made.worker().work(signal)
    assert.deepEqual(audited, [])
  })

  it('come by themselves after an interval, go on after an interruption, and leave out what was read', async () => {
    const policy = { intervalMs: 30 * dayMs, maxRateBytes: 1e9, repair: true }
    await audits(policy).worker().work(signal)
    await clock.advance(29 * dayMs)
    await audits(policy).worker().work(signal)
    assert.deepEqual(audited, [])

    await clock.advance(dayMs)
    const interrupted = audits(policy)
    const stop = new AbortController()
    gate = new Promise(() => {})
    const running = interrupted.worker().work(stop.signal)
    await clock.settle()
    stop.abort(new Error('the peer stops'))
    await running
    assert.equal(interrupted.runs()[0]?.state, 'cancelled')

    gate = undefined
    const made = audits(policy)
    await made.worker().work(signal)
    assert.deepEqual(
      [audited.toSorted(), made.runs()[0]?.state, made.runs()[0]?.isByItself, made.runs()[0]?.repairedBlocks],
      [['damaged', 'whole'], 'done', true, 2]
    )

    await consensus.remove(cidFor('whole'))
    await clock.advance(30 * dayMs)
    await audits(policy).worker().work(signal)
    assert.deepEqual(
      (await results(made)).map(({ cid }) => cid.toString()), [cidFor('damaged').toString()], 'results of pins that are gone are forgotten'
    )
  })

  it('by themselves give way to one that is asked for', async () => {
    const policy = { intervalMs: dayMs, maxRateBytes: 1e9, repair: false }
    const made = audits(policy)
    await made.worker().work(signal)
    await clock.advance(dayMs)
    gate = new Promise(() => {})
    const running = made.worker().work(signal)
    await clock.settle()

    made.start({ cids: [cidFor('whole')], repair: false })
    await running
    gate = undefined
    await made.worker().work(signal)

    assert.deepEqual(made.runs().map(({ state, isByItself }) => [state, isByItself]), [['done', false], ['cancelled', true]])
    assert.deepEqual(audited, ['whole'])
  })
})

describe('the pace of an audit', () => {
  it('is so many bytes a second, whatever the sizes of the reads', async () => {
    const clock = new SimClock()
    const pace = pacer(1_000_000, clock, signal)
    const from = clock.now()
    let isDone = false

    const reading = (async () => { for (let at = 0; at < 500; at++) await pace(10_000) })().then(() => { isDone = true })
    await clock.until(() => isDone)
    await reading

    const seconds = (clock.now() - from) / 1000
    assert.ok(seconds > 4.9 && seconds < 5.1, `${seconds} s`)
  })

  it('waits no longer because the clock was set back', async () => {
    const clock = new SimClock()
    const slept: number[] = []
    const pace = pacer(1000, { elapsed: () => clock.elapsed(), sleep: async ms => { slept.push(ms) } }, signal)

    await pace(1000)
    clock.wrongMs = -3_600_000
    await pace(1000)

    assert.deepEqual(slept, [1000, 2000])
  })

  it('ends with who waits', async () => {
    const clock = new SimClock()
    const stop = new AbortController()
    const waiting = pacer(1, clock, stop.signal)(1000)

    stop.abort(new Error('over'))

    await assert.rejects(waiting, /over/)
  })
})
