import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'
import { inlineCid } from '../support/service-peer.ts'

describe('the dashboard', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb({ service: { quota_bytes: 2 ** 20 } }) })
  after(async () => { await web.close() })

  it('tells a newcomer what to do first', async () => {
    const page = await web.open('/dashboard', { user: await web.user() })

    await page.getByText('No files yet').waitFor()
    await page.getByRole('main').getByRole('link', { name: 'Upload your first file' }).waitFor()

    await checkAccessible(page)
    await shots(page, 'dashboard-empty')
  })

  it('shows what comes while it is open, by itself', async () => {
    const user = await web.user()
    const page = await web.open('/dashboard', { user })
    await page.getByText('No files yet').waitFor()

    await user.client.files.upload({ path: 'just come.txt', content: new Blob(['new']) })

    await page.getByRole('rowheader', { name: 'just come.txt' }).waitFor()
  })

  it('shows what is stored, pinned and read', async () => {
    const user = await web.user()
    await user.client.files.upload({ path: 'a report.txt', content: new Blob(['x'.repeat(300_000)]) })
    await user.client.files.upload({ path: 'archive.bin', content: new Blob(['y'.repeat(600_000)]) }, { pin: 'on-access' })
    await user.client.files.fromCid({ cid: inlineCid('hello'), name: '<b>bold</b> \u202egpj.exe' })

    const page = await web.open('/dashboard', { user })
    await page.getByRole('meter', { name: 'Used of your quota' }).waitFor()
    await page.getByRole('rowheader', { name: 'a report.txt' }).waitFor()
    const value = await page.getByRole('meter').getAttribute('aria-valuetext')

    assert.equal(value, '86%')
    // names are shown, and nothing else
    await page.getByText('<b>bold</b> [U+202E]gpj.exe').waitFor()
    await checkAccessible(page)
    await shots(page, 'dashboard')
  })
})
