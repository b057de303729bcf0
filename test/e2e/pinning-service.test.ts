import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const identityCid = (text: string): string => {
  const bytes = Buffer.from(text)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

describe('the pinning service of a real peer', () => {
  let peer: PeerProcess
  let url = ''

  before(async () => {
    const [port = 0] = await freePorts(1)
    url = `http://127.0.0.1:${port}/pins`
    peer = await peerProcess(json => { json.api.pinsvcapi = { http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}` } })
    await peer.start()
  })
  after(async () => { await peer.remove() })

  const add = async (name: string): Promise<any> => (await fetch(url, {
    method: 'POST', body: JSON.stringify({ cid: identityCid(name), name })
  })).json()
  const list = async (query = ''): Promise<any> => (await fetch(`${url}${query}`)).json()

  it('keeps creation times and order over a kill', async () => {
    const added = await Promise.all(['a', 'b', 'c', 'd'].map(add))
    await pollUntil(async () => (await list()).count === 4)
    const before = await list()

    await peer.end('SIGKILL')
    await peer.start()

    // what was pinned within 20 ms of the kill is pinned again
    await pollUntil(async () => (await list()).count === 4)
    assert.deepEqual(
      (await list()).results.map((one: any) => [one.requestid, one.created]), before.results.map((one: any) => [one.requestid, one.created])
    )
    assert.deepEqual(added.map(one => one.created).toSorted(), before.results.map((one: any) => one.created).toSorted())
    assert.ok(before.results.every((one: any) => one.delegates.length > 0))
  })

  it('lists what was pinned by the REST API, and forgets what was unpinned there', async () => {
    const cid = identityCid('by REST')
    await fetch(`${peer.url}/pins/${cid}?name=rest`, { method: 'POST' })
    const there = await list('?name=rest')
    await fetch(`${peer.url}/pins/${cid}`, { method: 'DELETE' })
    const gone = await list('?name=rest')

    assert.deepEqual([there.count, gone.count], [1, 0])
  })
})
