import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'

const credentials = { username: 'ada', password: 'lovelace 1843' }

/** As no browser would: any Host and Origin. */
async function statusOf (url: string, { method = 'GET', ...headers }: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.once('error', reject)
    asked.end()
  })
}

describe('the cluster pages alone', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb({ site: 'cluster', credentials: { [credentials.username]: credentials.password } }) })
  after(async () => { await web.close() })

  it('ask for the credentials of the REST API, and go on to the page that was asked for', async () => {
    web.expectErrors(/401 \(Unauthorized\)/)
    const page = await web.open('/cluster')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await checkAccessible(page)
    await shots(page, 'cluster-login')

    await page.getByLabel('User', { exact: true }).fill(credentials.username)
    await page.getByLabel('Password', { exact: true }).fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').getByText('User or password are wrong').waitFor()
    await page.getByLabel('Password', { exact: true }).fill(credentials.password)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.waitForURL(/\/cluster$/)
    const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))

    assert.ok(!stored.includes(credentials.password))
    await page.reload()
    await page.getByRole('button', { name: 'Operator' }).waitFor()
  })

  it('have none of the pages of the service', async () => {
    const statuses = await Promise.all(
      [
        '/cluster', '/login', '/dashboard', '/register', '/files', '/api/v1/users/status'
      ].map(async path => (await fetch(web.url + path)).status)
    )

    assert.deepEqual(statuses, [200, 200, 404, 404, 404, 404])
  })

  it('give nothing of the REST API without credentials, and never make a browser ask for them', async () => {
    const answer = await fetch(`${web.url}/api/cluster/id`)
    const basic = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`

    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, null])
    assert.equal((await fetch(`${web.url}/api/cluster/id`, { headers: { authorization: basic } })).status, 200)
  })
})

describe('the cluster pages where the REST API asks for no credentials', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb({ site: 'cluster' }) })
  after(async () => { await web.close() })

  it('answer only by names of their own, so that no page of others can come in by one that leads here', async () => {
    const { port } = new URL(web.url)
    const ask = async (host: string, more: Record<string, string> = {}) => statusOf(`${web.url}/api/cluster/id`, { host, ...more })

    assert.deepEqual(await Promise.all([ask(`127.0.0.1:${port}`), ask(`localhost:${port}`), ask(`evil.example:${port}`)]), [200, 200, 403])
  })

  it('change nothing for pages of other sites', async () => {
    const url = `${web.url}/api/cluster/pins/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy`
    const from = async (headers: Record<string, string>) => statusOf(url, { method: 'POST', ...headers })

    assert.equal(await from({ origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }), 403)
    assert.equal(await from({}), 403)
    assert.equal(await from({ origin: web.url, 'sec-fetch-site': 'same-origin' }), 200)
  })
})

describe('a peer without web pages', { timeout: 60_000, skip: browserSkip }, () => {
  it('has no listener for them when the section is disabled', async () => {
    const web = await startWeb({ change: json => { json.api.webui = { disabled: true } } })

    assert.doesNotMatch(web.peer.log(), /webui/)
    await web.close()
  })
})

describe('the cluster below the service', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb() })
  after(async () => { await web.close() })

  const sessionOf = async ({ email, password }: { email: string, password: string }): Promise<string> => {
    const answer = await fetch(`${web.url}/api/v1/users/login`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password })
    })
    return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  }

  it('is for admins, by session or key', async () => {
    const [admin, user] = [await web.user({ isAdmin: true }), await web.user()]
    const [adminCookie, userCookie] = [await sessionOf(admin), await sessionOf(user)]
    const ask = async (headers: Record<string, string>) => statusOf(`${web.url}/api/cluster/id`, headers)

    assert.deepEqual(
      await Promise.all(
        [
          ask({}), ask({ cookie: userCookie }), ask({ 'x-api-key': user.key }), ask({ cookie: adminCookie }),
          ask({ 'x-api-key': admin.key })
        ]
      ),
      [401, 403, 403, 200, 200]
    )
  })

  it('changes nothing with the session of an admin whom a page of another site sends', async () => {
    const cookie = await sessionOf(await web.user({ isAdmin: true }))
    const url = `${web.url}/api/cluster/pins/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy`
    const from = async (headers: Record<string, string>) => statusOf(url, { method: 'POST', cookie, ...headers })

    assert.deepEqual(
      await Promise.all(
        [
          from({}), from({ origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }),
          from({ origin: web.url, 'sec-fetch-site': 'same-origin' })
        ]
      ),
      [403, 403, 200]
    )
  })

  it('shows its pages to admins, and tells others that they are for admins', async () => {
    const [admin, user] = [await web.user({ isAdmin: true }), await web.user()]
    const theirs = await web.open('/cluster', { user: admin })
    await theirs.getByRole('navigation').getByRole('link', { name: 'Pinset' }).waitFor()
    await theirs.getByRole('heading', { level: 1 }).waitFor()

    const page = await web.open('/cluster', { user })
    await page.getByText('This page is for admins').waitFor()
    await checkAccessible(page)
    await shots(page, 'for-admins')

    assert.equal(await page.getByRole('link', { name: 'Pinset' }).count(), 0)
  })
})
