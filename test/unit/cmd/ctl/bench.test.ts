import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Latencies } from '../../../../cmd/helia-cluster-ctl/bench/latencies.ts'
import { mixText, operationAt, operations, parseMix } from '../../../../cmd/helia-cluster-ctl/bench/mix.ts'
import type { Operation } from '../../../../cmd/helia-cluster-ctl/bench/mix.ts'
import { Load } from '../../../../cmd/helia-cluster-ctl/bench/load.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { OwnPins, Requests } from '../../../../cmd/helia-cluster-ctl/bench/requests.ts'
import { change } from '../../../../cmd/helia-cluster-ctl/bench/report-format.ts'
import { ApiError } from '../../../../src/client/errors.ts'
import { runCtlHere, stubApi } from '../../../support/ctl.ts'
import { quickClock } from '../../../support/quick-clock.ts'

describe('the mix of a load', () => {
  it('is read and printed in one order', () => {
    const mix = parseMix('unpin=1.5, add=2 ,list=0')

    assert.deepEqual(mix, { add: 2, pin: 0, status: 0, list: 0, unpin: 1.5 })
    assert.equal(mixText(mix), 'add=2,unpin=1.5')
  })

  it('refuses what says nothing, or two things', () => {
    for (const [text, why] of [
      ['', /not of the form/], ['add', /not of the form/], ['add=-1', /not of the form/], ['add=1,', /not of the form/],
      ['read=1', /"read" is none of add, pin, status, list, unpin/], ['add=1,add=2', /twice/], ['add=0', /nothing is left/]
    ] as const) assert.throws(() => parseMix(text), why, text)
  })

  it('chooses each operation as often as its weight says, and never one without', () => {
    const mix = parseMix('add=1,status=2,unpin=1')
    const chosen = Array.from({ length: 400 }, (_, at) => operationAt(mix, at / 400))

    assert.deepEqual(
      operations.map(operation => chosen.filter(one => one === operation).length), [100, 0, 200, 0, 100]
    )
    assert.equal(operationAt(parseMix('add=0.1,pin=0.2'), 1 - 2 ** -53), 'pin')
  })
})

describe('a load', () => {
  for (const begin of [0, 0.3, 0.99]) {
    it(`has the mix also when it is short, wherever it begins (${begin})`, async () => {
      const over = new AbortController()
      const done: Operation[] = []
      const prepare = async (operation: Operation) => {
        done.push(operation)
        if (done.length === 30) over.abort()
        return async () => {}
      }
      const load = new Load({ seconds: 60, parallel: 1, mix: parseMix('add=1,pin=3,status=3,list=1,unpin=2') }, {
        requests: { prepare }, clock: systemClock, random: { float: () => begin }, now: () => 0, signal: over.signal
      })

      await load.run()

      const counts = operations.map(one => load.figures[one].latencies.count)
      for (const [at, wanted] of [3, 9, 9, 3, 6].entries()) assert.ok(Math.abs((counts[at] ?? 0) - wanted) <= 2, String(counts))
    })
  }
})

describe('the latencies of a load', () => {
  it('gives quantiles within 2 %', () => {
    const latencies = new Latencies()
    for (let ms = 1; ms <= 1000; ms++) latencies.record(ms)

    for (const [share, ms] of [[0.5, 500], [0.99, 990], [0.001, 1]] as const) {
      const given = latencies.quantileMs(share)
      assert.ok(given >= ms && given < ms * 1.02, `${share}: ${given}`)
    }
    assert.equal(latencies.quantileMs(1), 1000)
    assert.equal(latencies.longestMs, 1000)
  })

  it('is nothing of nothing, and takes what took no time', () => {
    const latencies = new Latencies()
    assert.deepEqual([latencies.count, latencies.quantileMs(0.5), latencies.longestMs], [0, 0, 0])

    latencies.record(0)

    assert.deepEqual([latencies.count, latencies.quantileMs(0.5)], [1, 0])
  })

  it('adds up', () => {
    const [one, other] = [new Latencies(), new Latencies()]
    one.record(10)
    other.record(20)
    one.add(other)

    assert.deepEqual([one.count, one.longestMs, one.quantileMs(1)], [2, 20, 20])
  })
})

