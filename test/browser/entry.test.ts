import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'
import { anyEmail } from '../support/service-peer.ts'

describe('the way into the pages', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb() })
  after(async () => { await web.close() })

  it('begins at a home page that says what this is', async () => {
    const page = await web.open('/')

    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.getByRole('banner').getByRole('link', { name: 'Create account' }).waitFor()

    assert.equal(await page.title(), 'Helia Cluster')
    await checkAccessible(page)
    await shots(page, 'home')
  })

  it('signs somebody up, shows the key once, and goes on to the dashboard', async () => {
    const email = anyEmail()
    const page = await web.open('/register')

    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password', { exact: true }).fill('short')
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText('The password has 5 characters').waitFor()
    await checkAccessible(page)
    await shots(page, 'register')
    await page.getByLabel('Password', { exact: true }).fill('a long enough password 1')
    await page.getByRole('main').getByRole('button', { name: 'Create account' }).click()
    await page.getByRole('heading', { name: 'Your account is ready' }).waitFor()
    const key = await page.getByLabel('API key', { exact: true }).textContent()
    await checkAccessible(page)
    await shots(page, 'first-key')
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()

    assert.match(key ?? '', /^ak_\w{32}$/)
    assert.equal(new URL(page.url()).pathname, '/dashboard')
  })

  it('asks for a log-in where one is needed, and goes back to what was asked for', async () => {
    const { email, password } = await web.user()
    web.expectErrors(/401 \(Unauthorized\).*users\/login/)
    const page = await web.open('/account?x=1')

    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password', { exact: true }).fill('not the right one')
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').getByText('There is no account with this e-mail and password').waitFor()
    await checkAccessible(page)
    await shots(page, 'login')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { name: 'Account', exact: true }).waitFor()

    assert.equal(page.url(), `${web.url}/account?x=1`)
  })
})
