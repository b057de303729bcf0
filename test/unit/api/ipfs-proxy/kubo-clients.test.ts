import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quietMs } from '../../../support/poll.ts'
import { jsonLinesOf, jsonOf, proxyPeer } from '../../../support/proxy-peer.ts'
import type { ProxyPeer } from '../../../support/proxy-peer.ts'
import { aCid } from '../../../support/cluster/values.ts'

const cid = aCid('pinned').toString()

async function withPins (): Promise<ProxyPeer> {
  const peer = proxyPeer()
  await peer.ask(`pin/add?arg=${cid}&name=${encodeURIComponent('a "name" & more')}`)
  await peer.ask(`pin/add?arg=${aCid('nameless').toString()}`)
  return peer
}

describe('what clients of Kubo want of the proxy', { timeout: quietMs(10_000) }, () => {
  it('pin/ls has names when they are asked for, as Kubo 0.44 prints them, and else none, as Go', async () => {
    const peer = await withPins()
    const name = '"a \\"name\\" \\u0026 more"'

    const [one, oneLine, without] = await Promise.all(
      [
        `arg=${cid}&names=true`, `arg=${cid}&names=true&stream=true`, `arg=${cid}`
      ].map(async query => (await peer.ask(`pin/ls?${query}`)).body.toString())
    )
    const all = jsonOf(await peer.ask('pin/ls?names=true'))
    const lines = jsonLinesOf(await peer.ask('pin/ls?names=true&stream=true'))

    assert.equal(one, `{"Keys":{"${cid}":{"Type":"recursive","Name":${name}}}}`)
    assert.equal(oneLine?.trim(), `{"Cid":"${cid}","Name":${name},"Type":"recursive"}`)
    assert.equal(without, `{"Keys":{"${cid}":{"Type":"recursive"}}}`)
    assert.deepEqual(all.Keys, {
      [cid]: { Type: 'recursive', Name: 'a "name" & more' }, [aCid('nameless').toString()]: { Type: 'recursive', Name: '' }
    })
    assert.deepEqual(lines.map(line => line.Name).toSorted(), ['a "name" & more', undefined])
  })

  it('pin names have 255 bytes at most, and are UTF-8', async () => {
    const peer = proxyPeer()
    const add = async (name: string): Promise<string | undefined> => jsonOf(await peer.ask(`pin/add?arg=${cid}&name=${name}`)).Message

    assert.equal(await add('%C3%A4'.repeat(128)), 'pin name is 256 bytes (max 255 bytes)')
    assert.equal(await add('%F1'), 'string field contains invalid UTF-8')
    assert.equal(peer.cluster.pins.size, 0)
    assert.equal(await add(`${'%C3%A4'.repeat(127)}x`), undefined)
  })

  it('repo/stat has all members that kubo-rpc-client 5 reads', async () => {
    const { RepoSize, StorageMax, NumObjects, RepoPath, Version, ...more } = jsonOf(await proxyPeer().ask('repo/stat'))

    assert.deepEqual([RepoSize, StorageMax, NumObjects].map(value => typeof BigInt(value)), ['bigint', 'bigint', 'bigint'])
    assert.deepEqual([RepoPath, Version, more], ['', 'fs-repo@18', {}])
  })

  for (const command of ['cat', 'ls', 'get', 'dag/get', 'refs', 'block/get', 'dag/stat']) {
    it(`${command} ends when its time is up, in Kubo's words`, async () => {
      const peer = proxyPeer()
      peer.ipfs.getBlock = async (_, { signal } = {}) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))

      const reply = await peer.ask(`${command}?arg=${aCid('nowhere').toString()}&timeout=5ms`)

      assert.deepEqual([reply.status, jsonOf(reply).Message], [500, 'context deadline exceeded'])
    })
  }

  it('commands of the cluster end so, too, and a time that is none is an error', async () => {
    const peer = proxyPeer()
    peer.cluster.pinPath = async (_path: string, _options: unknown, call: { signal?: AbortSignal } = {}) =>
      new Promise((_resolve, reject) => call.signal?.addEventListener('abort', () => reject(call.signal?.reason), { once: true }))

    assert.equal(jsonOf(await peer.ask(`pin/add?arg=${cid}&timeout=5ms`)).Message, 'context deadline exceeded')
    assert.equal(jsonOf(await peer.ask('pin/ls?timeout=soon')).Message, 'time: invalid duration "soon"')
    assert.equal((await peer.ask('pin/ls?timeout=1m')).status, 200)
  })

  it('answers that are no JSON vary by origin, too: Kubo 0.44 says so on every path below /api/v0/', async () => {
    const peer = proxyPeer()

    for (const request of ['nonsense', 'cat', 'cat?arg=bafkqaaa&offset=x', 'GET /api/v0/version']) {
      const { headers } = await peer.ask(request)
      assert.deepEqual(headers.filter(([name]) => name === 'Vary'), [['Vary', 'Origin']])
    }
    assert.deepEqual(
      (await peer.ask('cat?arg=bafkqaaa&offset=x')).body.toString(), 'could not convert value "x" to type "int64" (for option "-offset")\n'
    )
    assert.equal(jsonOf(await peer.ask('cat?arg=bafkqaaa&offset=-1')).Message, 'cannot specify negative offset')
  })
})
