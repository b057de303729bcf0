import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { nginxProgram, serviceProxy } from '../support/nginx.ts'
import type { CachingProxy } from '../support/nginx.ts'
import { noLimits, password, serviceProcess } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'

interface Asked { status: number, body: any, cookie: string | undefined } // any: JSON of whatever was asked

/** Two users on two machines (two addresses of loopback), behind nginx. */
describe('a service behind nginx', { skip: nginxProgram == null ? 'nginx is not installed' : false, timeout: 60_000 }, () => {
  let service: ServiceProcess
  let proxy: CachingProxy

  before(async () => {
    service = await serviceProcess({ registration: 'open', trusted_proxies: ['127.0.0.1'], rate_limits: { ...noLimits, login: '3/10m' } })
    await service.start()
    proxy = await serviceProxy(nginxProgram ?? '', service.api)
  }, { timeout: 60_000 })

  after(async () => {
    await proxy?.close()
    await service?.peer.remove()
  })

  async function ask (
    url: string,
    { method = 'GET', from = '127.0.0.1', body, headers = {} }: {
      method?: string, from?: string, body?: unknown, headers?: Record<string, string>
    } = {}
  ): Promise<Asked> {
    const call = request(url, { method, localAddress: from, headers, agent: false })
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      call.once('response', resolve).once('error', reject)
      call.end(body == null ? undefined : JSON.stringify(body))
    })
    return {
      status: response.statusCode ?? 0, body: JSON.parse(await text(response)), cookie: response.headers['set-cookie']?.[0]?.split(';')[0]
    }
  }
  const login = async (url: string, from: string, email: string, headers: Record<string, string> = {}): Promise<number> =>
    (await ask(`${url}/api/v1/users/login`, { method: 'POST', from, body: { email, password: 'wrong' }, headers })).status

  it('counts the tries of each user for that user', async () => {
    const first = [
      await login(proxy.url, '127.0.0.2', 'a@example.com'), await login(proxy.url, '127.0.0.2', 'a@example.com'),
      await login(proxy.url, '127.0.0.2', 'a@example.com'), await login(proxy.url, '127.0.0.2', 'a@example.com')
    ]

    assert.deepEqual(first, [401, 401, 401, 429])
    assert.equal(await login(proxy.url, '127.0.0.3', 'a@example.com'), 401)
  })

  it('takes nobody else at their word about where they are', async () => {
    const told = async (address: string): Promise<number> =>
      login(service.api, '127.0.0.4', 'a@example.com', { 'x-forwarded-for': address })

    assert.deepEqual(
      [await told('192.0.2.1'), await told('192.0.2.2'), await told('192.0.2.3'), await told('192.0.2.4')], [401, 401, 401, 429]
    )
  })

  it('gives links that lead back through nginx, and sessions that work there', async () => {
    const key = await service.register('linked@example.com')
    const origin = proxy.url.replace('http:', 'https:')

    const link = await ask(`${proxy.url}/api/v1/links`, { method: 'POST', body: {}, headers: { 'x-api-key': key } })
    const { cookie = '' } = await ask(`${proxy.url}/api/v1/users/login`, {
      method: 'POST', from: '127.0.0.5', body: { email: 'linked@example.com', password }
    })
    const own = await ask(`${proxy.url}/api/v1/users/me/keys`, { method: 'POST', body: { name: 'mine' }, headers: { cookie, origin } })
    const foreign = await ask(
      `${proxy.url}/api/v1/users/me/keys`, { method: 'POST', body: { name: 'mine' }, headers: { cookie, origin: proxy.url } }
    )

    assert.ok(link.body.data.url.startsWith(`${origin}/api/v1/links/`), link.body.data.url)
    assert.deepEqual([own.status, foreign.status], [201, 403])
  })
})
