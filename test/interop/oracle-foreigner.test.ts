import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CID } from '../../src/model/cid.ts'
import { crdtTopic, decodeHeads } from '../../src/wire/broadcast.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { decodeMetric } from '../../src/wire/metric.ts'
import { encodePin } from '../../src/wire/pin.ts'
import { jsonLines, peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pinFor } from '../support/pins.ts'
import { pollUntil } from '../support/poll.ts'
import { base64, fromBase64, noOracle, startOracle } from './oracle-program.ts'
import type { Oracle } from './oracle-program.ts'

const secret = 'ab'.repeat(32)
const rpcProtocol = '/ipfscluster/1.0/rpc'
const stranger = '12D3KooWLJ6K8gtwShUFroy7xCt3WqUDFbZJngZJ3KdgqxoeJ9rC'
const topic = crdtTopic('ipfs-cluster')

interface Told { values: any[], errorKind: string, error: string }
interface Message { from: string, data: string }

/** A real peer, and the oracle's foreigner connected to it. */
interface Meeting {
  peer: PeerProcess
  id: string
  foreigner: { id: string, protocols: string[] }
  call (service: string, method: string, ...args: unknown[]): Promise<Told>
  stream (service: string, method: string, ...args: unknown[]): Promise<Told>
  get (path: string): Promise<any>
  end (): Promise<void>
}

async function meet (oracle: Oracle, change: (json: any) => void = () => {}): Promise<Meeting> {
  let address = ''
  const peer = await peerProcess(json => {
    json.cluster.secret = secret
    json.cluster.monitor_ping_interval = '1s'
    json.consensus.crdt.trusted_peers = ['*']
    address = json.cluster.listen_multiaddress[0]
    change(json)
  })
  const get = async (path: string): Promise<any> => (await fetch(peer.url + path)).json()
  const arrive = async (): Promise<Meeting['foreigner']> =>
    await oracle.ask('arrive', { secret, peer: `${address}/p2p/${(await get('/id')).id}`, name: 'foreigner' })
  await peer.start()
  // the REST API is there before the host of the cluster
  await pollUntil(async () => (await fetch(`${peer.url}/health/ready`)).ok)
  const foreigner = await arrive().catch(async err => {
    await peer.remove()
    throw err
  })
  const { id } = await get('/id')
  for (const name of ['monitor.metrics', topic]) {
    await oracle.ask('hear', { topic: name })
    // what is published before would reach nobody
    await pollUntil(
      async () => (await oracle.ask<string[]>('neighbours', { topic: name })).includes(id), { what: `the peer in the mesh of ${name}` }
    )
  }
  const ask = (how: 'call' | 'stream') =>
    async (service: string, method: string, ...args: unknown[]) => await oracle.ask<Told>(how, { peer: id, service, method, args })
  return {
    peer,
    id,
    foreigner,
    get,
    call: ask('call'),
    stream: ask('stream'),
    end: async () => {
      await oracle.ask('leave')
      await peer.remove()
    }
  }
}

/** The pings that came from others since the last call. */
const pingsHeard = async (oracle: Oracle): Promise<Message[]> =>
  (await oracle.ask<Message[]>('heard', { topic: 'monitor.metrics' })).filter(({ data }) => decodeMetric(fromBase64(data)).name === 'ping')

/** The foreigner's ping: with it, it is a member for a minute. */
async function tellOfItself (oracle: Oracle, { foreigner, get }: Meeting): Promise<void> {
  await oracle.ask('metric', { name: 'ping', peer: foreigner.id, value: '{"peer_name":"foreigner"}', liveMs: 60_000 })
  await pollUntil(async () => (await get('/monitor/metrics/ping')).some((metric: any) => metric.peer === foreigner.id))
}

/** Lets a go-ds-crdt replica pin something, and tells the cluster as that replica would: heads by gossip, blocks by bitswap. */
async function announcePin (oracle: Oracle, text: string): Promise<CID> {
  const pin = pinFor(text)
  const [replica, value] = [`of ${text}`, base64(encodePin(pin))]
  await oracle.ask('open', { replica })
  await oracle.ask('write', { replica, changes: [{ key: pinKey(pin.cid), value }] })
  for (const data of await oracle.ask<string[]>('said', { replica })) {
    for (const head of decodeHeads(fromBase64(data))) {
      await oracle.ask('serve', { cid: head.toString(), bytes: await oracle.ask('block', { cid: head.toString() }) })
    }
    await oracle.ask('publish', { topic, data })
  }
  await oracle.ask('close', { replica })
  return pin.cid
}

