import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, startWeb } from '../support/browser.ts'
import { isBusy } from '../support/browser-figures.ts'
import type { OpenOptions, Web } from '../support/browser.ts'

const firstLoadBytes = 60 * 1024

describe('how soon the pages are there', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb() })
  after(async () => { await web.close() })

  /** Milliseconds from the click on a link to the largest thing on the page. */
  const largestPaint = async (path: string, options: OpenOptions): Promise<number> => {
    const page = await web.open('/login', options)
    await page.goto(web.url + path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    return page.evaluate(async () => new Promise<number>(resolve => {
      new PerformanceObserver(list => resolve(list.getEntries().at(-1)?.startTime ?? Infinity)).observe({
        type: 'largest-contentful-paint', buffered: true
      })
    }))
  }
  /** The least of several, since other programs take their time of this machine, too; at the first that is good enough it ends. */
  const best = async (enough: number, measure: () => Promise<number>): Promise<number> => {
    let least = Infinity
    for (let round = 0; round < (isBusy() ? 2 : 8) && least >= enough; round++) least = Math.min(least, await measure())
    return least
  }

  it('needs less than 60 KiB, compressed, for the first page', async t => {
    for (const path of ['/', '/login', '/register']) {
      const page = await web.open('/api/v1/openapi.json')
      const session = await page.context().newCDPSession(page)
      const sizes: number[] = []
      session.on('Network.loadingFinished', ({ encodedDataLength }) => { sizes.push(encodedDataLength) })
      await session.send('Network.enable')
      await session.send('Network.setCacheDisabled', { cacheDisabled: true })
      await page.goto(web.url + path, { waitUntil: 'networkidle' })
      const total = sizes.reduce((sum, size) => sum + size, 0)
      await page.close()

      t.diagnostic(`${path}: ${(total / 1024).toFixed(1)} KiB in ${sizes.length} answers`)
      assert.ok(sizes.length > 3 && total > 10_000, `${sizes.length} answers, ${total} bytes`)
      assert.ok(total < firstLoadBytes, `${path}: ${total} bytes`)
    }
  })

  it('shows the largest thing within a second, on a machine four times slower', async t => {
    const user = await web.user()
    for (const [path, options] of [['/', {}], ['/dashboard', { user }]] as const) {
      const ms = await best(1000, () => largestPaint(path, { ...options, cpuSlowdown: 4 }))

      t.diagnostic(`${path}: ${Math.round(ms)} ms`)
      assert.ok(ms < 1000 || isBusy(), `${path}: ${ms} ms`)
    }
  })

  it('can be used within three seconds on a 3G network', async t => {
    const ms = await best(3000, async () => {
      // a page without any of the pages' files: nothing is in the cache
      const slow = await web.open('/api/v1/openapi.json', { network: '3g' })
      const before = performance.now()
      await slow.goto(`${web.url}/register`, { waitUntil: 'commit' })
      await slow.getByLabel('E-mail').fill('somebody@example.com')
      const took = performance.now() - before
      await slow.close()
      return took
    })

    t.diagnostic(`${Math.round(ms)} ms`)
    assert.ok(ms < 3000 || isBusy(), `${ms} ms`)
  })
})
