import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'
import { pollUntil } from '../support/poll.ts'

describe('Developer', { skip: browserSkip, timeout: 120_000 }, () => {
  let web: Web
  let anna: WebUser
  before(async () => {
    web = await startWeb()
    anna = await web.user()
  })
  after(async () => web?.close())

  const statusWith = async (key: string, path = '/api/v1/files'): Promise<number> => (
    await fetch(`${web.url}${path}`, { headers: { 'x-api-key': key } })
  ).status

  it('makes a key with permissions, an end and a number of uses, and shows it once', async () => {
    const page = await web.open('/developer', { user: anna })
    await page.getByRole('button', { name: 'New key' }).click()
    const dialog = page.getByRole('dialog', { name: 'New API key' })

    await dialog.getByRole('button', { name: 'Make key' }).click()
    await dialog.getByText('Give it a name').waitFor()
    await dialog.getByLabel('Name').fill('Backup of the office')
    await dialog.getByRole('radio', { name: 'Choose one by one' }).check()
    await dialog.getByRole('checkbox', { name: 'See pins' }).uncheck()
    await dialog.getByRole('checkbox', { name: 'See and download files' }).check()
    await dialog.getByLabel('Expires').selectOption({ label: 'In 30 days' })
    await dialog.getByLabel('Uses').fill('2')
    await shots(page, 'developer-new-key')
    await checkAccessible(page)
    await dialog.getByRole('button', { name: 'Make key' }).click()

    const made = page.getByRole('dialog', { name: 'Your new key' })
    const key = /ak_[0-9A-Za-z]{32}/.exec(await made.innerText())?.[0] ?? ''
    assert.notEqual(key, '')
    await checkAccessible(page)
    await shots(page, 'developer-made-key')
    await made.getByRole('button', { name: 'I have kept it' }).click()

    assert.equal(await page.getByText(key).count(), 0)
    const row = page.getByRole('row', { name: /Backup of the office/ })
    await row.getByText('See and download files').waitFor()
    assert.equal(await statusWith(key), 200)
    assert.equal(await statusWith(key, '/api/v1/tasks'), 403)
    assert.equal((await anna.client.account.keys()).find(({ name }) => name === 'Backup of the office')?.max_uses, 2)
  })

  it('copies ready-made lines with the address of the page and the new key', async () => {
    const page = await web.open('/developer', { user: anna })
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Script')
    await page.getByRole('button', { name: 'Make key' }).click()
    const made = page.getByRole('dialog', { name: 'Your new key' })
    const key = /ak_[0-9A-Za-z]{32}/.exec(await made.innerText())?.[0] ?? ''

    await made.getByRole('tab', { name: 'curl' }).click()
    await made.getByRole('button', { name: /^Copy/ }).last().click()
    const lines = await page.evaluate(async () => navigator.clipboard.readText())
    await made.getByRole('tab', { name: 'JavaScript' }).click()
    const script = await made.locator('pre').innerText()

    assert.ok(lines.includes(`X-API-Key: ${key}`) && lines.includes(`${web.url}/api/v1/files/upload`))
    const logged: unknown[] = []
    await new Function(
      'console', 'FormData', 'Blob', 'fetch', `return (async () => { ${script} })()`
    )({ log: (...all: unknown[]) => logged.push(...all) }, FormData, Blob, fetch)
    assert.match(String(logged[0]), /^bafk/)
  })

  it('revokes a key, after asking, and says when one was used last', async () => {
    const { api_key: key } = await anna.client.account.createKey({ name: 'Old phone' })
    assert.equal(await statusWith(key), 200)
    await pollUntil(
      async () => (await anna.client.account.keys()).find(({ name }) => name === 'Old phone')?.last_used_at != null,
      { what: 'the last use' }
    )
    const page = await web.open('/developer', { user: anna })
    const row = page.getByRole('row', { name: /Old phone/ })
    await row.getByText(/ago|just now/).first().waitFor()

    await row.getByRole('button', { name: 'Revoke Old phone' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await row.waitFor({ state: 'detached' })

    assert.equal(await statusWith(key), 403)
    await page.getByRole('checkbox', { name: /Show ended keys/ }).check()
    await row.getByText('Revoked').waitFor()
    await checkAccessible(page)
    await shots(page, 'developer')
  })

  it('shows a name as it is typed, whatever is in it', async () => {
    const name = '<img src=x onerror=alert(1)> \u202egnp.exe'
    await anna.client.account.createKey({ name })
    const page = await web.open('/developer', { user: anna, width: 320, height: 800 })

    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor()
    assert.equal(await page.locator('main img').count(), 0)
  })
})
