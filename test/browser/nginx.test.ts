import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { buildWebIfStale } from '../../scripts/web-build.ts'
import { underLock } from '../support/browser-lock.ts'
import type { CachingProxy } from '../support/nginx.ts'
import { documentedProxy, nginxProgram } from '../support/nginx.ts'
import { freePorts } from '../support/free-ports.ts'
import { peerProcess } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { serviceReady } from '../support/service-peer.ts'

const skip = nginxProgram == null ? 'no nginx' : false
/** What docs/operations/web-pages.md has between the braces of `location /`, one for each kind of pages. */
const [forService = '', forCluster = ''] = [
  ...readFileSync('docs/operations/web-pages.md', 'utf8').matchAll(/location \/ \{\n([^}]*)\}/g)
].map(([, inside]) => inside)

const password = 'a long enough password 1'
const json = { 'content-type': 'application/json' }

/** nginx as it is documented, before a peer whose pages are at this port. */
const proxyBefore = (location: string, port: number): Promise<CachingProxy> =>
  documentedProxy(nginxProgram ?? '', location.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`))

/** Resolves with the first bytes of a stream. */
async function firstOf (url: string, headers: Record<string, string>): Promise<string> {
  const stop = new AbortController()
  try {
    const response = await fetch(url, { headers, signal: stop.signal })
    assert.equal(response.status, 200)
    const { value } = await response.body!.getReader().read()
    return new TextDecoder().decode(value)
  } finally {
    stop.abort()
  }
}

describe('the pages behind nginx, as the documentation says', { skip, timeout: 120_000 }, () => {
  let peer: PeerProcess
  let service: CachingProxy
  let cluster: CachingProxy

  before(async () => {
    await underLock('web-build', async () => buildWebIfStale(join(import.meta.dirname, '../../dist/web')))
    const [servicePort = 0, clusterPort = 0] = await freePorts(2)
    peer = await peerProcess(config => {
      config.api.service = {
        http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${servicePort}`, public_url: 'https://pins.example.com',
        trusted_proxies: ['127.0.0.1'], registration: 'open'
      }
      config.api.webui = { http_listen_multiaddress: `/ip4/127.0.0.1/tcp/${clusterPort}`, public_url: 'https://cluster.example.com' }
      config.api.restapi.basic_auth_credentials = { anna: password }
    })
    await peer.start()
    service = await proxyBefore(forService, servicePort)
    cluster = await proxyBefore(forCluster, clusterPort)
    await serviceReady(service.url)
  })

  after(async () => {
    await service?.close()
    await cluster?.close()
    await peer?.remove()
  })

  it('are served, with their policy', async () => {
    for (const { url } of [service, cluster]) {
      const page = await fetch(`${url}/docs`, { headers: { accept: 'text/html' } })
      const [, script = ''] = /<script [^>]*src="([^"]+)"/.exec(await page.text()) ?? []
      const asset = await fetch(url + script)
      await asset.arrayBuffer()

      assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self'/)
      assert.deepEqual([page.status, asset.status], [200, 200])
      assert.match(asset.headers.get('cache-control') ?? '', /immutable/)
    }
  })

  it('change things for the pages of their public address, and for no others', async () => {
    const origin = 'https://pins.example.com'
    const account = JSON.stringify({ email: 'anna@example.com', password })
    assert.equal((await fetch(`${service.url}/api/v1/users/register`, { method: 'POST', headers: json, body: account })).status, 201)
    const login = await fetch(`${service.url}/api/v1/users/login`, { method: 'POST', headers: { ...json, origin }, body: account })
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
    const makeGroup = async (from: string): Promise<number> => (
      await fetch(`${service.url}/api/v1/groups`, {
        method: 'POST', headers: { ...json, cookie, origin: from }, body: JSON.stringify({ name: from })
      })
    ).status

    assert.deepEqual([await makeGroup(origin), await makeGroup('https://evil.example')], [201, 403])
    // more than nginx takes unless it is told
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(3 * 2 ** 20)]), 'large.bin')
    assert.equal(
      (await fetch(`${service.url}/api/v1/files/upload?pin=on-access`, { method: 'POST', headers: { cookie, origin }, body: form })).status,
      201
    )
    assert.match(await firstOf(`${service.url}/api/v1/events`, { cookie }), /^(:|id|event|data|retry)/)
  })

  it('reach the cluster with its credentials, and events come as they happen', async () => {
    const authorization = `Basic ${btoa(`anna:${password}`)}`

    assert.equal((await fetch(`${cluster.url}/api/cluster/id`)).status, 401)
    assert.equal((await fetch(`${cluster.url}/api/cluster/id`, { headers: { authorization } })).status, 200)
    assert.equal(
      (
        await fetch(
          `${cluster.url}/api/cluster/ipfs/gc`, { method: 'POST', headers: { authorization, origin: 'https://cluster.example.com' } }
        )
      ).status,
      200
    )
    assert.match(await firstOf(`${cluster.url}/api/cluster/events`, { authorization }), /^(:|id|event|data|retry)/)
  })
})
