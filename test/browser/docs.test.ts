import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'

describe('Docs', { skip: browserSkip, timeout: 120_000 }, () => {
  let web: Web
  let anna: WebUser
  before(async () => {
    web = await startWeb()
    anna = await web.user()
  })
  after(async () => web?.close())

  const call = (page: Page, method: string, path: string) =>
    page.locator('details').filter({
      has: page.locator('summary').getByText(method, { exact: true })
    }).filter({ has: page.locator('summary').getByText(path, { exact: true }) })
  const open = async (page: Page, method: string, path: string) => {
    const entry = call(page, method, path)
    await entry.locator('summary').first().click()
    await entry.getByRole('button', { name: 'Try it' }).click()
    return entry
  }

  it('are for everybody, chapter by chapter', async () => {
    const page = await web.open('/docs')
    const chapters = page.getByRole('navigation', { name: 'Documentation' })

    for (const chapter of [
      'Getting started', 'Authentication', 'IPFS command line', 'Gateway and pinning on demand', 'Error codes', 'Code examples',
      'Questions and answers'
    ]) {
      await chapters.getByRole('link', { name: chapter }).click()
      await page.getByRole('heading', { level: 1, name: chapter }).waitFor()
      await checkAccessible(page)
      await shots(page, `docs-${chapter.toLowerCase().replaceAll(' ', '-')}`)
    }
    assert.equal(await chapters.getByRole('link', { name: 'Cluster REST API' }).count(), 0)
    await page.goto(`${web.url}/docs/nothing`)
    await page.getByText('There is no such chapter').waitFor()
  })

  it('have every call that the service serves, and find them by words', async () => {
    const page = await web.open('/docs/api')
    const document = await (await fetch(`${web.url}/api/v1/openapi.json`)).json() as { paths: Record<string, Record<string, unknown>> }
    const calls = Object.values(document.paths).reduce((sum, item) => sum + Object.keys(item).length, 0)
    await page.getByText('/api/v1/users/register', { exact: true }).waitFor()

    assert.equal(await page.locator('details').count(), calls)
    await page.getByRole('searchbox', { name: 'Search calls' }).fill('upload links revoke')
    await call(page, 'DELETE', '/api/v1/links/{id}').waitFor()
    assert.equal(await page.locator('details').count(), 1)
    await page.getByRole('searchbox', { name: 'Search calls' }).fill('nothing like this')
    await page.getByText('No such call').waitFor()
  })

  it('try a call with the login, and show answer and curl', async () => {
    const page = await web.open('/docs/api', { user: anna })
    const entry = await open(page, 'POST', '/api/v1/groups')

    await entry.getByRole('textbox', { name: 'Body' }).fill('{"name": "Tried"')
    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('The body is not valid JSON').waitFor()
    await entry.getByRole('textbox', { name: 'Body' }).fill('{"name": "Tried"}')
    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('201 Created').waitFor()

    assert.deepEqual((await anna.client.groups.list()).map(({ name }) => name), ['Tried'])
    await entry.getByText('The same with curl').click()
    await entry.getByText(`${web.url}/api/v1/groups`).waitFor()
    await checkAccessible(page)
    await shots(page, 'docs-try')
  })

  it('try a call with a key, which is refused without ending the login', async () => {
    const page = await web.open('/docs/api', { user: anna })
    const entry = await open(page, 'GET', '/api/v1/files/{cid}')
    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('Fill in cid.').waitFor()
    await entry.getByRole('textbox', { name: 'cid' }).fill('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
    await entry.getByRole('radio', { name: 'an API key' }).check()
    await entry.getByLabel('API key', { exact: true }).fill(`ak_${'0'.repeat(32)}`)

    web.expectErrors(/401/)
    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('401 Unauthorized').waitFor()
    web.expectErrors(/404/)
    await entry.getByLabel('API key', { exact: true }).fill(anna.key)
    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('404 Not Found').waitFor()

    assert.equal(await page.getByRole('dialog').count(), 0)
  })

  it('upload a file as the form says', async () => {
    const page = await web.open('/docs/api', { user: anna })
    const entry = await open(page, 'POST', '/api/v1/files/upload')

    await entry.getByLabel('File').setInputFiles({ name: 'tried.txt', mimeType: 'text/plain', buffer: Buffer.from('tried') })
    await entry.getByLabel('pin').selectOption('on-access')
    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('201 Created').waitFor()

    assert.deepEqual(
      (await anna.client.files.page()).data.map(({ original_filename: name, state }) => [name, state]), [['tried.txt', 'staged']]
    )
  })

  it('read a stream that has no end until the reader stops it', async () => {
    const page = await web.open('/docs/api', { user: anna })
    const entry = await open(page, 'GET', '/api/v1/uploads/events')

    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('200 OK').waitFor()
    await entry.getByRole('button', { name: 'Stop' }).click()
    await entry.getByText('not read to the end').waitFor()
    await entry.getByRole('button', { name: 'Send' }).waitFor()
  })

  it('open the call that the address names', async () => {
    const page = await web.open('/docs/pinning-api', { user: anna })
    await page.getByText('/api/pinning/pins/{requestid}', { exact: true }).first().waitFor()
    const id = await call(page, 'DELETE', '/api/pinning/pins/{requestid}').getAttribute('id')

    await page.goto(`${web.url}/docs/pinning-api#${id ?? ''}`)
    await page.reload()
    await call(page, 'DELETE', '/api/pinning/pins/{requestid}').getByRole('button', { name: 'Try it' }).waitFor()
    await checkAccessible(page)
  })

  it('have the cluster\'s API for admins', async () => {
    const root = await web.user({ isAdmin: true })
    const page = await web.open('/docs/cluster-api', { user: root })
    const entry = await open(page, 'GET', '/api/cluster/id')

    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('200 OK').waitFor()
    await entry.getByText('"peername"').last().waitFor()
    await shots(page, 'docs-cluster')
  })
})

describe('Docs of a cluster without a service', { skip: browserSkip, timeout: 120_000 }, () => {
  let web: Web
  const credentials = { username: 'anna', password: 'a long password' }
  before(async () => { web = await startWeb({ site: 'cluster', credentials: { [credentials.username]: credentials.password } }) })
  after(async () => web?.close())

  it('are the reference of its REST API, tried with its credentials', async () => {
    const page = await web.open('/docs', { credentials })
    await page.getByRole('heading', { level: 1, name: 'Cluster REST API' }).waitFor()
    const entry = page.locator('details').filter({ has: page.locator('summary').getByText('/api/cluster/version', { exact: true }) })
    await entry.locator('summary').first().click()
    await entry.getByRole('button', { name: 'Try it' }).click()

    await entry.getByRole('button', { name: 'Send' }).click()
    await entry.getByText('200 OK').waitFor()
    await checkAccessible(page)
  })
})
