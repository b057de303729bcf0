import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runCtlHere, stubApi, type ApiAnswer } from '../../../support/ctl.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const peer = '12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'
const drain = (changes: Record<string, unknown> = {}): ApiAnswer => ({ body: JSON.stringify({
  peer, peername: 'peer0', state: 'draining', reason: '', since: '2026-11-29T02:00:00Z', ended_at: null, pins: 10, left: 4, moved: 6,
  fewer: 0, in_transit: 2, stuck: 0, everywhere: 3, bytes: 7_000_000, left_ms: 90_000,
  at_once: 32, max_pins_per_second: 0, max_bytes_per_second: 0, ...changes
}) })
const share = { peer, peername: 'peer0', capacity: 10e9, pins: 30, goal: 20, after: 20 }
const rebalance = (changes: Record<string, unknown> = {}): ApiAnswer => ({ body: JSON.stringify({
  state: 'moving', reason: '', since: '2026-11-29T02:00:00Z', ended_at: null, planned: 20, moved: 5, failed: 0, in_transit: 2, at_once: 32,
  max_pins_per_second: 0, max_bytes_per_second: 0, peers: [share], ...changes
}) })
const path = `/peers/${peer}/drain`

async function run (argv: string[], answers: Record<string, ApiAnswer | (() => ApiAnswer)>, withClock?: SimClock) {
  const api = await stubApi(answers)
  try {
    const ended = runCtlHere(['--host', api.host, ...argv], withClock == null ? {} : { clock: withClock })
    return { ...await ended, asked: api.asked }
  } finally {
    await api.stop()
  }
}

/** Every sleep is over at once. */
class QuickClock extends SimClock {
  override async sleep (ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await this.advance(ms)
  }
}

