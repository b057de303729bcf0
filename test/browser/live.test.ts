import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'
import { pollUntil } from '../support/poll.ts'

const nobody = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

describe('events, webhooks and warnings in the pages', { skip: browserSkip, timeout: 240_000 }, () => {
  let web: Web
  let user: WebUser
  let receiver: Server
  let hook = ''
  const received: string[] = []
  let answer = 200

  before(async () => {
    receiver = createServer((request, response) => {
      request.resume().on('end', () => {
        received.push(request.url ?? '')
        response.writeHead(answer).end()
      })
    })
    await new Promise<void>(resolve => { receiver.listen(0, '127.0.0.1', resolve) })
    hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
    web = await startWeb({
      service: { webhooks_private: true },
      change: json => { json.api.webhooks = { urls: [`${hook}/cluster`], secret: 'whsec_c2VjcmV0', events: ['pin'], allow_private: true } }
    })
    user = await web.user()
  }, { timeout: 120_000 })

  after(async () => {
    receiver?.closeAllConnections()
    receiver?.close()
    await web?.close()
  })

  it('shows what has happened, and what happens, without a reload', async () => {
    await user.client.files.upload({ path: 'before.txt', content: 'was there before' })
    const page = await web.open('/events', { user })
    await page.getByText('before.txt').first().waitFor()
    await page.getByRole('status').getByText('Live').waitFor()

    await user.client.files.upload({ path: '<b>markup \u202egpj.exe', content: 'comes later' })
    await user.client.pins.add({ cid: nobody, name: 'a pin' })
    await page.getByText('a pin').first().waitFor()

    assert.equal(await page.locator('b').filter({ hasText: 'markup' }).count(), 0)
    await checkAccessible(page)
    await shots(page, 'events')
    await page.getByLabel('Show', { exact: true }).selectOption({ label: 'Pins' })
    await page.getByText('before.txt').first().waitFor({ state: 'detached' })
    await page.getByLabel('Search in the events').fill('nothing is called so')
    await page.getByText('No event fits').waitFor()
    await page.close()
  })

  it('waits while it is paused, and shows then what has come', async () => {
    const page = await web.open('/events', { user })
    await page.getByRole('status').getByText('Live').waitFor()
    await page.getByLabel('Pause').check()
    await user.client.files.upload({ path: 'while-paused.txt', content: 'not shown yet' })
    const more = page.getByRole('button', { name: /^Show \d+ new events?$/ })
    await more.waitFor()
    assert.equal(await page.getByText('while-paused.txt').count(), 0)
    await more.click()
    await page.getByText('while-paused.txt').first().waitFor()
    await page.close()
  })

  it('has one connection for all tabs, which another tab takes over', async () => {
    const streams: string[] = []
    const watched = async () => {
      const page = await web.open('/dashboard', { user })
      page.on('request', request => { if (/\/api\/v1\/events(\?after=\d+)?$/.test(request.url())) streams.push(request.url()) })
      await page.goto(`${web.url}/events`)
      await page.getByRole('status').getByText('Live').waitFor()
      return page
    }
    const first = await watched()
    const second = await watched()
    const third = await watched()
    assert.equal(streams.length, 1)
    await user.client.files.upload({ path: 'for-all-tabs.txt', content: 'for all' })
    for (const page of [first, second, third]) await page.getByText('for-all-tabs.txt').first().waitFor()

    await first.close()
    await pollUntil(() => streams.length === 2, { what: 'another tab that reads' })
    await user.client.files.upload({ path: 'after-the-first.txt', content: 'for the rest' })
    for (const page of [second, third]) await page.getByText('after-the-first.txt').first().waitFor()
    assert.match(streams[1] ?? '', /after=\d+$/)
    await second.close()
    await third.close()
  })

  it('tells that the peer is away, and goes on by itself when it is back, without a gap', async () => {
    web.expectErrors(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|503/)
    const page = await web.open('/events', { user })
    await page.getByRole('status').getByText('Live').waitFor()
    await web.stop()
    await page.getByText('Connecting…').waitFor()
    await web.start()
    await user.client.files.upload({ path: 'after-the-restart.txt', content: 'back again' })

    await page.getByText('after-the-restart.txt').first().waitFor({ timeout: 60_000 })
    await page.getByRole('status').getByText('Live').waitFor()
    await page.close()
  })

  it('makes a webhook, shows its secret once, tries it, and tells how it goes', async () => {
    const page = await web.open('/webhooks', { user })
    await page.getByText('No webhooks yet').waitFor()
    await checkAccessible(page)
    await shots(page, 'webhooks-empty')
    await page.getByRole('button', { name: 'New webhook' }).first().click()
    await page.getByRole('dialog').getByLabel('Address').fill('example.com')
    await page.getByRole('button', { name: 'Add webhook' }).click()
    await page.getByText('not an address that begins with').waitFor()
    await page.getByRole('dialog').getByLabel('Address').fill(`${hook}/mine?key=1`)
    await page.getByLabel('Everything').uncheck()
    await page.getByLabel('Tasks').uncheck()
    await checkAccessible(page)
    await shots(page, 'webhook-new')
    await page.getByRole('button', { name: 'Add webhook' }).click()
    const secret = await page.getByLabel('Secret', { exact: true }).textContent()
    assert.match(secret ?? '', /^whsec_/)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('Files, Pins').waitFor()
    await checkAccessible(page)
    await shots(page, 'webhooks')

    answer = 500
    await page.getByRole('button', { name: /^Details of/ }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('The receiver answered 500.').waitFor()
    answer = 200
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('The receiver answered 200.').waitFor()
    await page.getByRole('dialog').getByRole('cell', { name: '500' }).first().waitFor()
    await checkAccessible(page)
    await shots(page, 'webhook-details')
    assert.equal(received.filter(path => path === '/mine?key=1').length, 2)

    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Switch on' }).waitFor()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog', { name: 'Remove the webhook?' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No webhooks yet').waitFor()
    await page.close()
  })

  it('shows operators the cluster\'s events, warnings and webhooks', async () => {
    const admin = await web.user({ isAdmin: true })
    const page = await web.open('/cluster/events', { user: admin })
    await page.getByRole('status').getByText('Live').waitFor()
    const { cid } = await user.client.files.upload({ path: 'in-the-cluster.txt', content: `pinned ${performance.now()}` })
    await page.getByText('In the pinset').first().waitFor()
    await page.getByText(/: pinned$/).first().waitFor()
    assert.ok(cid.startsWith('baf') || cid.startsWith('Qm'))
    await checkAccessible(page)
    await shots(page, 'cluster-events')

    await page.goto(`${web.url}/cluster/webhooks`)
    await page.getByRole('heading', { name: `${hook}/cluster` }).waitFor()
    await page.getByRole('button', { name: /^Send a test/ }).click()
    await page.getByText('The receiver answered 200.').waitFor()
    await page.getByText(/^What was sent/).click()
    await page.getByRole('cell', { name: '200' }).first().waitFor()
    await checkAccessible(page)
    await shots(page, 'cluster-webhooks')

    await page.goto(`${web.url}/cluster/warnings`)
    await page.getByRole('heading', { name: 'Warnings', level: 1 }).waitFor()
    await page.getByText('No warnings').or(page.getByRole('table')).first().waitFor()
    await checkAccessible(page)
    await shots(page, 'warnings')
    await page.close()
  })
})

describe('the cluster\'s events for who has its credentials', { skip: browserSkip, timeout: 120_000 }, () => {
  const credentials = { username: 'operator', password: 'open the cluster' }
  let web: Web
  before(
    async () => { web = await startWeb({ site: 'cluster', credentials: { [credentials.username]: credentials.password } }) },
    { timeout: 100_000 }
  )
  after(async () => { await web?.close() })

  it('come with the token of the log-in, and tell what was pinned by others', async () => {
    const page = await web.open('/cluster/events', { credentials })
    await page.getByRole('status').getByText('Live').waitFor()
    const authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
    const pinned = await fetch(`${web.rest}/pins/${nobody}?name=by+the+command+line`, { method: 'POST', headers: { authorization } })
    assert.equal(pinned.status, 200)

    await page.getByText('by the command line').waitFor()
    await page.goto(`${web.url}/cluster/webhooks`)
    await page.getByText('No webhooks are configured').waitFor()
    await checkAccessible(page)
    await shots(page, 'cluster-webhooks-none')
    await page.close()
  })
})
