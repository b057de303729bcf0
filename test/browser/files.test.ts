import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { pollUntil } from '../support/poll.ts'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'

/** Names that break what isn't careful. */
const oddNames = [
  '<img src=x onerror=alert(1)>.html', 'quote" and \'apostrophe & <b>bold</b>', 'שלום עולם.txt', `photo‮gpj.exe`, 'n'.repeat(255),
  'noextension', '.hidden', 'spaces  two.txt', '😀 emoji.png', 'a%2Fb?c#d.txt'
]

const rows = (page: Page) => page.getByRole('table', { name: 'Files' }).getByRole('row').filter({ has: page.getByRole('checkbox') })
const upload = async ({ client }: WebUser, name: string, text = `content of ${name}`): Promise<string> =>
  (await client.files.upload({ path: 'file', content: new TextEncoder().encode(text) }, { pin: 'on-access', name })).cid

describe('Files', { skip: browserSkip, timeout: 240_000 }, () => {
  let web: Web

  before(async () => { web = await startWeb() })
  after(async () => web.close())

  it('begin with nothing, and say what to do', async () => {
    const page = await web.open('/files', { user: await web.user() })

    await page.getByText('No files yet').waitFor()
    await checkAccessible(page)
    await shots(page, 'files-empty')
  })

  it('show every name as it is, as text', async () => {
    const user = await web.user()
    for (const name of oddNames) await upload(user, name)
    const page = await web.open('/files?sort=original_filename', { user })
    await rows(page).first().waitFor()

    const shown = await rows(page).getByRole('link').allTextContents()

    assert.equal(shown.length, oddNames.length)
    for (const name of oddNames.filter(name => !name.includes('‮'))) assert.ok(shown.includes(name), name)
    assert.ok(shown.includes('photo[U+202E]gpj.exe'))
    assert.equal(await page.locator('img').count(), 0)
    await checkAccessible(page)
    await shots(page, 'files-names')
  })

  it('download under their own names', async () => {
    const user = await web.user()
    for (const name of ['שלום עולם.txt', 'noextension', 'quote" x.txt', 'n'.repeat(200)]) {
      const cid = await upload(user, name, `text of ${name}`)
      const page = await web.open(`/files/${cid}`, { user })
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()])

      // what no file system takes the browser changes
      assert.equal(download.suggestedFilename(), name.replace('"', '_'))
      await page.close()
    }
  })

  it('are found by a part of the name, by group and by state, and sorted', async () => {
    const user = await web.user()
    const group = await user.client.groups.create('Letters')
    for (const name of ['Alpha.txt', 'beta.txt', 'gamma.pdf']) await upload(user, name)
    const { data: [first] } = await user.client.files.page({ q: 'beta' })
    await user.client.files.change(first?.cid ?? '', { group: group.id })
    const page = await web.open('/files', { user })
    await rows(page).nth(2).waitFor()

    await page.getByRole('searchbox', { name: 'Search names' }).fill('ALPH')
    await page.getByText('1 file found').waitFor()
    assert.deepEqual(await rows(page).getByRole('link').allTextContents(), ['Alpha.txt'])
    await page.getByRole('searchbox', { name: 'Search names' }).fill('')
    await page.getByLabel('Group', { exact: true }).selectOption({ label: 'Letters' })
    await page.getByText('1 file found').waitFor()
    assert.deepEqual(await rows(page).getByRole('link').allTextContents(), ['beta.txt'])
    await page.getByLabel('Group', { exact: true }).selectOption({ label: 'All groups' })
    await page.getByText('3 files').waitFor()
    await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click()
    await page.waitForURL(/sort=original_filename/)
    await pollUntil(
      async () => (await rows(page).getByRole('link').allTextContents()).join() === 'Alpha.txt,beta.txt,gamma.pdf',
      { withinMs: 5000, what: 'the order' }
    )
    await page.getByRole('searchbox', { name: 'Search names' }).fill('nothing like it')
    await page.getByText('No file fits').waitFor()
    await shots(page, 'files-none-fits')
  })

  it('are deleted when nobody takes it back, and stay when somebody does', async () => {
    const user = await web.user()
    for (const name of ['one', 'two', 'three']) await upload(user, name)
    const page = await web.open('/files', { user })
    await rows(page).nth(2).waitFor()

    await page.getByRole('checkbox', { name: 'Mark one' }).check()
    await page.getByRole('checkbox', { name: 'Mark two' }).check()
    await page.getByText('2 marked').waitFor()
    await checkAccessible(page)
    await shots(page, 'files-marked')
    await page.getByRole('button', { name: /^Delete \d/ }).click()
    await page.getByText('Deleting…').first().waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Nothing was changed.').waitFor()
    assert.equal((await user.client.files.page()).data.length, 3)

    await page.getByRole('checkbox', { name: 'Mark three' }).check()
    await page.getByRole('button', { name: /^Delete \d/ }).click()
    await page.getByText('Deleted 1 file.').waitFor({ timeout: 20_000 })
    await pollUntil(async () => await rows(page).count() === 2, { withinMs: 5000, what: 'two rows' })
    assert.equal((await user.client.files.page()).data.length, 2)
  })

  it('go when the page is closed before the time to take it back is over', async () => {
    const user = await web.user()
    await upload(user, 'gone')
    const page = await web.open('/files', { user })

    await page.getByRole('checkbox', { name: 'Mark gone' }).check()
    await page.getByRole('button', { name: /^Delete \d/ }).click()
    await page.getByText('Deleting…').first().waitFor()
    await page.goto('about:blank')

    await pollUntil(async () => (await user.client.files.page()).data.length === 0, { withinMs: 5000, what: 'the deletion' })
  })

  it('are pinned and unpinned many at a time, all that fit but some too', async () => {
    const user = await web.user()
    for (let at = 0; at < 12; at++) await upload(user, `file ${at}`)
    const page = await web.open('/files?sort=original_filename', { user })
    await rows(page).nth(11).waitFor()

    await page.getByRole('button', { name: 'Mark all 12' }).click()
    await page.getByRole('checkbox', { name: 'Mark file 3' }).uncheck()
    await page.getByText('11 marked').waitFor()
    await page.getByRole('button', { name: 'Pin', exact: true }).click()

    await pollUntil(
      async () => (await user.client.files.page({ state: 'pinned' })).data.length === 11, { withinMs: 20_000, what: '11 pinned files' }
    )
    assert.deepEqual((await user.client.files.page({ state: 'staged' })).data.map(({ original_filename: name }) => name), ['file 3'])
    await pollUntil(
      async () => await rows(page).filter({ hasText: 'Pinned' }).count() === 11, { withinMs: 10_000, what: 'rows that say so' }
    )
  })

  it('have details: name and group are changed there, views and state are told', async () => {
    const user = await web.user()
    const group = await user.client.groups.create('Drafts')
    const cid = await upload(user, 'draft.txt')
    const page = await web.open('/files', { user })

    await page.getByRole('link', { name: 'draft.txt' }).click()
    const dialog = page.getByRole('dialog', { name: 'draft.txt' })
    await dialog.getByText(cid, { exact: true }).waitFor()
    await checkAccessible(page)
    await shots(page, 'files-details')
    await dialog.getByLabel('Name').fill('final.txt')
    await dialog.getByLabel('Group', { exact: true }).selectOption({ label: 'Drafts' })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()

    const { original_filename: name, group: now } = await user.client.files.get(cid)
    assert.deepEqual([name, now], ['final.txt', group.id])
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'final.txt' }).waitFor()
  })

  it('come from a CID, with what the pin waits for', async () => {
    const user = await web.user()
    const nobodyHasIt = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
    const page = await web.open('/files', { user })

    await page.getByRole('button', { name: 'Pin from CID' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Pin from CID' })
    await dialog.getByLabel('CID', { exact: true }).fill('no cid')
    await dialog.getByText('This is neither a CID nor a link to one.').waitFor()
    await dialog.getByLabel('CID', { exact: true }).fill(`ipfs://${nobodyHasIt}`)
    await dialog.getByLabel('Name').fill('From elsewhere')
    await checkAccessible(page)
    await shots(page, 'files-pin-cid')
    await dialog.getByRole('button', { name: 'Pin', exact: true }).click()

    const details = page.getByRole('dialog', { name: 'From elsewhere' })
    await details.getByText('Waits for').waitFor({ timeout: 30_000 })
    await details.getByText(/block bafkreigh2akis/).waitFor({ timeout: 30_000 })
    await details.getByText('Since').waitFor()
    await shots(page, 'files-waiting')
  })

  it('appear, change and go as one\'s programs do it', async () => {
    const user = await web.user()
    await upload(user, 'first')
    const page = await web.open('/files', { user })
    await rows(page).first().waitFor()

    const cid = await upload(user, 'second')
    await page.getByRole('link', { name: 'second' }).waitFor({ timeout: 8000 })
    await user.client.files.pin(cid)
    await rows(page).filter({ hasText: 'second' }).getByText('Pinned').waitFor({ timeout: 8000 })
    await user.client.files.delete(cid)

    await page.getByRole('link', { name: 'second' }).waitFor({ state: 'detached', timeout: 8000 })
  })

  it('have pins that the command line made', async () => {
    const user = await web.user()
    const cid = await upload(await web.user(), 'of somebody else')
    await user.client.pins.add({ cid, name: 'from the terminal' })
    const page = await web.open('/files', { user })

    await page.getByRole('link', { name: 'from the terminal' }).click()

    await page.getByRole('dialog').getByText(/command line/).waitFor()
  })

  it('are put into groups, which are made, renamed and removed', async () => {
    const user = await web.user()
    await upload(user, 'paper')
    const page = await web.open('/files', { user })

    await page.getByRole('button', { name: 'Groups' }).click()
    const dialog = page.getByRole('dialog', { name: 'Groups' })
    await dialog.getByLabel('New group').fill('<b>Work</b>')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByLabel('Name of <b>Work</b>').fill('Work')
    await dialog.getByRole('button', { name: 'Rename' }).click()
    await dialog.getByLabel('Name of Work').waitFor()
    await checkAccessible(page)
    await shots(page, 'files-groups')
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('checkbox', { name: 'Mark paper' }).check()
    await page.getByRole('group', { name: 'Marked files' }).getByRole('button', { name: 'Group' }).click()
    await page.getByRole('menuitem', { name: 'Work' }).click()
    await page.getByText('Moved.').waitFor()

    const [group] = await user.client.groups.list()
    assert.deepEqual([group?.name, (await user.client.files.page()).data[0]?.group], ['Work', group?.id])
  })

  it('are one\'s own: two people see nothing of each other', async () => {
    const [alice, bob] = [await web.user(), await web.user()]
    const cid = await upload(alice, 'secret plans')
    await upload(bob, 'of bob')
    const pages = await Promise.all([alice, bob].map(async user => web.open('/files', { user })))

    const names = await Promise.all(pages.map(async page => {
      await rows(page).first().waitFor()
      return rows(page).getByRole('link').allTextContents()
    }))
    web.expectErrors(/404/)
    await pages[1]?.goto(`${web.url}/files/${cid}`)

    assert.deepEqual(names, [['secret plans'], ['of bob']])
    await pages[1]?.getByText('There is no such file').waitFor()
  })

  it('come back by themselves when the peer was away', async () => {
    const user = await web.user()
    await upload(user, 'still here')
    const page = await web.open('/files', { user })
    await rows(page).first().waitFor()
    web.expectErrors(/ERR_CONNECTION_REFUSED|Failed to load resource|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/)

    await web.stop()
    await page.getByRole('searchbox', { name: 'Search names' }).fill('still')
    await page.getByText(/does not answer/).first().waitFor({ timeout: 15_000 })
    await web.start()

    await page.getByText('1 file found').waitFor({ timeout: 30_000 })
    assert.equal(await page.getByRole('searchbox', { name: 'Search names' }).inputValue(), 'still')
  })
})
