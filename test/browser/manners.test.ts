import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { browserSkip, checkAccessible, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'

/** Turns around what is behind it: a name with it looks like another. */
const reversed = '\u202egnp.exe'

describe('the manners of all pages', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  let user: WebUser
  before(async () => {
    web = await startWeb()
    user = await web.user()
  })
  after(async () => { await web.close() })

  /** In the middle of the left edge: on nothing but what is behind the dialog. */
  const clickBeside = async (page: Page): Promise<void> => page.mouse.click(5, (page.viewportSize()?.height ?? 0) / 2)
  const stays = async (dialog: Locator): Promise<void> => assert.equal(await dialog.count(), 1)

  it('close a dialog for a click beside it, unless something was typed into it', async () => {
    const page = await web.open('/files?pin=', { user })
    const dialog = page.getByRole('dialog', { name: 'Pin from CID' })
    await dialog.waitFor()
    await clickBeside(page)
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Pin from CID' }).first().click()
    await dialog.getByLabel('Name').fill('half a name')
    await clickBeside(page)

    await stays(dialog)
    assert.equal(await dialog.getByLabel('Name').inputValue(), 'half a name')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  it('keep a key that is shown once until somebody says that it is kept', async () => {
    const page = await web.open('/developer', { user })
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name', { exact: true }).fill(`laptop ${reversed}`)
    await page.getByRole('button', { name: 'Make key' }).click()
    const dialog = page.getByRole('dialog', { name: /^Your new key/ })
    await dialog.waitFor()

    await clickBeside(page)
    for (let at = 0; at < 3; at++) await page.keyboard.press('Escape')

    await stays(dialog)
    await dialog.getByText(/ak_\w{32}/).first().waitFor()
    await dialog.getByRole('button', { name: 'I have kept it' }).click()
    await dialog.waitFor({ state: 'detached' })
  })

  it('spell out what can not be seen in names of others, wherever they stand', async () => {
    await user.client.groups.create(`group ${reversed}`)
    const { cid } = await user.client.files.upload({ path: `file ${reversed}`, content: new Blob(['x']) })
    await user.client.links.create({ name: `link ${reversed}`, max_uses: 1 })
    await user.client.account.createKey({ name: `key ${reversed}` })
    const page = await web.open('/files', { user })
    const raw = async (): Promise<string[]> => page.evaluate(mark => [...document.querySelectorAll('body *')]
      .flatMap(
        element => [
          ...[...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.textContent ?? ''),
          element.getAttribute('title') ?? ''
        ]
      )
      .filter(text => text.includes(mark)), '\u202e')

    for (
      const [path, shown] of [
        ['/files', 'file [U+202E]gnp.exe'], [`/files?file=${cid}`, 'file [U+202E]gnp.exe'], [`/files/${cid}`, 'file [U+202E]gnp.exe'],
        ['/dashboard', 'file [U+202E]gnp.exe'], ['/links', 'link [U+202E]gnp.exe'], ['/developer', 'key [U+202E]gnp.exe'],
        ['/upload', 'group [U+202E]gnp.exe']
      ] as const
    ) {
      await page.goto(web.url + path)
      await page.getByText(shown).first().waitFor({ state: 'attached' })
      assert.deepEqual(await raw(), [], path)
    }
    await page.goto(`${web.url}/developer`)
    await page.getByRole('button', { name: 'Revoke key [U+202E]gnp.exe' }).click()
    await page.getByRole('dialog', { name: 'Revoke “key [U+202E]gnp.exe”?' }).waitFor()
    assert.deepEqual(await raw(), [])
  })

  it('move nothing for who asked for less motion, but what turns while one waits', async () => {
    const page = await web.open('/files', { user })
    await page.getByRole('table', { name: 'Files' }).waitFor()

    const endless = await page.evaluate(async () => {
      const moving = document.createElement('div')
      moving.innerHTML =
        '<div class="skeleton"><span class="skeleton__line">.</span></div><div class="progress__track progress__track--unknown"><div class="progress__bar"></div></div><span class="spinner"></span>'
      document.body.append(moving)
      await new Promise(resolve => { requestAnimationFrame(() => { setTimeout(resolve, 50) }) })
      return document.getAnimations().filter(
        ({ effect }) => effect?.getComputedTiming().endTime === Infinity
      ).map(({ effect }) => (effect as KeyframeEffect).target?.className)
    })

    assert.deepEqual(endless, ['spinner'])
  })

  it('draw lists anew when the page becomes as narrow as a telephone', async () => {
    await user.client.files.upload({ path: 'second.txt', content: new Blob(['second']) })
    const page = await web.open('/files', { user })
    const rows = page.getByRole('table', { name: 'Files' }).locator('.virtual-list__row')
    await rows.nth(1).waitFor()

    await page.setViewportSize({ width: 320, height: 780 })
    await page.waitForFunction(() => document.querySelector('.virtual-list__row')?.clientHeight === 104)
    const [first, second] = [await rows.nth(0).boundingBox(), await rows.nth(1).boundingBox()]

    assert.equal(Math.round((second?.y ?? 0) - (first?.y ?? 0)), 104)
  })

  it('tell times by the peer\'s clock on a machine whose own is wrong', async () => {
    const { cid } = await user.client.files.upload({ path: 'in time.txt', content: new Blob(['in time']) })
    const page = await web.open('/', { user })

    for (const wrongMs of [-3 * 3_600_000, 26 * 3_600_000]) {
      await page.addInitScript(wrongMs => {
        const { now } = window as unknown as { now?: () => number }
        const real = now ?? Date.now
        Object.assign(window, { now: real })
        Date.now = () => real() + wrongMs
      }, wrongMs)
      await page.goto(`${web.url}/files/${cid}`)
      await page.getByText(/Uploaded.*(just now|\d+ s ago|[12] min ago)/).waitFor()
    }
  })

  it('go back with one click to where a dialog was opened, however that was closed', async () => {
    const page = await web.open('/dashboard', { user })
    await page.getByRole('navigation').getByRole('link', { name: 'Files' }).click()
    const dialog = page.getByRole('dialog')
    for (const close of [async () => page.keyboard.press('Escape'), async () => page.goBack()]) {
      await page.getByRole('table', { name: 'Files' }).getByRole('link').first().click()
      await dialog.waitFor()
      await close()
      await dialog.waitFor({ state: 'detached' })
      assert.equal(new URL(page.url()).search, '')
    }

    await page.goBack()

    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
  })

  it('say that something is gone that was deleted while it was looked at', async () => {
    web.expectErrors(/404 \(Not Found\).*api\/v1\/files/)
    const { cid } = await user.client.files.upload({ path: 'not for long.txt', content: new Blob(['not for long']) })
    const page = await web.open(`/files?file=${cid}`, { user })
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Delete' }).waitFor()

    await user.client.files.deleteMany([cid])

    await dialog.getByText('There is no such file').waitFor()
    await dialog.getByRole('button', { name: 'To the list' }).click()
    await dialog.waitFor({ state: 'detached' })
  })

  it('leave room in dialogs at 400 %', async () => {
    const page = await web.open('/files', { user, width: 320, height: 200 })
    await page.getByRole('button', { name: /^Actions for/ }).first().click()
    await page.getByRole('menuitem', { name: 'Share…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()

    const box = dialog.locator('.dialog__box')
    const [seen, all] = await box.evaluate(element => [element.clientHeight, element.scrollHeight])
    await dialog.getByRole('button', { name: 'Done' }).click()

    assert.ok(seen > 150 && all > seen, `${seen} of ${all} px`)
    await dialog.waitFor({ state: 'detached' })
  })

  it('show a page, and no data, to a browser that goes to an address that is none', async () => {
    web.expectErrors(/404 \(Not Found\).*mistyped/)
    const page = await web.open('/files/what/was/mistyped', { user })

    await page.getByText('There is no page of this address').waitFor()
    await checkAccessible(page)
    await page.getByRole('link', { name: 'Go to the start' }).click()
    await page.getByRole('link', { name: 'Go to your dashboard' }).waitFor()
  })
})
