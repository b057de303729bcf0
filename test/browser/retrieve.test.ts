import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { pollUntil } from '../support/poll.ts'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'

/** A red square of 8 pixels. */
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC', 'base64')

/** Half a second of a tone, as PCM. */
function wav (): Uint8Array {
  const samples = 4000
  const bytes = Buffer.alloc(44 + samples)
  bytes.write('RIFF')
  bytes.writeUInt32LE(36 + samples, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(1, 22)
  bytes.writeUInt32LE(8000, 24)
  bytes.writeUInt32LE(8000, 28)
  bytes.writeUInt16LE(1, 32)
  bytes.writeUInt16LE(8, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(samples, 40)
  for (let at = 0; at < samples; at++) bytes[44 + at] = 128 + Math.round(60 * Math.sin(at / 4))
  return bytes
}

/** One page with a word on it. */
function pdf (): Uint8Array {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>',
    '<</Length 44>>stream\nBT /F1 32 Tf 40 90 Td (Hello, cluster) Tj ET \nendstream', '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'
  ]
  let text = '%PDF-1.4\n'
  const places = objects.map((object, at) => {
    const place = text.length
    text += `${at + 1} 0 obj\n${object}\nendobj\n`
    return place
  })
  const start = text.length
  text += `xref\n0 6\n0000000000 65535 f \n${places.map(place => `${String(place).padStart(10, '0')} 00000 n \n`).join('')}trailer<</Size 6/Root 1 0 R>>\nstartxref\n${start}\n%%EOF`
  return Buffer.from(text)
}

describe('Retrieve', { skip: browserSkip, timeout: 240_000 }, () => {
  let web: Web
  let user: WebUser

  const upload = async (name: string, content: string | Uint8Array, pin: 'now' | 'on-access' = 'on-access'): Promise<string> =>
    (
      await user.client.files.upload(
        { path: name, content: typeof content === 'string' ? new TextEncoder().encode(content) : content }, { pin, name }
      )
    ).cid
  const show = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('CID or link').fill(text)
    await page.getByRole('button', { name: 'Show' }).click()
  }

  before(async () => {
    web = await startWeb()
    user = await web.user()
  })
  after(async () => web.close())

  it('begins with a question, and says when it is not a good one', async () => {
    const page = await web.open('/retrieve')
    await page.getByText('Nothing asked for yet').waitFor()
    await checkAccessible(page)
    await shots(page, 'retrieve-empty')

    await show(page, 'what is this')

    await page.getByText('This is neither a CID nor a link to one.').waitFor()
  })

  it('shows a text of one\'s own as text, whatever it holds', async () => {
    const markup = '<script>document.title = "taken"</script><img src=x onerror="document.title = \'taken\'">'
    const cid = await upload('page.html', markup)
    const page = await web.open(`/retrieve?cid=${cid}&name=page.html`, { user })

    await page.getByLabel('Text of page.html').waitFor()

    assert.equal(await page.getByLabel('Text of page.html').textContent(), markup)
    assert.equal(await page.title(), 'Retrieve · Helia Cluster')
    await checkAccessible(page)
    await shots(page, 'retrieve-text')
  })

  it('shows an image, also one that could hold scripts', async () => {
    const cid = await upload('red.png', png)
    const svg = await upload(
      'drawn.svg',
      '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><script>document.title = "taken"</script><circle cx="45" cy="45" r="40" fill="green"/></svg>'
    )
    const page = await web.open('/retrieve', { user })

    for (const [one, name] of [[cid, 'red.png'], [svg, 'drawn.svg']] as const) {
      await show(page, one)
      const image = page.getByRole('img', { name })
      await image.waitFor()
      await page.waitForFunction(() => (document.querySelector('.preview img') as HTMLImageElement | null)?.naturalWidth ?? 0)
      await shots(page, `retrieve-${name.slice(-3)}`)
    }
    assert.equal(await page.title(), 'Retrieve · Helia Cluster')
  })

  it('plays a sound', async () => {
    const cid = await upload('tone.wav', wav())
    const page = await web.open(`/retrieve?cid=${cid}`, { user })

    await page.waitForFunction(() => (document.querySelector('audio')?.duration ?? 0) > 0.4)
    await checkAccessible(page)
    await shots(page, 'retrieve-sound')
  })

  it('shows a document in the browser\'s own viewer', async () => {
    const cid = await upload('paper.pdf', pdf())
    const page = await web.open(`/retrieve?cid=${cid}`, { user })

    const frame = page.getByTitle('Document paper.pdf')
    await frame.waitFor()

    assert.match(await frame.getAttribute('src') ?? '', /^blob:/)
    // the viewer is an extension of the browser, with the document in a frame of its own
    await pollUntil(
      async () => page.frames().filter(one => one.url().startsWith('blob:')).length === 2,
      { withinMs: 10_000, what: 'the document in the viewer' }
    )
    await shots(page, 'retrieve-pdf')
  })

  it('does not take a page for a document because it says so', async () => {
    const cid = await upload('fake.pdf', '<script>top.document.title = "taken"</script>')
    const page = await web.open(`/retrieve?cid=${cid}`, { user })

    await page.getByText('Its type says PDF, but it is not a PDF.').waitFor()

    assert.equal(await page.locator('iframe').count(), 0)
  })

  it('offers a download of everything else', async () => {
    const cid = await upload('program.bin', new Uint8Array(2000).fill(7))
    const page = await web.open(`/retrieve?cid=${cid}`, { user })
    await page.getByText('There is no preview for this kind of file').waitFor()

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).first().click()])

    assert.equal(download.suggestedFilename(), 'program.bin')
    await checkAccessible(page)
    await shots(page, 'retrieve-other')
  })

  it('shows to everybody what somebody of the service has, and counts it as a view', async () => {
    const cid = await upload('shared.txt', 'for everybody')
    const page = await web.open(`/retrieve?cid=${cid}&name=shared.txt`)

    await page.getByLabel('Text of shared.txt').waitFor({ timeout: 30_000 })

    const { view_count: views, state } = await user.client.files.get(cid)
    assert.deepEqual([views, state === 'staged'], [1, false])
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).first().click()])
    assert.equal(download.suggestedFilename(), 'shared.txt')
  })

  it('lists a folder, and walks through it by links of every kind', async () => {
    const content = (text: string) => new TextEncoder().encode(text)
    const { cid } = await user.client.files.uploadDirectory([
      { path: 'site/index.html', content: content('<h1>start</h1>') }, { path: 'site/notes/one.txt', content: content('the first') },
      { path: 'site/notes/a & <b>.txt', content: content('odd') }
    ], { pin: 'now' })
    const page = await web.open(`/retrieve?cid=${cid}`, { user })

    await page.getByRole('list', { name: 'Entries' }).getByRole('link', { name: 'notes' }).click()
    await page.getByRole('list', { name: 'Entries' }).getByRole('link', { name: 'a & <b>.txt' }).waitFor()
    await checkAccessible(page)
    await shots(page, 'retrieve-folder')
    await page.getByRole('list', { name: 'Entries' }).getByRole('link', { name: 'a & <b>.txt' }).click()
    await page.getByText('odd', { exact: true }).waitFor()
    for (const link of [
      `ipfs://${cid}/notes/one.txt`, `/ipfs/${cid}/notes/one.txt`, `${web.url}/api/gateway/${cid}/notes/one.txt`,
      `https://${cid}.ipfs.dweb.link/notes/one.txt`
    ]) {
      await page.goto(`${web.url}/retrieve`)
      await show(page, link)
      await page.getByText('the first', { exact: true }).waitFor()
    }
  })

  it('keeps what is typed before the page has quite come', async () => {
    const page = await web.open('/')
    await page.addInitScript(() => {
      let isTyped = false
      // in the moment in which the field is there: before what a page does after its first drawing
      new MutationObserver(() => {
        const field = document.querySelector<HTMLInputElement>('input[name=cid]')
        if (field == null || isTyped) return
        isTyped = true
        field.value = 'typed early'
        field.dispatchEvent(new Event('input', { bubbles: true }))
      }).observe(document, { childList: true, subtree: true })
    })

    await page.goto(`${web.url}/retrieve`)
    await page.getByLabel('CID or link').waitFor()
    await page.evaluate(
      async () => new Promise(resolve => {
        requestAnimationFrame(() => { setTimeout(() => { requestAnimationFrame(() => { setTimeout(resolve) }) }) })
      })
    )

    assert.equal(await page.getByLabel('CID or link').inputValue(), 'typed early')
  })

  it('lists a folder that is in many blocks, piece by piece', async () => {
    const names = Array.from(
      { length: 3500 }, (_, at) => `a name that is long enough to fill up a block ${String(at).padStart(6, '0')}.txt`
    )
    const { cid } = await user.client.files.uploadDirectory(
      names.map(name => ({ path: `many/${name}`, content: new TextEncoder().encode(name) })), { pin: 'now' }
    )
    const page = await web.open(`/retrieve?cid=${cid}`, { user })
    const entries = page.getByRole('list', { name: 'Entries' }).getByRole('listitem')
    await page.getByText('A large folder').waitFor()
    await checkAccessible(page)
    await shots(page, 'retrieve-large-folder')
    const before = await entries.count()

    const more = page.getByRole('button', { name: 'Show more' })
    for (let at = 0; at < 10 && await more.count() > 0; at++) {
      const shown = await entries.count()
      await more.click()
      await page.waitForFunction(shown => document.querySelectorAll('[aria-label=Entries] li').length > shown, shown)
    }

    assert.ok(before >= 500 && before < 2000, String(before))
    assert.deepEqual((await entries.getByRole('link').allTextContents()).toSorted(), names)
    await entries.getByRole('link', { name: names[77] ?? '' }).click()
    await page.getByLabel(`Text of ${names[77]}`).waitFor()
  })

  it('says what is still on its way, and to others that nobody has it; the peer that says so is not away', async () => {
    web.expectErrors(/50[24] \((Bad Gateway|Gateway Timeout)\)/)
    const cid = 'bafkreifre7isp4znimto4vpxlwnvtd4oaddxbv7jxfpmreylqm2zyxs3xa'
    await user.client.files.fromCid({ cid, name: 'on its way' })
    const [mine, others] = [await web.open(`/retrieve?cid=${cid}`, { user }), await web.open('/')]
    const answers: number[] = []
    others.on('response', answer => { if (answer.url().includes(`/ipfs/${cid}`)) answers.push(answer.status()) })

    await others.goto(`${web.url}/retrieve?cid=${cid}`)
    await others.getByText('Nobody here has it').waitFor({ timeout: 60_000 })
    await mine.getByText('It is not here yet').waitFor({ timeout: 60_000 })

    assert.deepEqual(answers, [502])
    assert.equal(await others.getByText('The peer does not answer.').count(), 0)
    await checkAccessible(mine)
    await shots(mine, 'retrieve-on-its-way')
    await mine.getByRole('link', { name: 'What it waits for' }).click()
    await mine.getByRole('heading', { level: 1, name: 'on its way' }).waitFor()
  })

  it('says that nobody has it, and how it can be had', async () => {
    web.expectErrors(/404/)
    const page = await web.open('/retrieve', { user })

    await show(page, 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')

    await page.getByText('Nobody here has it').waitFor()
    await checkAccessible(page)
    await shots(page, 'retrieve-nobody')
    await page.getByRole('link', { name: 'Pin from CID' }).click()
    await page.getByRole('dialog', { name: 'Pin from CID' }).waitFor()
  })
})
