import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { pollUntil } from '../support/poll.ts'
import { browserMemory } from '../support/browser-memory.ts'
import { isBusy, tries, watch } from '../support/browser-figures.ts'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'

const item = (page: Page, name: string) => page.getByRole('list', { name: 'Uploads' }).getByRole('listitem').filter({ hasText: name })
const done = async (page: Page, name: string): Promise<void> =>
  item(page, name).getByText('Done', { exact: true }).waitFor({ timeout: 60_000 })

describe('Upload', { skip: browserSkip, timeout: 300_000 }, () => {
  let web: Web
  let folder: string

  const file = async (name: string, content: string | Uint8Array = `content of ${name}`): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }
  /** Of zeros, which take no room on the disk. */
  const large = async (name: string, bytes: number): Promise<string> => {
    const path = await file(name, '')
    await truncate(path, bytes)
    await utimes(path, 1_700_000_000, 1_700_000_000)
    return path
  }
  const choose = async (page: Page, paths: string | string[], what = 'Files to upload'): Promise<void> =>
    page.getByLabel(what).setInputFiles(paths)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-upload-'))
    web = await startWeb({ service: { quota_bytes: 8 * 2 ** 30 } })
  })
  after(async () => {
    await web.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('takes files, and gives their CIDs and links', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    await page.getByText('8 GiB left in your account').waitFor()
    await checkAccessible(page)
    await shots(page, 'upload-empty')

    await choose(page, [await file('one.txt'), await file('<b>two.txt'), await file('empty', '')])

    for (const name of ['one.txt', '<b>two.txt', 'empty']) await done(page, name)
    await page.getByText('All 3 uploads are done.').waitFor()
    const { data } = await user.client.files.page({ q: 'one.txt' })
    await item(page, 'one.txt').getByRole('button', { name: 'Copy link' }).click()
    assert.equal(await page.evaluate(async () => navigator.clipboard.readText()), `${web.url}/api/gateway/${data[0]?.cid}`)
    assert.deepEqual([data[0]?.state, data[0]?.content_type, data[0]?.size], ['staged', 'text/plain', 'content of one.txt'.length])
    await checkAccessible(page)
    await shots(page, 'upload-done')
  })

  it('pins at once when it is asked to, into a group', async () => {
    const user = await web.user()
    const group = await user.client.groups.create('Pictures')
    const page = await web.open('/upload', { user })

    await page.getByRole('radio', { name: 'Now' }).check()
    await page.getByLabel('Group').selectOption({ label: 'Pictures' })
    await choose(page, await file('now.bin', new Uint8Array(700_000)))

    await done(page, 'now.bin')
    await pollUntil(async () => (await user.client.files.page()).data[0]?.state === 'pinned', { withinMs: 10_000, what: 'the pin' })
    assert.equal((await user.client.files.page()).data[0]?.group, group.id)
  })

  it('takes a folder as one thing', async () => {
    const user = await web.user()
    await mkdir(join(folder, 'site', 'css'), { recursive: true })
    await file('site/index.html', '<h1>hello</h1>')
    await file('site/css/a.css', 'body {}')
    await file(`site/${'ü'.repeat(120)}.txt`, 'a long name')
    const page = await web.open('/upload', { user })

    await choose(page, join(folder, 'site'), 'Folder to upload')

    await done(page, 'site')
    await item(page, 'site').getByText('3 files').waitFor()
    const { data: [made] } = await user.client.files.page()
    assert.deepEqual([made?.kind, made?.original_filename, made?.size], ['directory', 'site', 14 + 7 + 11])
    assert.equal(await (await fetch(`${web.url}/api/gateway/${made?.cid}/css/a.css`)).text(), 'body {}')
  })

  it('takes what is dropped anywhere on the page', async () => {
    const page = await web.open('/upload', { user: await web.user() })
    const dropped = await page.evaluateHandle(() => {
      const transfer = new DataTransfer()
      transfer.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }))
      return transfer
    })

    // the page listens a moment after it is drawn; a real drag tells all the time
    await pollUntil(async () => {
      await page.dispatchEvent('body', 'dragover', { dataTransfer: dropped })
      return page.getByText('Let go to upload').isVisible()
    }, { what: 'the page under a drag' })
    await shots(page, 'upload-drop')
    await page.dispatchEvent('body', 'drop', { dataTransfer: dropped })

    await done(page, 'dropped.txt')
  })

  it('waits and goes on, tells how fast it is, and ends when it is told to', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    await slow(page, 3_000_000)
    await choose(page, await large('slow.bin', 24 * 2 ** 20))

    await item(page, 'slow.bin').getByText(/MiB of 24 MiB \(\d+%\), .*\/s, .* left/).waitFor()
    await shots(page, 'upload-running')
    await page.getByRole('button', { name: 'Pause slow.bin' }).click()
    await item(page, 'slow.bin').getByText('Paused').waitFor()
    const [paused] = await user.client.uploads.list()
    await page.getByRole('button', { name: 'Resume slow.bin' }).click()
    await item(page, 'slow.bin').getByText('Uploading', { exact: true }).waitFor()
    await pollUntil(
      async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > (paused?.offset ?? 0), { withinMs: 20_000, what: 'more bytes' }
    )
    await page.getByRole('button', { name: 'Cancel slow.bin' }).click()

    await pollUntil(async () => (await user.client.uploads.list()).length === 0, { withinMs: 10_000, what: 'nothing left' })
    assert.equal(await page.getByText('slow.bin').count(), 0)
    assert.equal((await user.client.account.status()).used_bytes, 0)
  })

  it('goes on after a reload when the same file is chosen again, and with no other', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    const path = await large('again.bin', 24 * 2 ** 20)
    await slow(page, 4_000_000)
    await choose(page, path)
    await pollUntil(async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })

    await page.reload()
    await page.getByText('An upload stopped when this page was closed').waitFor()
    await item(page, 'again.bin').getByText('Choose it again').waitFor()
    await checkAccessible(page)
    await shots(page, 'upload-again')
    const [before] = await user.client.uploads.list()
    await choose(page, path)

    await page.getByText('The upload goes on where it stopped.').waitFor()
    await done(page, 'again.bin')
    const [after] = await user.client.uploads.list()
    assert.ok((before?.offset ?? 0) > 2 ** 20)
    assert.equal(after?.id, before?.id)
  })

  it('goes on with a folder that is chosen again after a reload', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    await mkdir(join(folder, 'album'), { recursive: true })
    for (const name of ['b.bin', 'a.bin']) await large(`album/${name}`, 12 * 2 ** 20)
    await slow(page, 4_000_000)
    await choose(page, join(folder, 'album'), 'Folder to upload')
    await pollUntil(async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })

    await page.reload()
    await item(page, 'album').getByText('Choose it again').waitFor()
    await choose(page, join(folder, 'album'), 'Folder to upload')

    await done(page, 'album')
    const { data: [made] } = await user.client.files.page()
    assert.deepEqual([made?.kind, made?.size, (await user.client.uploads.list()).length], ['directory', 24 * 2 ** 20, 1])
  })

  it('stops when the session ends, and goes on after the log-in', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    web.expectErrors(/401/)
    await slow(page, 4_000_000)
    await choose(page, await large('session.bin', 16 * 2 ** 20))
    await pollUntil(async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })

    await page.context().clearCookies()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor({ timeout: 20_000 })
    await item(page, 'session.bin').getByText('Log in to go on').waitFor()
    await dialog.getByLabel('Password', { exact: true }).fill(user.password)
    await dialog.getByRole('button', { name: 'Log in' }).click()

    await done(page, 'session.bin')
  })

  it('is sent by one tab at a time', async () => {
    const user = await web.user()
    const first = await web.open('/upload', { user })
    await slow(first, 4_000_000)
    await choose(first, await large('tabs.bin', 16 * 2 ** 20))
    await pollUntil(async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })

    const second = await web.open('/upload', { user })

    await item(second, 'tabs.bin').getByText('In another tab').waitFor()
    await done(first, 'tabs.bin')
    await done(second, 'tabs.bin')
  })

  it('goes on by itself after a reload where the browser keeps a handle of the file', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    // the browser's own storage gives handles as its picker does, and nobody has to be asked
    await page.evaluate(async () => {
      const handle = await (await navigator.storage.getDirectory()).getFileHandle('kept.bin', { create: true })
      const writable = await handle.createWritable()
      await writable.write(new Uint8Array(20 * 2 ** 20))
      await writable.close()
      Object.assign(window, { showOpenFilePicker: async () => [handle] })
    })
    await slow(page, 4_000_000)
    await page.getByRole('button', { name: 'Choose files' }).click()
    await pollUntil(async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })
    const [before] = await user.client.uploads.list()

    // whichever page that is
    await page.goto(`${web.url}/files`)

    await page.getByRole('link', { name: 'kept.bin' }).waitFor({ timeout: 30_000 })
    assert.equal((await user.client.uploads.list())[0]?.id, before?.id)
    assert.equal(await page.evaluate(() => localStorage.getItem('helia-cluster-open-uploads')), null)
  })

  it('goes on when the peer was away', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    web.expectErrors(/ERR_|Failed to load resource/)
    await slow(page, 4_000_000)
    await choose(page, await large('away.bin', 16 * 2 ** 20))
    await pollUntil(async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 2 ** 20, { withinMs: 20_000, what: 'some bytes' })

    await web.stop()
    await item(page, 'away.bin').getByText('Waiting for the peer').waitFor({ timeout: 20_000 })
    await shots(page, 'upload-away')
    await web.start()

    await done(page, 'away.bin')
  })

  it('goes on while another page is shown', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    await slow(page, 6_000_000)
    await choose(page, await large('behind.bin', 12 * 2 ** 20))
    await item(page, 'behind.bin').getByText('Uploading', { exact: true }).waitFor()

    await page.getByRole('navigation').getByRole('link', { name: 'Files' }).click()
    await pollUntil(async () => (await user.client.files.page({ q: 'behind' })).data.length === 1, { withinMs: 30_000, what: 'the file' })
    await page.getByRole('navigation').getByRole('link', { name: 'Upload' }).click()

    await done(page, 'behind.bin')
  })

  it('says why something is refused, and can try again', async () => {
    const user = await web.user()
    web.expectErrors(/422/)
    const page = await web.open('/upload', { user })

    await choose(page, await large('huge.bin', 9 * 2 ** 30))

    await item(page, 'huge.bin').getByText('Failed').waitFor()
    await item(page, 'huge.bin').getByRole('alert').waitFor()
    await page.getByText(/are left: what does not fit will be refused/).waitFor()
    await shots(page, 'upload-refused')
    await checkAccessible(page)
    await item(page, 'huge.bin').getByRole('button', { name: 'Remove huge.bin' }).click()
    await pollUntil(async () => await page.getByText('huge.bin').count() === 0, { withinMs: 5000, what: 'an empty list' })
  })

  it('takes many files at once', async () => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    const paths = await Promise.all(Array.from({ length: 60 }, async (_, at) => file(`many-${at}.txt`)))

    await choose(page, paths)

    await page.getByText('All 60 uploads are done.').waitFor({ timeout: 60_000 })
    assert.equal((await user.client.files.page({ total: true })).total, 60)
    await checkAccessible(page)
    await shots(page, 'upload-many')
  })

  it('takes thousands without holding up the page', async t => {
    const page = await web.open('/upload', { user: await web.user() })
    await page.getByText('left in your account').waitFor()
    let longestTask = Infinity
    for (let at = 0; at < tries && longestTask >= 50; at++) {
      await page.evaluate(round => {
        const picked = new DataTransfer()
        for (let at = 0; at < 5000; at++) {
          picked.items.add(new File([`${round} ${at}`], `of ${round}, number ${at}.txt`, { type: 'text/plain' }))
        }
        Object.assign(window, { picked })
      }, at)
      await slow(page, 200_000)
      const figures = await watch(page)

      await page.evaluate(() => {
        const input = document.querySelector<HTMLInputElement>('input[aria-label="Files to upload"]')
        if (input == null) return
        input.files = (window as unknown as { picked: DataTransfer }).picked.files
        input.dispatchEvent(new Event('change', { bubbles: true }))
      })
      await page.getByText(/^Uploading [\d,]+ of [\d,]+000$/).waitFor()
      longestTask = Math.min(longestTask, (await figures()).longestTask)
    }
    await page.close()

    const told = `longest task ${Math.round(longestTask)} ms, load ${loadavg()[0]}`
    t.diagnostic(told)
    if (!isBusy()) assert.ok(longestTask < 50, told)
  })

  it('keeps the uploads of two people apart', async () => {
    const [alice, bob] = [await web.user(), await web.user()]
    const pages = await Promise.all([alice, bob].map(async (user: WebUser) => web.open('/upload', { user })))
    const [hers, his] = pages as [Page, Page]

    await choose(hers, await file('hers.txt'))
    await choose(his, await file('his.txt'))
    await done(hers, 'hers.txt')
    await done(his, 'his.txt')

    assert.deepEqual([await hers.getByText('his.txt').count(), await his.getByText('hers.txt').count()], [0, 0])
  })

  it('sends a gigabyte with flat memory, over a reload', async t => {
    const user = await web.user()
    const page = await web.open('/upload', { user })
    const path = await large('gigabyte.bin', 2 ** 30)
    await choose(page, path)
    await pollUntil(
      async () => ((await user.client.uploads.list())[0]?.offset ?? 0) > 200 * 2 ** 20, { withinMs: 120_000, what: 'the first part' }
    )
    await page.reload()
    await item(page, 'gigabyte.bin').getByText('Choose it again').waitFor()
    const client = await page.context().newCDPSession(page)
    await client.send('HeapProfiler.collectGarbage')
    const heap = async (): Promise<number> => (await client.send('Runtime.getHeapUsage')).usedSize
    const [before, most] = [await heap(), [0]]
    const [allBefore, all] = [await browserMemory(), [0]]

    await choose(page, path)
    const measured = (async () => {
      while (await item(page, 'gigabyte.bin').getByText('Done', { exact: true }).count() === 0) {
        most.push(await heap())
        all.push(await browserMemory())
      }
    })()
    await item(page, 'gigabyte.bin').getByText('Done', { exact: true }).waitFor({ timeout: 200_000 })
    await measured

    const grown = Math.round((Math.max(...most) - before) / 2 ** 20)
    const allGrown = Math.round(Math.max(...all.filter(size => !Number.isNaN(size))) - allBefore)
    t.diagnostic(`heap +${grown} MiB, all of the browser's processes +${allGrown} MiB from ${Math.round(allBefore)} MiB`)
    assert.ok(!(allGrown > 256), `the browser grew by ${allGrown} MiB`)
    assert.ok(grown < 32, `the page's heap grew by ${grown} MiB`)
    const { data: [made] } = await user.client.files.page()
    assert.equal(made?.size, 2 ** 30)
  })
})

/** Of what is sent, bytes per second. */
async function slow (page: Page, uploadThroughput: number): Promise<void> {
  const client = await page.context().newCDPSession(page)
  await client.send('Network.enable')
  await client.send('Network.emulateNetworkConditions', { offline: false, latency: 5, downloadThroughput: -1, uploadThroughput })
}
