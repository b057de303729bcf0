import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'
import { pollUntil } from '../support/poll.ts'

describe('Upload links', { skip: browserSkip, timeout: 120_000 }, () => {
  let web: Web
  let anna: WebUser
  before(async () => {
    web = await startWeb()
    anna = await web.user()
  })
  after(async () => web?.close())

  const names = async (): Promise<string[]> => (await anna.client.files.page()).data.map(({ original_filename: name }) => name).toSorted()

  it('are made as the form says, and shown once', async () => {
    const group = await anna.client.groups.create('Party')
    const page = await web.open('/links', { user: anna })
    await page.getByRole('button', { name: 'New link' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'New upload link' })

    await dialog.getByLabel('Uploads').fill('0')
    await dialog.getByRole('button', { name: 'Make link' }).click()
    await dialog.getByText('A whole number from 1').waitFor()
    await dialog.getByLabel('What it is for').fill('Pictures of the party')
    await dialog.getByLabel('Uploads').fill('3')
    await dialog.getByLabel('Takes').selectOption({ label: 'Pictures' })
    await dialog.getByLabel('Largest file').fill('1')
    await dialog.getByLabel('Into group').selectOption({ label: 'Party' })
    await checkAccessible(page)
    await shots(page, 'links-new')
    await dialog.getByRole('button', { name: 'Make link' }).click()
    const made = page.getByRole('dialog', { name: 'Your upload link' })
    const address = /http\S+\/send#ul_\w+/.exec(await made.innerText())?.[0] ?? ''
    await shots(page, 'links-made')
    await made.getByRole('button', { name: 'Done' }).click()

    assert.ok(address.startsWith(`${web.url}/send#`))
    const row = page.getByRole('row', { name: /Pictures of the party/ })
    await row.getByText('0 of 3').waitFor()
    const [link] = await anna.client.links.list()
    assert.deepEqual([link?.max_bytes, link?.content_types, link?.group], [2 ** 20, ['image/*'], group.id])
    await checkAccessible(page)
    await shots(page, 'links')
  })

  it('let somebody without an account send files, and tell before what is refused', async () => {
    const { page_url: address } = await anna.client.links.create({
      name: 'Pictures for the book', max_uses: 2, max_bytes: 1000, content_types: ['image/*']
    })
    const page = await web.open(new URL(address).pathname + new URL(address).hash)
    await page.getByRole('heading', { level: 1, name: 'Pictures for the book' }).waitFor()
    await page.getByText('2 files can be sent').waitFor()
    await checkAccessible(page)
    await shots(page, 'send')

    const choose = page.locator('input[type=file]').first()
    await choose.setInputFiles([
      { name: 'large.png', mimeType: 'image/png', buffer: Buffer.alloc(1001) },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') },
      { name: 'first <b>.png', mimeType: 'image/png', buffer: Buffer.alloc(900, 1) }
    ])
    await page.getByText(/large\.png.*larger than/).waitFor()
    await page.getByText(/notes\.txt.*pictures/).waitFor()
    await pollUntil(async () => (await names()).includes('first <b>.png'), { what: 'the first picture' })
    await page.getByText('One file can be sent').waitFor()
    await choose.setInputFiles([{ name: 'second.png', mimeType: 'image/png', buffer: Buffer.alloc(800, 2) }])

    await pollUntil(async () => (await names()).includes('second.png'), { what: 'the second picture' })
    await page.getByText('takes no further files').waitFor()
    await shots(page, 'send-done')
    await checkAccessible(page)
    web.expectErrors(/404/)
    const other = await web.open(new URL(address).pathname + new URL(address).hash)
    await other.getByText('This link can’t be used').waitFor()
  })

  it('take what was broken off by a reload to its end, though that has used the link up', async () => {
    const { page_url: address } = await anna.client.links.create({ name: 'A long film' })
    const page = await web.open(new URL(address).pathname + new URL(address).hash)
    const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-send-'))
    const film = join(folder, 'film.mp4')
    await writeFile(film, Buffer.alloc(24 * 2 ** 20))
    await utimes(film, 1_700_000_000, 1_700_000_000)
    const debug = await page.context().newCDPSession(page)
    await debug.send('Network.enable')
    await debug.send('Network.emulateNetworkConditions', {
      offline: false, latency: 1, downloadThroughput: -1, uploadThroughput: 4_000_000
    })

    await page.getByLabel('Files to upload').setInputFiles(film)
    await pollUntil(async () => ((await anna.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })
    web.expectErrors(/404/)
    await page.reload()
    await page.getByText('choose the same file again').waitFor()
    await checkAccessible(page)
    await page.getByLabel('Files to upload').setInputFiles(film)

    await page.getByRole('list', { name: 'Uploads' }).getByText('Done', { exact: true }).waitFor({ timeout: 60_000 })
    assert.ok((await names()).includes('film.mp4'))
    await page.getByText('takes no further files').waitFor()
    await rm(folder, { recursive: true, force: true })
  })

  it('are revoked by their owner', async () => {
    const { page_url: address } = await anna.client.links.create({ name: 'Logs' })
    const page = await web.open('/links', { user: anna })

    await page.getByRole('button', { name: 'Revoke Logs' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('row', { name: /Logs/ }).waitFor({ state: 'detached' })

    web.expectErrors(/404/)
    const sender = await web.open(new URL(address).pathname + new URL(address).hash)
    await sender.getByText('This link can’t be used').waitFor()
    await checkAccessible(sender)
    await shots(sender, 'send-ended')
  })
})
