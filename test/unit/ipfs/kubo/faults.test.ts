import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import type { IpfsConnector } from '../../../../src/ipfs/ipfs.ts'
import type { KuboInit } from '../../../../src/ipfs/kubo/connector.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { pinOf } from '../../../support/pins.ts'
import { batches, rawBlock } from '../../../support/unixfs-blocks.ts'
import { fakeKubo, notPinned, type FakeAnswer, type FakeKubo } from '../../../support/fake-kubo.ts'
import { connectorTo } from '../../../support/kubo.ts'

const cid = parseCid('bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a')

describe('an external Kubo that fails', () => {
  let kubo: FakeKubo
  let ipfs: IpfsConnector

  const start = async (answer: (call: string) => FakeAnswer, init: Partial<KuboInit> = {}): Promise<IpfsConnector> => {
    kubo = await fakeKubo(answer)
    ipfs = connectorTo(kubo.api, init)
    return ipfs
  }

  afterEach(async () => {
    await ipfs.stop()
    await kubo.close()
  })

  it('is IPFS_UNAVAILABLE while it is away, in the words of Go, and works again when it is back', async () => {
    const ipfs = await start(() => ({ body: '{"RepoSize":1,"StorageMax":2}' }))
    const port = Number(kubo.api.split('/').at(-1))
    await kubo.close()

    const away = ipfs.repoStat()

    await assert.rejects(away, {
      code: 'IPFS_UNAVAILABLE',
      message: `Post "http://127.0.0.1:${port}/api/v0/repo/stat?size-only=true": dial tcp 127.0.0.1:${port}: connect: connection refused`
    })
    assert.match((await ipfs.id()).error, /connection refused$/)

    kubo = await fakeKubo(() => ({ body: '{"RepoSize":1,"StorageMax":2}' }), { host: '127.0.0.1', port })

    assert.equal((await ipfs.repoStat()).storageMax, 2)
  })

  it('passes on what Kubo says', async () => {
    const ipfs = await start(() => ({ status: 500, body: '{"Message":"it is broken","Code":0,"Type":"error"}' }))

    const unpinned = ipfs.unpin(cid)

    await assert.rejects(unpinned, {
      code: 'IPFS_ERROR', message: `IPFS error (pin/rm?arg=${String(cid)}). Code: 500. Message: it is broken`
    })
  })

  it('says when something else answers', async () => {
    const ipfs = await start(() => ({ status: 404, body: '404 page not found\n' }))

    const stat = ipfs.repoStat()

    await assert.rejects(stat, {
      code: 'IPFS_ERROR', message: 'IPFS request failed (is it running?) (repo/stat?size-only=true). Code 404: 404 page not found\n'
    })
  })

  it('hears errors that come at the end of an answer', async () => {
    const ipfs = await start(
      call => call.startsWith('pin/ls') ? notPinned(cid) : { body: '{"Progress":1}\n', trailer: 'context deadline exceeded' }
    )

    const pinned = ipfs.pin(pinOf(cid))

    await assert.rejects(pinned, { code: 'IPFS_ERROR', message: /context deadline exceeded/ })
    assert.equal(ipfs.progress(cid)?.blocks, 1)
  })

  it('is IPFS_UNAVAILABLE when it hangs up in the middle', async () => {
    const ipfs = await start(() => (_request, response) => {
      response.write('{"Cid":"a","Type":"recursive"}\n', () => response.destroy())
    })

    const view = ipfs.pinnedView()

    await assert.rejects(view, { code: 'IPFS_UNAVAILABLE' })
  })

  it('ends what takes too long', async () => {
    const ipfs = await start(() => null, { requestTimeoutMs: 30 })

    const view = ipfs.pinnedView()

    await assert.rejects(view, { code: 'TIMEOUT' })
  })

  it('ends a pin that stands still, and not one that moves', async () => {
    let sent = 0
    const ipfs = await start(call => call.startsWith('pin/ls') ? notPinned(cid) : (_request, response) => {
      const timer = setInterval(() => { response.write(`{"Progress":${Math.min(++sent, 8)}}\n`) }, 20)
      response.on('close', () => clearInterval(timer))
    }, { pinTimeoutMs: 120 })

    const pinned = ipfs.pin(pinOf(cid))

    await assert.rejects(pinned, { code: 'TIMEOUT' })
    assert.equal(ipfs.progress(cid)?.blocks, 8)
  })

  it('refuses an answer about another block', async () => {
    const [sent, other] = [await rawBlock('one'), await rawBlock('two')]
    const ipfs = await start(() => ({ body: `{"Key":"${String(other.cid)}","Size":3}\n` }))

    const put = ipfs.putBlocks(batches(sent))

    await assert.rejects(put, { code: 'INVALID_DATA' })
  })

  it('stops reading blocks when Kubo refuses them', async () => {
    const ipfs = await start(() => ({ status: 500, body: '{"Message":"write: no space left on device"}' }))
    let closed = false
    const endless = async function * () {
      const block = await rawBlock('x'.repeat(1000))
      try { for (let n = 0; n < 50; n++) yield [block] } finally { closed = true }
    }

    const put = ipfs.putBlocks(endless())

    await assert.rejects(put, { code: 'STORAGE_FULL' })
    assert.ok(closed)
  })

  it('ends running calls when it is stopped', async () => {
    const ipfs = await start(() => null)

    const stat = ipfs.repoStat()
    await ipfs.stop()

    await assert.rejects(stat, { code: 'NOT_READY' })
    await assert.rejects(ipfs.ready(), { code: 'NOT_READY' })
  })
})

describe('the address of an external Kubo', () => {
  it('may be a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kubo-socket-'))
    const kubo = await fakeKubo(
      () => ({ body: '{"Peers":[{"Addr":"","Peer":"b"},{"Addr":"","Peer":"a"}]}' }), { path: join(folder, 'api.sock') }
    )
    const ipfs = connectorTo(kubo.api)

    const peers = await ipfs.swarmPeers()

    assert.deepEqual(peers, ['a', 'b'])
    await ipfs.stop()
    await kubo.close()
    await rm(folder, { recursive: true })
  })

  it('may have a name', async () => {
    const kubo = await fakeKubo(() => ({ body: '{"Peers":null}' }))
    const ipfs = connectorTo(kubo.api.replace('/ip4/127.0.0.1', '/dns4/localhost'))

    const peers = await ipfs.swarmPeers()

    assert.deepEqual(peers, [])
    await ipfs.stop()
    await kubo.close()
  })

  it('is refused when it is none', () => {
    assert.throws(() => connectorTo('/ip4/127.0.0.1/udp/5001'), { code: 'INVALID_CONFIG' })
  })
})