describe('the pins of a load', () => {
  it('gives each away once', () => {
    const pins = new OwnPins()
    for (const cid of ['a', 'b', 'c']) pins.put(cid)

    assert.equal(pins.look(0.5), 'b')
    assert.deepEqual([0.99, 0, 0, 0].map(position => pins.take(position)), ['c', 'a', 'b', undefined])
  })

  it('keeps what may be there: no answer is no proof', async () => {
    const failing = async (): Promise<never> => { throw new ApiError(0, 'no answer') }
    const requests = new Requests({ name: 'ctl-bench-x', sizeBytes: 10 }, {
      client: {
        pin: failing, unpin: failing, status: failing, allocations: async function * () {},
        add: async function * () { throw new ApiError(0, 'no answer') }
      },
      random: { float: () => 0, bytes: length => new Uint8Array(length) }
    })
    const { signal } = new AbortController()

    await assert.rejects((await requests.prepare('pin', signal))(signal), /no answer/)
    await assert.rejects((await requests.prepare('unpin', signal))(signal), /no answer/)
    assert.deepEqual([requests.pins.count, requests.mayHoldMore], [1, false])
    await assert.rejects((await requests.prepare('add', signal))(signal), /no answer/)
    assert.deepEqual([requests.pins.count, requests.mayHoldMore], [1, true])
  })
})

describe('the pins of a load that fails', () => {
  const { signal } = new AbortController()
  const failingWith = (err: Error): Requests => {
    const failing = async (): Promise<never> => { throw err }
    return new Requests({ name: 'ctl-bench-x', sizeBytes: 10 }, {
      client: {
        pin: failing, unpin: failing, status: failing, allocations: async function * () {}, add: async function * () { throw err }
      },
      random: { float: () => 0, bytes: length => new Uint8Array(length) }
    })
  }
  const refused = (code: string): ApiError => new ApiError(0, 'dial tcp', { cause: Object.assign(new Error(code), { code }) })

  for (const [what, err, heard] of [
    ['no connection', refused('ECONNREFUSED'), false], ['no host', refused('ENOTFOUND'), false], ['no socket', refused('ENOENT'), false],
    ['no permission', new ApiError(401, 'unauthorized'), false], ['a bad request', new ApiError(400, 'no'), false],
    ['a connection that is cut', refused('ECONNRESET'), true], ['an answer that is cut', new ApiError(200, 'unexpected EOF'), true],
    ['a failure of the peer', new ApiError(500, 'broken'), true], ['an interruption', new Error('aborted'), true]
  ] as const) {
    it(`are ${heard ? 'what may be there' : 'none'} after ${what}`, async () => {
      const requests = failingWith(err)

      await assert.rejects((await requests.prepare('pin', signal))(signal))
      await assert.rejects((await requests.prepare('add', signal))(signal))

      assert.deepEqual([requests.pins.count, requests.unsure, requests.mayHoldMore], [heard ? 1 : 0, heard ? 1 : 0, heard])
    })
  }

  it('are not more after an unpin when others have taken the last one meanwhile', async () => {
    const gone = async (): Promise<never> => { throw refused('ECONNRESET') }
    const requests = new Requests({ name: 'ctl-bench-x', sizeBytes: 10 }, {
      client: {
        pin: async () => ({}) as never, unpin: gone, status: gone, allocations: async function * () {}, add: async function * () {}
      },
      random: { float: () => 0, bytes: length => new Uint8Array(length) }
    })
    requests.pins.put = function (cid) {
      OwnPins.prototype.put.call(this, cid)
      OwnPins.prototype.take.call(this, 0)
    }

    const unpin = await requests.prepare('unpin', signal)
    requests.pins.put = OwnPins.prototype.put

    await assert.rejects(unpin(signal))
    assert.equal(requests.pins.count, 0)
  })

  it('are none when the peer refused them all, and then went', async () => {
    let answered = 0
    const api = await stubApi({ 'GET /id': { body: '{"id":"12D3KooWa","peername":"one","version":"1.1.6"}' } })
    const interrupt = new AbortController()
    const run = runCtlHere(['--host', api.host, 'bench', '--mix', 'pin=1', '--parallel', '4'], { signal: interrupt.signal })
    while ((answered = api.asked.filter(one => one.startsWith('POST /pins/')).length) < 8) await new Promise(setImmediate)
    await api.stop()
    interrupt.abort()
    const { stderr } = await run

    assert.ok(answered >= 8)
    assert.doesNotMatch(stderr, /could not be removed/)
  })
})

