import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { messagesOf } from '../../src/client/event-stream.ts'
import { chunksOfStream } from '../../src/client/web-streams.ts'
import { jsonLines, peerProcess, uploadForm, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const secret = 'ab'.repeat(32)
const cidOf = (index: number): string => {
  const bytes = Buffer.from(`three-${String(index).padStart(6, '0')}`)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

describe('three peers, through their real program', () => {
  const peers: PeerProcess[] = []
  const addresses: string[] = []

  before(async () => {
    for (let index = 0; index < 3; index++) {
      const peer = await peerProcess(json => {
        json.cluster.secret = secret
        json.cluster.monitor_ping_interval = '2s'
        json.consensus.crdt.rebroadcast_interval = '2s'
        // the third is started late and must find the others by its configuration
        json.cluster.peer_addresses = index === 2 ? addresses : []
      })
      peers.push(peer)
      if (index === 2) continue
      await peer.start(addresses.length === 0 ? [] : ['--bootstrap', addresses.join(',')])
      await pollUntil(async () => (await infoOf(peer)).addresses?.length > 0, { what: 'an address' })
      addresses.push((await infoOf(peer)).addresses[0])
    }
    await pollUntil(
      async () => (await Promise.all([0, 1].map(async at => members(at)))).every(count => count === 2), { what: 'the membership of two' }
    )
  })
  after(async () => { await Promise.all(peers.map(async peer => peer.remove())) })

  const at = (index: number): PeerProcess => peers[index] as PeerProcess
  const infoOf = async (peer: PeerProcess): Promise<any> => (await fetch(`${peer.url}/id`)).json()
  const members = async (index: number): Promise<number> => (
    await jsonLines(await fetch(`${at(index).url}/peers`))
  ).filter(peer => peer.error === '').length
  const knows = async (index: number, cid: string): Promise<boolean> => (await fetch(`${at(index).url}/allocations/${cid}`)).status === 200
  const statuses = async (index: number, cid: string): Promise<string[]> =>
    Object.values(((await (await fetch(`${at(index).url}/pins/${cid}`)).json()) as any).peer_map).map((peer: any) => peer.status)

  it('know each other\'s pins and unpins at once', async () => {
    const [first, second] = [cidOf(1), cidOf(2)]

    await fetch(`${at(0).url}/pins/${first}`, { method: 'POST' })
    await fetch(`${at(1).url}/pins/${second}`, { method: 'POST' })
    await pollUntil(async () => await knows(1, first) && await knows(0, second), { everyMs: 2 })
    await pollUntil(async () => (await statuses(0, second)).filter(status => status === 'pinned').length === 2)
    await fetch(`${at(1).url}/pins/${first}`, { method: 'DELETE' })

    await pollUntil(async () => !await knows(0, first))
    assert.ok(await knows(0, second))
  })

  it('tell in the events of one how pins go on all of them, each change once', async () => {
    const end = new AbortController()
    const heard: string[] = []
    let isReady = false
    const listening = (async () => {
      const { body } = await fetch(`${at(0).url}/events?types=pin.status`, { signal: end.signal })
      for await (const message of messagesOf(chunksOfStream(body as ReadableStream<Uint8Array>))) {
        if (message.kind === 'ready') isReady = true
        if (message.kind === 'event') heard.push(`${message.event.data.cid} ${message.event.data.peer} ${message.event.data.status}`)
      }
    })().catch(() => {})
    await pollUntil(() => isReady)

    const { cid } = await (await fetch(`${at(1).url}/pins/${cidOf(3)}`, { method: 'POST' })).json() as any
    const ids = await Promise.all([0, 1].map(async index => (await infoOf(at(index))).id as string))
    await pollUntil(() => ids.every(id => heard.includes(`${cid} ${id} pinned`)), { what: 'events of both peers' })
    await fetch(`${at(0).url}/pins/${cid}`, { method: 'DELETE' })
    await pollUntil(() => ids.every(id => heard.includes(`${cid} ${id} unpinned`)), { what: 'events of both peers' })
    end.abort()
    await listening

    assert.deepEqual(heard.filter((one, index) => heard.indexOf(one) !== index), [])
  })

  it('store an add on as many peers as asked for', async () => {
    await pollUntil(
      async () => ((await (await fetch(`${at(0).url}/monitor/metrics/freespace`)).json()) as any[]).length === 2,
      { what: 'free space of both' }
    )
    const bytes = new Uint8Array(3_000_000).map((_, index) => index % 249)

    const [line] = await jsonLines(
      await fetch(
        `${at(0).url}/add?cid-version=1&replication-min=2&replication-max=2`, { method: 'POST', body: uploadForm([{ name: 'two', bytes }]) }
      )
    )

    await pollUntil(async () => (await statuses(1, line.cid)).filter(status => status === 'pinned').length === 2)
    const served = new Uint8Array(await (await fetch(`${at(1).gateway}/ipfs/${line.cid}`)).arrayBuffer())
    assert.ok(Buffer.from(served).equals(bytes))
  })

  it('give by their gateways what another peer holds, from the beginning and in parts', async () => {
    const bytes = new Uint8Array(5_000_000).map((_, index) => index % 241)
    const holder = (await infoOf(at(0))).id
    const lines = await jsonLines(
      await fetch(
        `${at(0).url}/add?cid-version=1&raw-leaves=true&replication-min=1&replication-max=1&user-allocations=${holder}`,
        { method: 'POST', body: uploadForm([{ name: 'held', bytes }]) }
      )
    )
    const cid = lines.at(-1).cid
    await pollUntil(async () => knows(1, cid))

    const part = await fetch(`${at(1).gateway}/ipfs/${cid}`, { headers: { range: 'bytes=3000000-3999999' } })
    const partBytes = Buffer.from(await part.arrayBuffer())
    const whole = await fetch(`${at(1).gateway}/ipfs/${cid}`)
    const wholeBytes = Buffer.from(await whole.arrayBuffer())

    assert.deepEqual([part.status, whole.status], [206, 200])
    assert.ok(partBytes.equals(bytes.subarray(3_000_000, 4_000_000)))
    assert.ok(wholeBytes.equals(bytes))
    assert.equal((await statuses(1, cid)).filter(status => status === 'pinned').length, 1)
  })

  it('say that nobody has what nobody has', async () => {
    const absent = await fetch(`${at(1).gateway}/ipfs/bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq`)

    assert.deepEqual([absent.status, absent.headers.get('retry-after')], [502, '30'])
    assert.match(await absent.text(), /no peer that has bafk/)
  })

  it('take in a late one, which then knows everything', async () => {
    const cids = Array.from({ length: 300 }, (_, index) => cidOf(1000 + index))
    for (const cid of cids) await fetch(`${at(0).url}/pins/${cid}`, { method: 'POST' })

    await at(2).start()

    await pollUntil(async () => await members(2) === 3 && await members(0) === 3, { what: 'the membership of three' })
    await pollUntil(async () => (await jsonLines(await fetch(`${at(2).url}/allocations`))).length >= 300 && await knows(2, cids[0] ?? ''))
    const lists = await Promise.all(
      [0, 1, 2].map(async index => (await jsonLines(await fetch(`${at(index).url}/allocations`))).map(pin => pin.cid).toSorted())
    )
    assert.deepEqual(lists[2], lists[0])
    assert.deepEqual(lists[1], lists[0])
  })

  it('remember each other over a restart, and the one who was killed comes back', async () => {
    const [late, meanwhile] = [cidOf(5000), cidOf(5001)]
    assert.equal(await at(1).end(), 0)
    const peerstore = await readFile(join(at(1).folder, 'peerstore'), 'utf8')
    await fetch(`${at(0).url}/pins/${late}`, { method: 'POST' })
    await at(2).end('SIGKILL')
    await fetch(`${at(0).url}/pins/${meanwhile}`, { method: 'POST' })

    await Promise.all([at(1).start(), at(2).start()])

    assert.ok(peerstore.split('\n').filter(line => line.startsWith('/ip4/127.0.0.1/tcp/')).length >= 2)
    await pollUntil(async () => await knows(1, late) && await knows(2, late) && await knows(1, meanwhile) && await knows(2, meanwhile))
    await pollUntil(async () => await members(1) === 3)
  })
})
