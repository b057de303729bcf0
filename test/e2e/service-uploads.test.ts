import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { jsonLines, peerProcess, uploadForm } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { serviceReady } from '../support/service-peer.ts'

interface Entry { cid: string, pinned: boolean, state: string, size: number, original_filename: string }

describe('uploads of the service, through the real program', { timeout: quietMs(90_000) }, () => {
  let peer: PeerProcess
  let service: string
  let key: string

  before(async () => {
    const [port = 0] = await freePorts(1)
    service = `http://127.0.0.1:${port}`
    peer = await peerProcess(json => {
      json.api.service = { http_listen_multiaddress: [`/ip4/127.0.0.1/tcp/${port}`], registration: 'open' }
    })
    await start()
    const made = await call('/api/v1/users/register', {
      method: 'POST', body: JSON.stringify({ email: 'a@example.com', password: 'correct horse battery' }),
      headers: { 'content-type': 'application/json' }
    })
    key = made.data.api_key
  })

  after(async () => { await peer.remove() })

  /** Until the service answers: it starts beside the rest. */
  const start = async (): Promise<void> => {
    await peer.start()
    await serviceReady(service)
  }

  const send = async (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${service}${path}`, {
    ...init, headers: { ...init.headers as Record<string, string>, ...(key == null ? {} : { 'x-api-key': key }) }
  })
  const call = async (path: string, init: RequestInit = {}): Promise<any> => (await send(path, init)).json()
  const upload = async (files: Record<string, string | Uint8Array>, query = ''): Promise<Entry> => {
    const form = new FormData()
    for (const [name, content] of Object.entries(files)) {
      form.append('file', new Blob([content as Uint8Array<ArrayBuffer>], { type: 'text/plain' }), name)
    }
    const { status, data, message } = await call(`/api/v1/files/upload${query}`, { method: 'POST', body: form })
    assert.equal(status, 201, message)
    return data as Entry
  }
  const staged = async (): Promise<string[]> => {
    const entries = await readdir(join(peer.folder, 'staging'), { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile() && entry.name !== 'id').map(({ name }) => name)
  }
  /** Nothing but what the account's files need. */
  const isClean = async (): Promise<boolean> => {
    const { data } = await call('/api/v1/users/status')
    return data.used_bytes === data.total_size_bytes && (await staged()).length === 0
  }

  it('pins what is uploaded, with the CID that the cluster gives it, and the gateway has it', async () => {
    const large = new Uint8Array(1_000_000).map((_zero, at) => at * 7 + (at >> 10))
    const added = await jsonLines(
      await fetch(`${peer.url}/add?cid-version=1`, { method: 'POST', body: uploadForm([{ name: 'large', bytes: large }]) })
    )

    const entry = await upload({ large })

    assert.deepEqual([entry.cid, entry.pinned, entry.size], [added.at(-1).cid, true, 1_000_000])
    const served = await (await fetch(`${peer.gateway}/ipfs/${entry.cid}`)).arrayBuffer()
    assert.deepEqual(new Uint8Array(served), large)
    assert.deepEqual((await jsonLines(await fetch(`${peer.url}/allocations`))).map(pin => pin.cid), [entry.cid])
  })

  it('takes a folder of many files', async () => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_one, at) => [`many/${at % 10}/file-${at}`, `content ${at}`]))

    const entry = await upload(files, '?directory=true')

    assert.deepEqual([entry.pinned, entry.original_filename], [true, 'many'])
    assert.equal(await (await fetch(`${peer.gateway}/ipfs/${entry.cid}/7/file-777`)).text(), 'content 777')
  })

  it('leaves nothing of uploads that were under way when it was killed', async () => {
    const cut = ['', '?pin=on-access', '?pin=on-access&directory=true'].map(query => half(`${service}/api/v1/files/upload${query}`, key))
    await pollUntil(async () => (await call('/api/v1/users/status')).data.used_bytes >= 3 * 9_000_000, { what: 'three reservations' })

    await peer.end('SIGKILL')
    await Promise.all(cut)
    await start()

    await pollUntil(isClean, { what: 'nothing is left' })
  })

  it('goes on with a resumable upload after it was killed', async () => {
    const tus = { 'tus-resumable': '1.0.0' }
    const bytes = new Uint8Array(2_000_000).map((_zero, at) => at * 3 + (at >> 9))
    const created = await send('/api/v1/uploads', {
      method: 'POST', headers: { ...tus, 'upload-length': String(bytes.length), 'upload-metadata': `filename ${btoa('video')}` }
    })
    const path = new URL(created.headers.get('location') ?? '').pathname
    const patch = async (offset: number, end: number): Promise<Response> =>
      send(path, {
        method: 'PATCH', body: bytes.subarray(offset, end),
        headers: { ...tus, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }
      })
    await patch(0, 1_200_000)

    await peer.end('SIGKILL')
    await start()
    const offset = Number((await send(path, { method: 'HEAD', headers: tus })).headers.get('upload-offset'))
    const last = await patch(offset, bytes.length)

    assert.equal(offset, 1_200_000)
    assert.equal(last.headers.get('x-upload-state'), 'done')
    const served = await (await fetch(`${peer.gateway}/ipfs/${last.headers.get('x-upload-cid')}`)).arrayBuffer()
    assert.deepEqual(new Uint8Array(served), bytes)
    await pollUntil(isClean, { what: 'nothing is left' })
  })
})

/** Sends a part of a large upload and waits until the connection is gone. */
async function half (url: string, key: string): Promise<void> {
  const request = httpRequest(url, {
    method: 'POST', headers: { 'x-api-key': key, 'content-type': 'multipart/form-data; boundary=x', 'content-length': 9_200_000 }
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  request.on('error', () => resolve())
  request.on('close', resolve)
  request.write('--x\r\nContent-Disposition: form-data; name="file"; filename="d/half"\r\n\r\n')
  request.write(Buffer.alloc(3_000_000, url))
  await promise
}