describe('ctl peers drain', () => {
  it('begins with limits, and says how far it is', async () => {
    const { stdout, asked, status } = await run(
      ['peers', 'drain', peer, '--max-pins-per-second', '2.5', '--max-bytes-per-second', '20MB', '--at-once', '4'],
      { [`POST ${path}`]: drain() }
    )

    assert.deepEqual([status, asked], [0, [`POST ${path}?at-once=4&max-bytes-per-second=20000000&max-pins-per-second=2.5`]])
    assert.equal(stdout, `peer0 (${peer}): 4 of 10 pins left, about 90 s; 3 go everywhere and do not move\n`)
  })

  it('waits until the peer may be stopped, and says so', async () => {
    let looks = 0
    const { stdout, status } = await run(
      ['peers', 'drain', '--wait', peer],
      { [`POST ${path}`]: drain(), [`GET ${path}`]: () => drain(++looks < 3 ? {} : { state: 'drained', left: 0, moved: 10, fewer: 1 }) },
      new QuickClock()
    )

    assert.deepEqual([status, looks], [0, 3])
    assert.equal(
      stdout,
      `peer0 (${peer}) holds nothing that only it has: it may be stopped (10 pins moved; 1 has a copy less than before, which nobody could take)\n`
    )
  })

  it('ends with 62 and the reason when the time is up', async () => {
    const waiting = drain({ state: 'waiting', reason: 'no other peer can take it' })
    const { stderr, status } = await run(
      ['peers', 'drain', '--wait', '--wait-timeout', '5s', peer], { [`POST ${path}`]: waiting, [`GET ${path}`]: waiting }, new QuickClock()
    )

    assert.equal(status, 62)
    assert.match(stderr, /4 of 10 pins left, waiting: no other peer can take it; .*the asked peer goes on$/m)
  })

  it('asks, lists and cancels without beginning anything', async () => {
    const answers = { [`GET ${path}`]: drain(), 'GET /drains': { body: `[${drain().body}]` }, [`DELETE ${path}`]: drain() }

    const [asked, listed, cancelled] = [
      await run(['peers', 'drain', '--status', peer], answers), await run(['--enc=table', 'peers', 'drain', '--status'], answers),
      await run(['peers', 'drain', '--cancel', peer], answers)
    ]

    assert.deepEqual([asked.asked, listed.asked, cancelled.asked], [[`GET ${path}`], ['GET /drains'], [`DELETE ${path}`]])
    assert.match(listed.stdout, /PEER .*LEFT .*\npeer0 \(12D3\w+\) +draining +4 of 10 +6 +2 +0 +7\.0 MB +90 s\n/)
    assert.equal(cancelled.stdout, 'cancelled: 6 pins have moved, 4 stay\n')
  })

  it('counts what came since it began', async () => {
    const answer = drain({ pins: 6, left: 30, moved: 6, everywhere: 0 })
    const { stdout } = await run(['peers', 'drain', '--status', peer], { [`GET ${path}`]: answer })

    assert.equal(stdout, `peer0 (${peer}): 30 of 36 pins left, about 90 s\n`)
  })

  it('names each peer by its ID, too: another that is not drained may have the same name', async () => {
    const { stdout } = await run(
      ['peers', 'drain', '--status'], { 'GET /drains': { body: `[${drain().body},${drain({ peer: 'other' }).body},${drain({ peername: 'x' }).body}]` } }
    )

    assert.deepEqual(stdout.split('\n').map(line => line.split(':')[0]), [`peer0 (${peer})`, 'peer0 (other)', `x (${peer})`, ''])
  })

  it('says a reason of several lines in one, also in a table', async () => {
    const reason = 'peer x: all dials failed\n  * [/ip4/127.0.0.1/tcp/1] connection refused\n  * [/ip4/127.0.0.1/tcp/2] timeout'
    const answers = { [`GET ${path}`]: drain({ reason, everywhere: 1 }), 'GET /rebalance': rebalance({ reason }) }

    const [text, table, balance] = [
      await run(['peers', 'drain', '--status', peer], answers), await run(['--enc=table', 'peers', 'drain', '--status', peer], answers),
      await run(['rebalance', '--status'], answers)
    ]

    assert.match(text.stdout, /^peer0 .*some wait: peer x: all dials failed \* \[.*refused \* \[.*timeout; 1 goes everywhere and does not move\n$/)
    assert.match(table.stdout, /^PEER .*\npeer0 .*timeout\n$/)
    assert.match(balance.stdout, /^5 of 20 pins moved, some wait: .*timeout\n$/)
  })

  it('waits for a peer that has just begun and does not know yet what was under way', async () => {
    const unknown = { status: 404, body: '{"code":404,"message":"there is no rebalance"}' }
    const run3 = async (problems: string[]): Promise<{ status: number, looks: number }> => {
      let looks = 0
      const { status } = await run(['rebalance', '--wait'], {
        'POST /rebalance': rebalance(),
        'GET /rebalance': () => ++looks < 3 ? unknown : rebalance({ state: 'done' }),
        'GET /health/ready': { status: 503, body: JSON.stringify({ ready: false, problems, pins: 0, heads: 0, height: 0 }) }
      }, new QuickClock())
      return { status, looks }
    }

    assert.deepEqual(await run3(['starting']), { status: 0, looks: 3 })
    assert.deepEqual(await run3(['behind']), { status: 2, looks: 1 })
  })

  it('refuses to end what is only to be shown, before it asks', async () => {
    for (const args of [['peers', 'drain', '--status', '--cancel', peer], ['rebalance', '--status', '--cancel'], ['rebalance', '--dry-run', '--cancel']]) {
      const { status, asked, stderr } = await run(args, {})

      assert.deepEqual([status, asked], [1, []], args.join(' '))
      assert.match(stderr, /--\w[\w-]* and --cancel do not go together/)
    }
  })

  it('refuses wrong arguments before it asks, and tells what the peer refuses', async () => {
    const refused = await run(['peers', 'drain', peer], {
      [`POST ${path}`]: {
        status: 409, body: '{"code":409,"message":"3 pins of the peer need up to 2 peers, and without it there are fewer"}'
      }
    })

    assert.equal(refused.status, 2)
    assert.match(refused.stdout, /there are fewer/)
    for (const args of [[], [peer, '--max-bytes-per-second', 'fast'], [peer, '--max-pins-per-second', 'x']]) {
      const { status, asked } = await run(['peers', 'drain', ...args], {})
      assert.deepEqual([status, asked], [1, []], args.join(' '))
    }
  })

  it('takes the name of a peer, too, also of one that is gone', async () => {
    const peers = { body: `{"id":"${peer}","peername":"peer0","error":"the peer is missing"}\n` }
    const [named, unknown] = [
      await run(['peers', 'drain', 'peer0'], { 'GET /peers': peers, [`POST ${path}`]: drain() }),
      await run(['peers', 'drain', 'nobody'], { 'GET /peers': peers })
    ]

    assert.deepEqual([named.status, named.asked], [0, ['GET /peers?missing=true', `POST ${path}`]])
    assert.deepEqual([unknown.status, unknown.asked], [1, ['GET /peers?missing=true']])
    assert.match(unknown.stderr + unknown.stdout, /neither a peer ID nor the name of a peer: nobody \(`peers ls` shows both\)/)
  })

  it('names the peers among which it can not choose', async () => {
    const peers = ['p1', 'p2'].map(id => `{"id":"${id}","peername":"vm","error":""}\n`).join('')
    const { status, stderr } = await run(['peers', 'drain', 'vm'], { 'GET /peers': { body: peers } })

    assert.deepEqual([status, stderr], [1, 'error parsing peer ID: several peers have this name: vm. Take the ID: p1, p2\n'])
  })
})

describe('ctl rebalance', () => {
  it('begins nothing when a word is meant as a flag, or no tag is named', async () => {
    for (const args of [['status'], ['--by', ',,']]) {
      const { status, asked } = await run(['rebalance', ...args], {})
      assert.deepEqual([status, asked], [1, []], args.join(' '))
    }
  })

  it('says so when the asked peer is not one of ours', async () => {
    const { status, stderr } = await run(['rebalance'], { 'POST /rebalance': { status: 404, body: '{"code":404,"message":"not found"}' } })

    assert.equal(status, 2)
    assert.match(stderr, /only Helia Cluster peers/)
  })

  it('says what would move', async () => {
    const plan = { 'GET /rebalance/plan': { body: JSON.stringify({ peers: [share], pins: 60, count: 20, moves: [] }) } }

    const [lines, table] = [
      await run(['rebalance', '--dry-run', '--by', 'region'], plan), await run(['--enc=table', 'rebalance', '--dry-run', '--equal'], plan)
    ]

    assert.deepEqual([lines.asked, table.asked], [['GET /rebalance/plan?by=region'], ['GET /rebalance/plan?equal=true']])
    assert.equal(lines.stdout, 'peer0: 30 pins now, share 20, then 20\n20 of 60 pins would move\npins that are on every peer do not move and are not counted\n')
    assert.match(table.stdout, /PEER +MAY HOLD +PINS NOW +SHARE +PINS THEN\npeer0 +10 GB +30 +20 +20\n20 of 60/)
  })

  it('begins, waits and tells the end; asks and cancels', async () => {
    let looks = 0
    const answers = {
      'POST /rebalance': rebalance({ state: 'planning' }),
      'GET /rebalance': () => rebalance(++looks < 2 ? {} : { state: 'done', moved: 20, failed: 2, reason: 'no room' }),
      'DELETE /rebalance': rebalance({ state: 'cancelled' })
    }

    const [done, cancelled] = [
      await run(['rebalance', '--wait', '--at-once', '2'], answers, new QuickClock()), await run(['rebalance', '--cancel'], answers)
    ]

    assert.deepEqual(
      [done.status, done.asked[0], done.stdout], [0, 'POST /rebalance?at-once=2', 'done: 20 pins moved; 2 could not be moved (no room)\n']
    )
    assert.deepEqual([cancelled.asked, cancelled.stdout], [['DELETE /rebalance'], 'cancelled: 5 pins moved\n'])
  })
})
