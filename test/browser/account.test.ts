import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'
import { pollUntil } from '../support/poll.ts'
import { anyEmail } from '../support/service-peer.ts'

describe('an account', { skip: browserSkip, timeout: 240_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb() })
  after(async () => { await web.close() })

  /** The last code that was mailed to the address: it is in the log. */
  const mailedCode = async (email: string): Promise<string> => {
    let code: string | undefined
    await pollUntil(async () => {
      const letters = web.peer.log().split('\n').filter(line => line.includes(email) && /\b\d{6}\b/.test(line.replaceAll(email, '')))
      code = /\b(\d{6})\b/.exec(letters.at(-1)?.replace(/^\S+/, '').replaceAll(email, '') ?? '')?.[1]
      return code != null
    }, { what: 'the letter' })
    return code ?? ''
  }
  const goOn = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('main').getByRole('button', { name, exact: true }).click()
  }

  it('shows itself, its sessions, and ends one', async () => {
    const user = await web.user()
    const elsewhere = await fetch(`${web.url}/api/v1/users/login`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0'
      },
      body: JSON.stringify({ email: user.email, password: user.password })
    })
    const cookie = elsewhere.headers.get('set-cookie')?.split(';')[0] ?? ''
    const page = await web.open('/account', { user })

    await page.getByRole('rowheader', { name: 'This one' }).waitFor()
    await checkAccessible(page)
    await shots(page, 'account')
    await page.getByRole('row', { name: 'Firefox on Linux' }).getByRole('button', { name: 'End' }).click()
    await page.getByText('The session has ended.').waitFor()

    assert.equal((await fetch(`${web.url}/api/v1/users/status`, { headers: { cookie } })).status, 401)
  })

  it('changes its password, and says so when the current one is wrong', async () => {
    const user = await web.user()
    const page = await web.open('/account', { user })
    web.expectErrors(/422 \(Unprocessable Entity\).*users\/password/)

    await page.getByLabel('Current password').fill('not this')
    await page.getByLabel('New password').fill('another long password')
    await goOn(page, 'Change the password')
    await page.getByText('The password is wrong.').waitFor()
    assert.equal(await page.getByLabel('New password').inputValue(), 'another long password')
    await page.getByLabel('Current password').fill(user.password)
    await goOn(page, 'Change the password')
    await page.getByText('Your password is changed').waitFor()

    await web.user({ email: anyEmail() })
    assert.equal((await user.client.account.login({ email: user.email, password: 'another long password' })).email, user.email)
  })

  it('takes its data along', async () => {
    const user = await web.user()
    const page = await web.open('/account', { user })

    await goOn(page, 'Prepare a download')
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download', exact: true }).click()
    const stream = await (await download).createReadStream()
    const document = JSON.parse(Buffer.concat(await stream.toArray()).toString('utf8'))

    assert.equal(document.account.email, user.email)
  })

  it('is deleted with its password, and only when its address was typed', async () => {
    const user = await web.user()
    const page = await web.open('/account', { user })

    await page.getByRole('button', { name: 'Delete my account…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete the account' })
    await checkAccessible(page)
    await shots(page, 'account-delete')
    await dialog.getByLabel('Password', { exact: true }).fill(user.password)
    assert.equal(await dialog.getByRole('button', { name: 'Delete everything' }).isEnabled(), false)
    await dialog.getByLabel('Type your e-mail address').fill(user.email)
    await dialog.getByRole('button', { name: 'Delete everything' }).click()
    await page.getByText('Your account is being deleted').waitFor()

    await page.getByRole('banner').getByRole('link', { name: 'Log in' }).waitFor()
  })

  it('gets a new password with a mailed code', async () => {
    const user = await web.user()
    const page = await web.open('/login')
    web.expectErrors(/422 \(Unprocessable Entity\).*password\/reset/)

    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    await page.getByLabel('E-mail').fill(user.email)
    await goOn(page, 'Send me a code')
    await page.getByLabel('Code', { exact: true }).fill('000000')
    await page.getByRole('textbox', { name: 'New password' }).fill('another long password')
    await goOn(page, 'Set the password')
    await page.getByText('The verification code is not valid').waitFor()
    await checkAccessible(page)
    await shots(page, 'reset')
    await page.getByLabel('Code', { exact: true }).fill(await mailedCode(user.email))
    await goOn(page, 'Set the password')

    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
  })

  it('gets a new API key with a mailed code', async () => {
    const user = await web.user()
    const page = await web.open('/renew')

    await page.getByLabel('E-mail').fill(user.email)
    await goOn(page, 'Send me a code')
    await page.getByLabel('Code', { exact: true }).fill(await mailedCode(user.email))
    await checkAccessible(page)
    await shots(page, 'renew')
    await goOn(page, 'Renew the key')
    await page.getByRole('heading', { name: 'Your API key is renewed' }).waitFor()

    assert.match(await page.getByLabel('API key', { exact: true }).textContent() ?? '', /^ak_\w{32}$/)
  })
})

describe('an account where addresses are proved', { skip: browserSkip, timeout: 120_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb({ service: { registration: 'verified' } }) })
  after(async () => { await web.close() })

  it('is made with a mailed code', async () => {
    const email = anyEmail()
    const page = await web.open('/register')

    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password', { exact: true }).fill('a long enough password 1')
    await page.getByRole('main').getByRole('button', { name: 'Create account' }).click()
    await page.getByRole('heading', { name: 'Confirm your address' }).waitFor()
    await checkAccessible(page)
    await shots(page, 'verify')
    let code: string | undefined
    await pollUntil(async () => {
      code = /\b(\d{6})\b/.exec(
        web.peer.log().split('\n').filter(line => line.includes(email)).map(
          line => line.replace(/^\S+/, '').replaceAll(email, '')
        ).join(' ')
      )?.[1]
      return code != null
    }, { what: 'the letter' })
    await page.getByLabel('Code', { exact: true }).fill(code ?? '')
    await page.getByLabel('Password', { exact: true }).fill('a long enough password 1')
    await page.getByRole('button', { name: 'Confirm' }).click()

    await page.getByRole('heading', { name: 'Your account is ready' }).waitFor()
  })
})
