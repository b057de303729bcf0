import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { browserSkip, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'
import { anyEmail } from '../support/service-peer.ts'

/** One person, who has never been here, by what the pages offer: no address is typed but the first. */
describe('a first visit', { skip: browserSkip, timeout: 180_000 }, () => {
  const nobodyHasIt = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
  let web: Web
  let folder: string
  before(async () => {
    web = await startWeb()
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-journey-'))
    await mkdir(join(folder, 'holiday'))
    await writeFile(join(folder, 'holiday/beach.txt'), 'sand')
    await writeFile(join(folder, 'holiday/index.html'), '<h1>Holiday</h1>')
  })
  after(async () => {
    await rm(folder, { recursive: true, force: true })
    await web?.close()
  })

  const goTo = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
  }

  async function signUp (page: Page): Promise<void> {
    await page.getByRole('banner').getByRole('link', { name: 'Create account' }).click()
    await page.getByLabel('E-mail').fill(anyEmail())
    await page.getByLabel('Password', { exact: true }).fill('a long enough password 1')
    await page.getByRole('main').getByRole('button', { name: 'Create account' }).click()
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
  }

  async function makeKey (page: Page): Promise<string> {
    await goTo(page, 'Developer')
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Laptop')
    await page.getByRole('button', { name: 'Make key' }).click()
    const made = page.getByRole('dialog', { name: 'Your new key' })
    const key = /ak_[0-9A-Za-z]{32}/.exec(await made.innerText())?.[0] ?? ''
    await made.getByRole('button', { name: 'I have kept it' }).click()
    return key
  }

  async function uploadFolder (page: Page): Promise<void> {
    await goTo(page, 'Upload')
    await page.getByLabel('Folder to upload').setInputFiles(join(folder, 'holiday'))
    await page.getByRole(
      'list', { name: 'Uploads' }
    ).getByRole('listitem').filter({ hasText: 'holiday' }).getByText('Done', { exact: true }).waitFor({ timeout: 60_000 })
  }

  async function share (page: Page, name: string): Promise<{ shown: string, direct: string }> {
    await goTo(page, 'Files')
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: 'Share…' }).click()
    const dialog = page.getByRole('dialog', { name: `Share “${name}”` })
    const links = (await dialog.innerText()).match(/http\S+/g) ?? []
    await dialog.getByRole('button', { name: 'Done' }).click()
    return { shown: links.find(link => link.includes('/retrieve')) ?? '', direct: links.find(link => link.includes('/api/gateway/')) ?? '' }
  }

  async function pinWhatNobodyHas (page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Pin from CID' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Pin from CID' })
    await dialog.getByLabel('CID', { exact: true }).fill(nobodyHasIt)
    await dialog.getByLabel('Name').fill('A lost film')
    await dialog.getByRole('button', { name: 'Pin', exact: true }).click()
  }

  it('leads from the first page to a key, an upload, a link for others, and to why a pin waits', async () => {
    const page = await web.open('/')
    await signUp(page)

    const key = await makeKey(page)
    await uploadFolder(page)
    const { shown, direct } = await share(page, 'holiday')
    await pinWhatNobodyHas(page)
    const details = page.getByRole('dialog', { name: 'A lost film' })
    await details.getByText('Waits for').waitFor({ timeout: 30_000 })
    await details.getByText(/block bafkreigh2akis/).waitFor({ timeout: 30_000 })
    await details.getByText('It is stuck: no other IPFS node is connected').waitFor({ timeout: 60_000 })

    const files = await (
      await fetch(`${web.url}/api/v1/files`, { headers: { 'x-api-key': key } })
    ).json() as { data: Array<{ original_filename: string }> }
    assert.deepEqual(files.data.map(({ original_filename: name }) => name).toSorted(), ['A lost film', 'holiday'])
    assert.match(await (await fetch(`${new URL(direct).origin}${new URL(direct).pathname}/beach.txt`)).text(), /sand/)
    const stranger = await web.open(new URL(shown).pathname + new URL(shown).search)
    await stranger.getByText('holiday').first().waitFor()
    await stranger.getByText('beach.txt').first().waitFor({ timeout: 30_000 })
  })
})
