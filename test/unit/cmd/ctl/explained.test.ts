import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentPeers } from '../../../../cmd/helia-cluster-ctl/commands/run-alerts.ts'
import type { Alert } from '../../../../src/client/types.ts'
import { runCtlHere, stubApi, type ApiAnswer } from '../../../support/ctl.ts'

const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'
const [one, two] = ['12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE', '12D3KooWBK2Qt9FhzGm7YYJVhK63ySaHRCFfcCybfDXVbEZWtgwv']
const at = (peername: string, status: string, error = ''): unknown => ({
  peername, status, timestamp: '2026-11-29T02:00:00Z', error, attempt_count: 1, priority_pin: false
})
const row = JSON.stringify({
  cid, name: 'n',
  peer_map: { [one]: at('peer0', 'pin_error', 'context canceled'), [two]: at('peer1', 'cluster_error', 'the peer is missing') }
})
const reason = `no peer has block ${cid}: 2 asked, for 2 min`
const progress = JSON.stringify([{ peer: one, peername: 'peer0', error: '', reason, operation: null, ipfs: null }])

async function run (argv: string[], answers: Record<string, ApiAnswer>): Promise<{ status: number, stdout: string, asked: string[] }> {
  const api = await stubApi(answers)
  try {
    const { status, stdout } = await runCtlHere(['--host', api.host, ...argv])
    return { status, stdout, asked: api.asked }
  } finally {
    await api.stop()
  }
}

const listed = { 'GET /pins': { body: `${row}\n` }, [`GET /pins/${cid}/progress`]: { body: progress } }

