import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCtlHere } from '../support/ctl.ts'
import { flipBit } from '../support/flip-bit.ts'
import { jsonLines, peerProcess, uploadForm, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

describe('a bit that turned on the disk', () => {
  const peers: PeerProcess[] = []
  const content = randomBytes(3000)
  let cid = ''
  const at = (index: number): PeerProcess => peers[index] as PeerProcess
  const ctl = async (index: number, ...args: string[]) => runCtlHere(['--host', at(index).url, ...args])
  const ids: string[] = []

  before(async () => {
    for (const index of [0, 1]) {
      const peer = await peerProcess(json => {
        Object.assign(json.cluster, { secret: 'cd'.repeat(32), peername: `peer-${index}`, monitor_ping_interval: '10s' })
        json.ipfs_connector.helia.connect_swarms_delay = '1s'
      })
      peers.push(peer)
      await peer.start(index === 0 ? [] : ['--bootstrap', (await infoOf(0)).addresses[0]])
      await pollUntil(async () => (await infoOf(index)).addresses?.length > 0, { what: 'an address' })
      ids.push((await infoOf(index)).id)
    }
    await pollUntil(async () => (await jsonLines(await fetch(`${at(0).url}/peers`))).length === 2, { what: 'the other peer' })
    const [added] = (
      await jsonLines(
        await fetch(`${at(0).url}/add?raw-leaves=true`, { method: 'POST', body: uploadForm([{ name: 'file', bytes: content }]) })
      )
    ).slice(-1)
    cid = added.cid
    await pollUntil(
      async () =>
        Object.values<any>(
          (await (await fetch(`${at(0).url}/pins/${cid}`)).json() as any).peer_map
        ).filter(({ status }) => status === 'pinned').length === 2,
      { what: 'the pin on both' }
    )
  })
  after(async () => { await Promise.all(peers.map(async peer => peer.remove())) })

  const infoOf = async (index: number): Promise<any> => (await fetch(`${at(index).url}/id`)).json()

  it('is found by an audit, named, and repaired from the other peer', async () => {
    const good = await ctl(1, 'audit', '--all')
    assert.deepEqual([good.status, good.stdout.includes('all of it is there')], [0, true], good.stdout + good.stderr)

    await at(1).end('SIGTERM')
    await flipBit(join(at(1).folder, 'blocks'), content)
    await at(1).start(['--bootstrap', (await infoOf(0)).addresses[0]])
    await pollUntil(async () => (await fetch(`${at(1).url}/health/ready`)).status === 200, { withinMs: 60_000, what: 'the peer again' })

    const bad = await ctl(1, 'audit', cid)
    assert.equal(bad.status, 1, bad.stdout + bad.stderr)
    assert.match(bad.stdout, new RegExp(`${cid}: 1 block missing or damaged`))

    await pollUntil(async () => (await jsonLines(await fetch(`${at(1).url}/peers`))).length === 2, { what: 'the other peer again' })
    const repaired = await ctl(1, 'audit', cid, '--repair')
    const again = await ctl(1, 'audit', cid)
    assert.match(repaired.stdout, /1 block missing or damaged, all back again|all of it is there/)
    assert.deepEqual([again.status, again.stdout.includes('all of it is there')], [0, true], again.stdout)
  })

  it('is forgotten with the pin: pinned again it is other bytes', async () => {
    const statusHere = async (): Promise<any> =>
      Object.values((await (await fetch(`${at(1).url}/pins/${cid}?local=true`)).json() as any).peer_map)[0]
    await flipBit(join(at(1).folder, 'blocks'), content)
    const bad = await ctl(1, 'audit', cid)
    assert.equal(bad.status, 1, bad.stdout + bad.stderr)
    assert.match((await statusHere()).error, /the audit of .* found 1 of its blocks missing or damaged/)

    const removed = await ctl(1, 'pin', 'rm', '--wait', cid)
    const gone = await ctl(1, 'audit', cid)
    await ctl(0, 'pin', 'add', '--wait', cid)

    assert.deepEqual([removed.status, gone.status], [0, 2], removed.stdout + removed.stderr + gone.stdout)
    assert.deepEqual([(await statusHere()).status, (await statusHere()).error], ['pinned', ''])
    assert.deepEqual(await jsonLines(await fetch(`${at(1).url}/audit/results?bad=true`)), [])
  })

  it('lets one peer look at what the other shows', async () => {
    await pollUntil(
      async () => (await jsonLines(await fetch(`${at(0).url}/peers`))).filter(({ error }) => error === '').length === 2,
      { what: 'the other peer' }
    )

    const { status, stdout, stderr } = await ctl(0, 'audit', '--all', '--peer', 'peer-1')

    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, new RegExp(`done: 1 pin of ${ids[1]}`))
  })

  it('says how it is used', async () => {
    const { status, stderr, stdout } = await ctl(0, 'audit')

    assert.deepEqual([status, (stderr + stdout).includes('--all')], [1, true])
  })
})
