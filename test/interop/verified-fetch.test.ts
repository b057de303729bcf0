import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decode } from '@ipld/dag-cbor'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { verifiedFetch, whyNoVerifiedFetch } from '../support/verified-fetch.ts'
import type { VerifiedFetch } from '../support/verified-fetch.ts'

const missing = await whyNoVerifiedFetch()

describe('@helia/verified-fetch with only this gateway', { skip: missing ?? false, timeout: 120_000 }, () => {
  let peer: PeerProcess
  let read: VerifiedFetch
  let proxy = ''
  let folder = ''
  const large = Buffer.alloc(1_500_000, 'the quick brown fox ')

  before(async () => {
    const [port = 0] = await freePorts(1)
    proxy = `http://127.0.0.1:${port}/api/v0`
    peer = await peerProcess(json => { json.api.ipfsproxy = { listen_multiaddress: `/ip4/127.0.0.1/tcp/${port}` } })
    await peer.start()
    const added = await call(
      'add?wrap-with-directory=true&cid-version=1&pin=false',
      { 'hello.txt': 'hello', 'sub/large.bin': large, 'site/index.html': '<!doctype html><title>a site</title>' }
    )
    folder = (JSON.parse(added.trim().split('\n').at(-1) ?? '') as { Hash: string }).Hash
    read = await verifiedFetch(peer.gateway)
  })
  after(async () => {
    await read?.stop()
    await peer?.remove()
  })

  async function call (command: string, files: Record<string, string | Buffer>): Promise<string> {
    const form = new FormData()
    for (const [name, content] of Object.entries(files)) {
      form.append('file', new Blob([new Uint8Array(Buffer.from(content))]), encodeURIComponent(name))
    }
    const response = await fetch(`${proxy}/${command}`, { method: 'POST', ...Object.keys(files).length === 0 ? {} : { body: form } })
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return text
  }

  const bytesOf = async (url: string, headers: Record<string, string> = {}): Promise<[status: number, body: Buffer, type: string]> => {
    const response = await read(url, { headers, signal: AbortSignal.timeout(20_000) })
    return [response.status, Buffer.from(await response.arrayBuffer()), response.headers.get('content-type') ?? '']
  }

  it('reads a file, small and of several blocks', async () => {
    const [smallStatus, small] = await bytesOf(`ipfs://${folder}/hello.txt`)
    const [largeStatus, whole] = await bytesOf(`ipfs://${folder}/sub/large.bin`)

    assert.deepEqual([smallStatus, small.toString(), largeStatus], [200, 'hello', 200])
    assert.ok(whole.equals(large))
  })

  it('reads a range of it', async () => {
    const [status, part] = await bytesOf(`ipfs://${folder}/sub/large.bin`, { range: 'bytes=700000-700099' })

    assert.equal(status, 206)
    assert.ok(part.equals(large.subarray(700_000, 700_100)))
  })

  it('reads a directory: its page, and all of it as tar', async () => {
    const [pageStatus, page] = await bytesOf(`ipfs://${folder}/site/`)
    const [tarStatus, tar] = await bytesOf(`ipfs://${folder}`, { accept: 'application/x-tar' })

    assert.deepEqual([pageStatus, page.toString(), tarStatus], [200, '<!doctype html><title>a site</title>', 200])
    assert.ok(tar.includes(large.subarray(0, 100_000)))
  })

  it('reads a dag-cbor document', async () => {
    const { Cid: { '/': cid } } = JSON.parse(
      await call('dag/put?store-codec=dag-cbor&input-codec=dag-json&pin=false', { document: '{"a":[1,2],"b":"c"}' })
    ) as { Cid: { '/': string } }
    const [status, body] = await bytesOf(`ipfs://${cid}`, { accept: 'application/vnd.ipld.dag-cbor' })

    assert.deepEqual([status, decode(body)], [200, { a: [1, 2], b: 'c' }])
  })

  it('reads behind a name, by the record that the gateway hands out', async () => {
    const { Name: name } = JSON.parse(
      await call(`name/publish?arg=/ipfs/${folder}&allow-offline=true&resolve=false`, {})
    ) as { Name: string }
    const [status, body] = await bytesOf(`ipns://${name}/hello.txt`)

    assert.deepEqual([status, body.toString()], [200, 'hello'])
  })

  it('learns soon that a name is not there', async () => {
    const [status] = await bytesOf(`ipfs://${folder}/none`)

    assert.equal(status, 404)
  })
})