describe('ctl says why', () => {
  it('a pin waits and who is missing, in a table, with a sum', async () => {
    const { stdout, asked } = await run(['--enc=table', 'status'], listed)

    assert.ok(stdout.includes(reason) && !stdout.includes('context canceled'))
    assert.match(stdout, /\n\n1 pin, 1 on fewer peers than it shall be; without an answer: peer1\n$/)
    assert.deepEqual(asked, ['GET /pins?local=false&filter=&cids=&missing=true', `GET /pins/${cid}/progress?local=false`])
  })

  it('nothing more than Go in a pipe, and asks for nothing more', async () => {
    const { stdout, asked } = await run(['status'], listed)

    assert.match(stdout, /PIN_ERROR: context canceled \|/)
    assert.deepEqual(asked, ['GET /pins?local=false&filter=&cids='])
  })

  it('what the peer has, when it can not say more', async () => {
    const { stdout } = await run(['--enc=table', 'status'], { 'GET /pins': { body: `${row}\n` } })

    assert.match(stdout, /context canceled/)
  })

  it('nothing against a pin whose holders all have it, when another peer does not answer', async () => {
    const statuses = (allocations: string[] | null): string =>
      JSON.stringify({ cid, name: 'n', allocations, peer_map: { [one]: at('peer0', 'pinned'), [two]: at('peer1', 'cluster_error', 'failed to dial\n  * [/ip4/192.0.2.1/tcp/1] refused') } })
    const held = await run(['--enc=table', 'status'], { 'GET /pins': { body: `${statuses([one])}\n` } })
    const lacking = await Promise.all(
      [[one, two], [], null].map(async allocations => run(['--enc=table', 'status'], { 'GET /pins': { body: `${statuses(allocations)}\n` } }))
    )

    assert.ok(!held.stdout.includes('on fewer peers'), held.stdout)
    for (const { stdout } of lacking) assert.match(stdout, /\n1 pin, 1 on fewer peers than it shall be; without an answer: peer1\n$/)
    assert.match(held.stdout, / failed to dial \* \[\/ip4\/192\.0\.2\.1\/tcp\/1\] refused\n/)
  })

  it('which of the peers with one name it is', async () => {
    const { stdout } = await run(['--enc=table', 'status'], {
      'GET /pins': { body: `${JSON.stringify({ cid, name: 'n', peer_map: { [one]: at('vm', 'pinned'), [two]: at('vm', 'cluster_error') } })}\n` }
    })

    assert.match(stdout, / n {5}vm \(…vLhqaE\) {2}pinned /)
    assert.match(stdout, / vm \(…ZWtgwv\) {2}cluster_error /)
    assert.match(stdout, /; without an answer: vm \(…ZWtgwv\)\n$/)
  })

  it('that pins are where they shall be, and how many of them an audit found damaged', async () => {
    const rows = ['', 'the audit of 2026-11-29T02:00:00Z found 1 of its blocks missing or damaged'].map(error =>
      `${JSON.stringify({ cid, name: 'n', peer_map: { [one]: at('peer0', 'pinned', error), [two]: at('peer1', 'pinned') } })}\n`)
    const { stdout } = await run(['--enc=table', 'status'], { 'GET /pins': { body: rows.join('') } })

    assert.match(stdout, /\n2 pins, all where they shall be, but 1 with an error\n$/)
  })

  it('what an empty list means', async () => {
    const said = await Promise.all([[], ['--filter', 'under_replicated'], ['--filter', 'pin_error']].map(async filter =>
      (await run(['--enc=table', 'status', ...filter], { 'GET /pins': { body: '' } })).stdout))
    const piped = await run(['status'], { 'GET /pins': { body: '' } })

    assert.deepEqual(said, ['no pins\n', 'no pin is on fewer peers than it shall be\n', 'no pin has such a status\n'])
    assert.equal(piped.stdout, '')
  })

  it('by itself, for one pin', async () => {
    const { stdout } = await run(['pin', 'progress', cid], listed)

    assert.equal(stdout, `peer0: ${reason}\n`)
  })

  it('that a CID is not in the pinset, when nobody has anything to do with it', async () => {
    const path = `GET /pins/${cid}/progress`
    const idle = { peer: one, peername: 'peer0', error: '', reason: '', operation: null, ipfs: null }
    const both = JSON.stringify([idle, { ...idle, peername: 'peer1', error: 'no answer' }])
    const allocation = { body: JSON.stringify({ cid }) }

    const unknown = await run(['pin', 'progress', cid], { [path]: { body: both } })
    const table = await run(['--enc=table', 'pin', 'progress', cid], { [path]: { body: both } })
    const json = await run(['--enc=json', 'pin', 'progress', cid], { [path]: { body: both } })
    const pinned = await run(['pin', 'progress', cid], { [path]: { body: both }, [`GET /allocations/${cid}`]: allocation })
    const broken = await run(['pin', 'progress', cid], { [path]: { body: both }, [`GET /allocations/${cid}`]: { status: 500, body: '{}' } })
    const silent = await run(['pin', 'progress', cid], { [path]: { body: JSON.stringify([{ ...idle, error: 'no answer' }]) } })

    const told = `${cid} is not in the pinset: helia-cluster-ctl pin add ${cid} pins it\n`
    assert.deepEqual([unknown.status, unknown.stdout, table.stdout], [0, told, told])
    assert.deepEqual([json.asked.length, JSON.parse(json.stdout).length], [1, 2])
    assert.equal(pinned.stdout, 'peer0: nothing to do\npeer1: no answer\n')
    assert.notEqual(broken.status, 0)
    assert.deepEqual([silent.stdout, silent.asked.length], ['peer0: no answer\n', 1])
  })

  it('which pins lack copies, by a filter that Go has not', async () => {
    const { asked } = await run(['status', '--filter', 'under_replicated,pin_error'], listed)

    assert.deepEqual(asked, ['GET /pins?local=false&filter=pin_error%2Cunder_replicated&cids='])
  })
})

describe('ctl health alerts', () => {
  const alert = (name: string, peer: string, expire: number, value = ''): Alert =>
    ({
      name, peer, value, expire: BigInt(expire) * 1_000_000n, valid: true, weight: 0n, partitionable: false, received_at: 0n,
      triggered_at: '2026-11-29T02:00:00Z'
    })

  it('has one line for each peer that is silent, with its name and since when', () => {
    const alerts = [
      alert('freespace', one, 3000), alert('ping', one, 2000, '{"peer_name":"peer0"}'), alert('ping', one, 1500),
      alert('freespace', two, 1000), alert('ping', two, 1000, 'no JSON')
    ]

    assert.deepEqual(silentPeers(alerts, []), [
      { peer: one, name: 'peer0', metrics: ['freespace', 'ping'], expiredAt: 1500 },
      { peer: two, name: '', metrics: ['freespace', 'ping'], expiredAt: 1000 }
    ])
  })

  it('has none for one that is back', () => {
    const alerts = [alert('freespace', one, 3000), alert('ping', one, 2000), alert('ping', two, 2000)]

    assert.deepEqual(silentPeers(alerts, [{ name: 'ping', peer: one }, { name: 'freespace', peer: one }]).map(({ peer }) => peer), [two])
  })
})