describe('a foreigner made of Go\'s libraries', { skip: await noOracle() }, () => {
  let oracle: Oracle
  let meeting: Meeting
  before(async () => {
    oracle = await startOracle()
    meeting = await meet(oracle)
  })
  after(async () => {
    await meeting?.end()
    await oracle?.stop()
  })

  it('finds the protocols of a cluster peer', () => {
    for (const protocol of [
      rpcProtocol, '/ipfs/ping/1.0.0', '/ipfs/id/1.0.0', '/meshsub/1.2.0', '/ipfs/bitswap/1.2.0', '/ipfs/lan/kad/1.0.0',
      '/libp2p/autonat/1.0.0'
    ]) {
      assert(meeting.foreigner.protocols.includes(protocol), protocol)
    }
  })

  it('gets answers to its calls', async () => {
    const { id, call, stream, foreigner } = meeting

    const [version, identity, streamed, added] = [
      await call('Cluster', 'Version'), await call('Cluster', 'ID'), await stream('Cluster', 'IDStream'),
      await call('Cluster', 'PeerAdd', { peer: foreigner.id })
    ]

    assert.deepEqual(version.values, [{ v: (await meeting.get('/version')).version }])
    assert.equal(identity.values[0].i, id)
    assert.equal(identity.values[0].rv, rpcProtocol)
    assert.deepEqual(streamed.values.map(value => value.i), [id])
    assert.deepEqual([added.values[0].i, added.values[0].pn], [foreigner.id, 'foreigner'])
  })

  it('is given the pins by a streaming method', async () => {
    const { peer, stream } = meeting
    const cids = ['bafkqaalb', 'bafkqaalc', 'bafkqaald']
    for (const cid of cids) assert.equal((await fetch(`${peer.url}/pins/${cid}`, { method: 'POST' })).status, 200)

    const { values, error } = await stream('PinTracker', 'StatusAll', 0)

    assert.equal(error, '')
    assert.deepEqual(values.map(value => value.c).toSorted(), cids)
  })

  it('is refused as by a Go peer', async () => {
    const { call, stream } = meeting

    assert.deepEqual(await call('Cluster', 'Pin'), {
      values: [], errorKind: 'authorization', error: 'client does not have permissions to call Cluster.Pin'
    })
    assert.deepEqual(await stream('Cluster', 'Pins'), {
      values: [], errorKind: 'authorization', error: 'client does not have permissions to call Cluster.Pins'
    })
    assert.deepEqual(await call('Cluster', 'Nope'), { values: [], errorKind: 'server', error: "rpc: can't find method Nope" })
    assert.deepEqual(await call('Nope', 'Nope'), { values: [], errorKind: 'server', error: "rpc: can't find service Nope" })
    assert.equal((await call('PinTracker', 'Status', { cid: 'bafkqaalx' })).errorKind, '')
    assert.equal((await call('PinTracker', 'Status', ['no', 'cid'])).errorKind, 'server')
    assert.deepEqual(
      await call('Consensus', 'RmPeer', { peer: stranger }),
      { values: [], errorKind: 'method', error: 'crdt consensus component cannot remove peers' }
    )
  })

  it('hears the metrics of the peer, signed by it', async () => {
    const heard: Message[] = []
    await pollUntil(async () => heard.push(...await pingsHeard(oracle)) > 0)

    for (const { from, data } of heard) assert.deepEqual([from, decodeMetric(fromBase64(data)).peer], [meeting.id, meeting.id])
  })

  it('is a member once it says that it lives, under the name that it gives; nobody is by another\'s word', async () => {
    const { peer, foreigner, get } = meeting

    await oracle.ask('metric', { name: 'ping', peer: stranger, value: '{"peer_name":"forged"}', liveMs: 60_000 })
    await tellOfItself(oracle, meeting)
    await pollUntil(async () => (await jsonLines(await fetch(`${peer.url}/peers`))).length === 2)

    const members = await jsonLines(await fetch(`${peer.url}/peers`))
    assert.deepEqual(
      members.map(member => [member.id, member.version, member.error]).find(([id]) => id === foreigner.id),
      [foreigner.id, '0.0.0-oracle', '']
    )
    assert.deepEqual((await get('/monitor/metrics/ping')).filter((metric: any) => metric.peer === stranger), [])
  })

  it('pins through the CRDT, and hears of the peer\'s own pins', async () => {
    const { peer } = meeting
    await oracle.ask('heard', { topic })

    const cid = await announcePin(oracle, 'by the foreigner')
    await pollUntil(async () => (await fetch(`${peer.url}/allocations/${cid}`)).status === 200)
    await fetch(`${peer.url}/pins/bafkqaale`, { method: 'POST' })
    const heard: Message[] = []
    await pollUntil(async () => heard.push(...await oracle.ask<Message[]>('heard', { topic })) > 0)

    for (const { from, data } of heard) {
      assert.equal(from, meeting.id)
      assert.equal(decodeHeads(fromBase64(data)).length, 1)
    }
  })

  for (const manner of ['abrupt', 'terse', 'noisy', 'endless', 'silent']) {
    it(`is a row with an error, in time, when it is ${manner} about calls`, async () => {
      const { peer, id, foreigner } = meeting
      await tellOfItself(oracle, meeting)
      await oracle.ask('behave', { manner })

      const answerTo = async (path: string): Promise<any[]> =>
        jsonLines(await fetch(peer.url + path, { signal: AbortSignal.timeout(18_000) }))
      const [members, statuses] = await Promise.all([answerTo('/peers'), answerTo('/pins/bafkqaalb')])

      await oracle.ask('behave', { manner: 'polite', name: 'foreigner' })
      assert.deepEqual(members.map(member => [member.id, member.error !== '']).toSorted(), [[id, false], [foreigner.id, true]].toSorted())
      assert.deepEqual(
        statuses.map(({ peer_map: map }) => [map[id].status === 'cluster_error', map[foreigner.id].status]), [[false, 'cluster_error']]
      )
    })
  }

  it('may give up a call: the peer goes on', async () => {
    const { id, call, peer } = meeting
    const ask = { peer: id, service: 'PinTracker', method: 'StatusAll', args: [0] }
    const header = Buffer.from('82a44e616d65a7436c7573746572a64d6574686f64a24944', 'hex')

    await Promise.all(Array.from({ length: 50 }, async (_, index) => oracle.ask('stream', { ...ask, patienceMs: 1 + index % 5 })))
    for (const ending of ['reset', 'hang', 'close']) {
      await oracle.ask('raw', { peer: id, protocol: rpcProtocol, data: base64(header), ending })
    }

    assert.equal((await call('Cluster', 'ID')).values[0].i, id)
    assert.equal((await fetch(`${peer.url}/health`)).status, 204)
  })

  it('does no harm with what is no message at all', async () => {
    const { peer, id, call, foreigner } = meeting
    const noise = Buffer.alloc(100_000, 0xc1)
    const endless = Buffer.concat([Buffer.from('82a44e616d65', 'hex'), Buffer.from('dbffffffff', 'hex'), Buffer.alloc(2_000_000, 0x61)])

    for (const data of [noise, endless, Buffer.alloc(0), Buffer.from('82a44e616d65a7436c7573746572a64d6574686f64a749', 'hex')]) {
      await oracle.ask('raw', { peer: id, protocol: rpcProtocol, data: base64(data) })
    }
    for (const name of ['monitor.metrics', topic]) {
      for (const data of [noise.subarray(0, 1000), Buffer.from('dfffffffff', 'hex'), Buffer.alloc(1)])
        await oracle.ask('publish', { topic: name, data: base64(data) })
    }

    assert.equal((await call('Cluster', 'ID')).values[0].i, id)
    assert.equal((await fetch(`${peer.url}/health`)).status, 204)
    const cid = await announcePin(oracle, 'after the noise')
    await pollUntil(async () => (await fetch(`${peer.url}/allocations/${cid}`)).status === 200)
    assert.match(peer.log(), new RegExp(`WARN.*${foreigner.id}`))
  })
})

