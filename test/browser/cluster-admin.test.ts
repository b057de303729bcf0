import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'
import { uploadForm } from '../support/peer-process.ts'

describe('the cluster on the service\'s pages', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb() })
  after(async () => { await web?.close() })

  it('is there for admins, who can pin and unpin', async () => {
    const user = await web.user({ isAdmin: true })
    const added = await fetch(
      `${web.rest}/add?stream-channels=false&no-pin=true`,
      { method: 'POST', body: uploadForm([{ name: 'a', bytes: Buffer.from('of an admin') }]) }
    )
    const [{ cid = '' } = {}] = await added.json() as Array<{ cid?: string }>
    const page = await web.open('/cluster', { user })

    await page.getByRole('table', { name: 'Peers of the cluster' }).getByText('Up', { exact: true }).waitFor()
    await page.getByRole('img', { name: /^1 peer, 0 connections among them$/ }).waitFor()
    await checkAccessible(page)
    await page.getByRole('navigation').getByRole('link', { name: 'Pinset' }).click()
    await page.getByText('Nothing is pinned').waitFor()
    await page.getByRole('button', { name: 'Add a pin' }).click()
    await page.getByRole('dialog').getByLabel('CID, path or link').fill(cid)
    await page.getByRole('dialog').getByRole('button', { name: 'Pin', exact: true }).click()
    await page.getByRole('table', { name: 'Status of the pin on each peer' }).getByText('Pinned', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Unpin' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unpin' }).click()
    await page.getByText('Nothing is pinned').waitFor()

    assert.equal(new URL(page.url()).pathname, '/cluster/pinset')
    await page.goto(`${web.url}/cluster/pinset/${cid}`)
    await page.getByText('This is not in the pinset').waitFor()
    await page.goto(`${web.url}/cluster/pinset/not-a-cid`)
    await page.getByRole('alert').waitFor()
    web.expectErrors(/400 \(Bad Request\)|404 \(Not Found\)/)
  })

  it('says so when the peer goes away, and comes back by itself', async () => {
    const user = await web.user({ isAdmin: true })
    const page = await web.open('/cluster', { user })
    await page.getByRole('table', { name: 'Peers of the cluster' }).waitFor()
    web.expectErrors(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|503 \(Service Unavailable\)|502/)

    await web.stop()
    await page.getByText(/does not answer|is away|not reachable/i).first().waitFor({ timeout: 30_000 })
    await web.start()
    await page.getByRole('table', { name: 'Peers of the cluster' }).getByText('Up', { exact: true }).waitFor({ timeout: 60_000 })
  })

  it('is not there for others', async () => {
    const user = await web.user()
    const page = await web.open('/dashboard', { user })
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()

    assert.equal(await page.getByRole('navigation').getByRole('link', { name: 'Pinset' }).count(), 0)
    const status = await page.evaluate(async () => (await fetch('/api/cluster/peers')).status)
    assert.equal(status, 403)
    web.expectErrors(/403 \(Forbidden\)/)
  })
})
