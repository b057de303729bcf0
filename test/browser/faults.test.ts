import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'

describe('pages that stay open', { skip: browserSkip, timeout: 240_000 }, () => {
  let web: Web
  before(async () => {
    web = await startWeb()
    web.expectErrors(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING/)
  })
  after(async () => { await web.close() })

  it('say that the peer is away, come back by themselves, and keep what was typed', async () => {
    const user = await web.user()
    const page = await web.open('/account', { user })
    await page.getByLabel('Current password').fill('typed before')

    await web.stop()
    await page.getByRole('button', { name: 'Prepare a download' }).click()
    await page.getByText('The peer does not answer.', { exact: true }).waitFor()
    await checkAccessible(page)
    await shots(page, 'peer-away')
    await page.getByLabel('New password').fill('typed meanwhile')
    await web.start()
    await page.getByText('The peer does not answer.', { exact: true }).waitFor({ state: 'detached' })

    assert.equal(await page.getByLabel('Current password').inputValue(), 'typed before')
    assert.equal(await page.getByLabel('New password').inputValue(), 'typed meanwhile')
    await page.getByRole('button', { name: 'Prepare a download' }).click()
    await page.getByRole('link', { name: 'Download', exact: true }).waitFor()
  })

  it('show what they were to show as soon as the peer is back, when it was away from the start', async () => {
    const user = await web.user()
    const page = await web.open('/account', { user })
    await page.getByText(user.email).first().waitFor()
    await web.stop()
    await page.getByRole('link', { name: 'Dashboard' }).click()
    await page.getByText('The peer is away').first().waitFor()
    assert.equal(new URL(page.url()).pathname, '/dashboard')
    await shots(page, 'peer-away-dashboard')

    await web.start()

    await page.getByRole('meter', { name: 'Used of your quota' }).waitFor()
  })

  it('ask for a log-in when the session has ended, over the page, and go on where they were', async () => {
    const user = await web.user()
    const page = await web.open('/account', { user })
    await page.getByLabel('Current password').fill('typed before')
    web.expectErrors(/401 \(Unauthorized\)/)
    // on another device the password is changed: that ends all other sessions
    await user.client.account.changePassword({ old_password: user.password, new_password: 'another long password' })

    await page.getByRole('button', { name: 'Prepare a download' }).click()
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
    await dialog.waitFor()
    assert.equal(await dialog.getByLabel('E-mail').inputValue(), user.email)
    await checkAccessible(page)
    await shots(page, 'session-ended')
    await dialog.getByLabel('Password', { exact: true }).fill('another long password')
    await dialog.getByRole('button', { name: 'Log in' }).click()
    await dialog.waitFor({ state: 'detached' })

    assert.equal(await page.getByLabel('Current password').inputValue(), 'typed before')
    await page.getByRole('button', { name: 'Prepare a download' }).click()
    await page.getByRole('link', { name: 'Download', exact: true }).waitFor()
  })

  it('log out in all tabs at once', async () => {
    const user = await web.user()
    const [one, other] = [await web.open('/dashboard', { user }), await web.open('/account', { user })]
    await other.getByRole('heading', { name: 'Account', exact: true }).waitFor()

    await one.getByRole('button', { name: user.email }).click()
    await one.getByRole('menuitem', { name: 'Log out' }).click()

    await one.getByRole('banner').getByRole('link', { name: 'Log in' }).waitFor()
    await other.getByRole('heading', { name: 'Log in' }).waitFor()
  })

  it('show two users nothing of each other', async () => {
    const [ada, bob] = [await web.user(), await web.user()]
    await ada.client.files.upload({ path: 'of ada.txt', content: new Blob(['ada']) })
    const [hers, his] = [await web.open('/dashboard', { user: ada }), await web.open('/dashboard', { user: bob })]

    await hers.getByRole('rowheader', { name: 'of ada.txt' }).waitFor()
    await his.getByText('No files yet').waitFor()

    assert.equal(await his.getByText('of ada.txt').count(), 0)
    assert.equal(await his.getByText(ada.email).count(), 0)
  })

  it('say so when there is no such page', async () => {
    const user = await web.user()
    const page = await web.open('/dashboard', { user })

    const status = await page.evaluate(async () => (await fetch('/no/such/page')).status)
    await page.evaluate(() => { history.pushState({}, '', '/no/such/page'); dispatchEvent(new PopStateEvent('popstate')) })
    await page.getByText('There is no page of this address').waitFor()
    await checkAccessible(page)
    await shots(page, 'not-found')

    web.expectErrors(/404 \(Not Found\).*no\/such\/page/)
    assert.equal(status, 404)
  })
})
