import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cidFor } from '../support/pins.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const hour = '1h0m0s'
const count = 400

describe('two Node peers, through their real program', () => {
  const peers: PeerProcess[] = []
  const at = (index: number): PeerProcess => peers[index] as PeerProcess
  const json = async (index: number, path: string): Promise<any> => (await fetch(`${at(index).url}${path}`)).json()
  const pins = async (index: number): Promise<number> => (await json(index, '/health/ready')).pins
  const address = async (index: number): Promise<string> => {
    await pollUntil(async () => (await json(index, '/id')).addresses?.length > 0, { what: 'an address' })
    return (await json(index, '/id')).addresses[0]
  }

  before(async () => {
    for (let index = 0; index < 2; index++) {
      peers.push(await peerProcess(config => {
        Object.assign(config.cluster, { secret: 'ab'.repeat(32), monitor_ping_interval: '2s' })
        // nothing comes by gossip for as long as the test takes
        config.consensus.crdt.rebroadcast_interval = hour
        config.ipfs_connector.helia.pin_timeout = hour
      }))
    }
    await at(0).start()
    const { id } = await json(0, '/id')
    await address(0)
    await pollUntil(
      async () => (await fetch(`${at(0).url}/pins/${cidFor('chain 0')}?user-allocations=${id}&replication=1`, { method: 'POST' })).ok,
      { what: 'the first pin' }
    )
    for (let index = 1; index < count; index++) {
      await fetch(`${at(0).url}/pins/${cidFor(`chain ${index}`)}?user-allocations=${id}&replication=1`, { method: 'POST' })
    }
  })
  after(async () => { await Promise.all(peers.map(async peer => peer.remove())) })

  it('give each other their history as soon as they meet', async () => {
    await at(1).start(['--bootstrap', await address(0)])

    await pollUntil(async () => await pins(1) === count, { what: 'all pins' })
    const [ours, theirs] = await Promise.all([json(1, '/health/ready'), json(0, '/health/ready')])
    assert.deepEqual([ours.heads, ours.height, ours.problems], [theirs.heads, theirs.height, theirs.problems])
    assert.ok(theirs.height >= count)
  })

  it('catch up with what was written while they were down', async () => {
    await at(1).end('SIGKILL')
    const { id } = await json(0, '/id')
    for (let index = 0; index < 20; index++) {
      await fetch(`${at(0).url}/pins/${cidFor(`later ${index}`)}?user-allocations=${id}&replication=1`, { method: 'POST' })
    }

    await at(1).start(['--bootstrap', await address(0)])

    await pollUntil(async () => await pins(1) === count + 20, { what: 'all pins' })
  })

  it('tell each other how far a pin is', async () => {
    const cid = cidFor('chain 0').toString()
    await pollUntil(async () => (await json(1, `/pins/${cid}/progress`)).length === 2, { what: 'both peers' })

    const rows = await json(1, `/pins/${cid}/progress`)

    const [ours, theirs] = [(await json(1, '/id')).id, (await json(0, '/id')).id]
    assert.deepEqual(rows.map((row: any) => [row.peer, row.error, row.operation?.type ?? null]), [[ours, '', null], [theirs, '', 'pin']])
  })
})