describe('a foreigner that nobody trusts', { skip: await noOracle() }, () => {
  let oracle: Oracle
  let meeting: Meeting
  before(async () => {
    oracle = await startOracle()
    meeting = await meet(oracle, json => { json.consensus.crdt.trusted_peers = [] })
  })
  after(async () => {
    await meeting?.end()
    await oracle?.stop()
  })

  it('may ask who the peer is and nothing else', async () => {
    const { call, stream, id } = meeting

    assert.equal((await call('Cluster', 'ID')).values[0].i, id)
    for (const [service, method] of [['Cluster', 'Peers'], ['PinTracker', 'StatusAll']] as const) {
      assert.equal((await stream(service, method)).errorKind, 'authorization', `${service}.${method}`)
    }
    for (
      const [service, method] of [
        ['PinTracker', 'Status'], ['PinTracker', 'Recover'], ['IPFSConnector', 'RepoStat'], ['Consensus', 'LogPin']
      ] as const
    ) {
      assert.equal((await call(service, method)).errorKind, 'authorization', `${service}.${method}`)
    }
  })

  it('changes nothing in the pinset', async () => {
    const { peer } = meeting

    const cid = await announcePin(oracle, 'of no right')
    // metrics come from anybody: when this one is known, the heads have been heard; a trusted peer's pin is there within a fraction of the
    // peer's next ping
    await tellOfItself(oracle, meeting)
    await oracle.ask('heard', { topic: 'monitor.metrics' })
    await pollUntil(async () => (await pingsHeard(oracle)).length > 0)

    assert.equal((await fetch(`${peer.url}/allocations/${cid}`)).status, 404)
    const config = JSON.parse(await readFile(join(peer.folder, 'service.json'), 'utf8'))
    assert.deepEqual(config.consensus.crdt.trusted_peers, [])
  })
})