describe('ctl bench', () => {
  let folder = ''
  before(async () => { folder = await mkdtemp(join(tmpdir(), 'helia-cluster-bench-')) })
  after(async () => rm(folder, { recursive: true }))

  it('says what is wrong before it has asked anybody', async () => {
    const [notJson, other] = [join(folder, 'not.json'), join(folder, 'other.json')]
    await writeFile(notJson, 'x')
    await writeFile(other, '{"a":1}')
    for (const [args, why] of [
      [['--seconds', '0'], '--seconds is 1 or more: 0'],
      [['--parallel', '4097'], '--parallel is 4096 at most: 4097'],
      [['--size', '1025MiB'], '--size is 1GiB at most: 1025MiB'],
      [['--clean', '--seconds', '5', '--mix', 'add=1'], '--clean puts no load on the cluster: it does not go with --seconds, --mix'],
      [['--parallel', '-2'], '--parallel is 1 or more: -2'],
      [['--size', 'big'], '--size is a number of bytes such as 64KiB: big'],
      [['--mix', 'reads=1'], '--mix reads=1: "reads" is none of add, pin, status, list, unpin'],
      [['--compare', join(folder, 'none')], 'no such file'],
      [['--compare', notJson], 'it is not JSON'],
      [['--compare', other], 'it was not saved by bench --save'],
      [['--save', join(folder, 'none/file')], 'no such file'],
      [['more'], 'too many arguments: more']
    ] as const) {
      const { status, stdout, stderr } = await runCtlHere(['--host', '/ip4/127.0.0.1/tcp/9', 'bench', ...args])
      assert.deepEqual([status, stdout], [1, ''], args.join(' '))
      assert.ok(stderr.includes(why), stderr)
    }
  })

  it('tells of the errors that it meets, and takes away what may be there', async () => {
    const api = await stubApi({
      'GET /id': { body: '{"id":"12D3KooWa","peername":"one","version":"1.1.6"}' },
      'GET /allocations': { status: 500, body: '{"code":500,"message":"the disk is full"}' }
    })
    const interrupt = new AbortController()
    const run = runCtlHere(['--host', api.host, 'bench', '--mix', 'list=1', '--parallel', '1'], { signal: interrupt.signal })
    while (!api.asked.some(one => one.startsWith('GET /allocations'))) await new Promise(setImmediate)
    interrupt.abort()
    const { status, stdout } = await run
    await api.stop()

    assert.equal(status, 130)
    assert.match(stdout, /^list: 0, .*, 1 errors\nall: 0, .*\n1 times list: the disk is full\n$/)
  })

  it('compares with what was saved', async () => {
    const api = await stubApi({
      'GET /id': { body: '{"id":"12D3KooWa","peername":"one","version":"1.1.6"}' }, 'GET /allocations': { body: '{"name":"a","cid":"b"}\n' }
    })
    const file = join(folder, 'saved.json')
    const args = ['--host', api.host, 'bench', '--seconds', '1', '--parallel', '1', '--mix', 'list=1']
    const clock = quickClock(20)
    const saved = await runCtlHere([...args, '--save', file], { clock })
    const report = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...report, all: { ...report.all, rate: report.all.rate / 1000 } }))
    const compared = await runCtlHere([...args, '--compare', file], { clock })
    const other = await runCtlHere([...args, '--size', '1MB', '--compare', file], { clock })
    await writeFile(file, JSON.stringify({ ...report, peer: { id: '12D3KooWb', peername: 'two', version: '1.1.6' } }))
    const otherPeer = await runCtlHere([...args, '--compare', file], { clock })
    await writeFile(file, JSON.stringify({ ...report, peer: { ...report.peer, version: '1.1.5' } }))
    const upgraded = await runCtlHere([...args, '--compare', file], { clock })
    await writeFile(file, JSON.stringify({ ...report, peer: {} }))
    const nobodys = await runCtlHere([...args, '--compare', file], { clock })
    await api.stop()

    assert.equal(saved.status, 0, saved.stderr)
    assert.deepEqual(report.settings, { seconds: 1, parallel: 1, size_bytes: 65_536, mix: 'list=1' })
    assert.ok(report.operations.list.count > 0 && report.operations.list.p50_ms <= report.operations.list.max_ms)
    assert.match(compared.stdout, /all: \d+, [\d.]+\/s \(\+\d{3,} %\), p50 /)
    assert.match(other.stdout, /not the same load as before: size 65536 → 1000000\n$/)
    assert.doesNotMatch(compared.stdout, /not the same/)
    assert.match(otherPeer.stdout, /before: two \(12D3KooWb\), version 1\.1\.6; now: one \(12D3KooWa\), version 1\.1\.6\n$/)
    assert.match(upgraded.stdout, /before: one \(12D3KooWa\), version 1\.1\.5; now: one \(12D3KooWa\), version 1\.1\.6\n$/)
    assert.deepEqual([nobodys.status, nobodys.stdout], [1, ''])
    assert.match(nobodys.stderr, /it is incomplete/)
  })

  it('says how figures have changed', () => {
    assert.deepEqual([change(110, 100), change(95, 100), change(100, 100), change(1, 0)], ['+10 %', '-5 %', '±0 %', ''])
  })
})
