import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { browserSkip, shots, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'
import { operator } from '../support/browser-cluster.ts'
import { runService } from '../support/peer-process.ts'

const count = 100_000

/** Identity CIDs: their content is in them. */
function pinLine (at: number): string {
  const bytes = Buffer.from(`large-${String(at).padStart(6, '0')}`)
  const cid = `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
  return JSON.stringify({ cid, name: `pin number ${at}`, type: 'pin', allocations: [], max_depth: -1, reference: null, replication_factor_min: -1, replication_factor_max: -1, mode: 'recursive', timestamp: '2026-11-29T00:00:00Z' })
}

/** The longest that the page was busy without a break, and how many frames it drew, while `act` goes on. */
async function busyWhile (page: Page, act: () => Promise<void>): Promise<{ longestMs: number, framesPerSecond: number }> {
  await page.evaluate(() => {
    const seen = { longest: 0, frames: 0, began: performance.now(), isOver: false }
    Object.assign(window, { seen })
    new PerformanceObserver(list => { for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration) }).observe({ type: 'longtask' })
    const frame = (): void => {
      seen.frames++
      if (!seen.isOver) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  await act()
  return page.evaluate(() => {
    const { seen } = window as unknown as { seen: { longest: number, frames: number, began: number, isOver: boolean } }
    seen.isOver = true
    return { longestMs: Math.round(seen.longest), framesPerSecond: Math.round(seen.frames / (performance.now() - seen.began) * 1000) }
  })
}

describe('a pinset of 100,000', { skip: browserSkip, timeout: 300_000 }, () => {
  let web: Web
  let page: Page
  before(async () => {
    web = await startWeb({ face: 'cluster', credentials: { [operator.username]: operator.password } })
    await web.stop()
    const file = join(web.peer.folder, 'pins.json')
    await writeFile(file, Array.from({ length: count }, (_, at) => `${pinLine(at)}\n`).join(''))
    const { status, stderr } = await runService(['-c', web.peer.folder, 'state', 'import', '-f', file])
    assert.equal(status, 0, stderr)
    await web.start()
    page = await web.open('/cluster', { credentials: operator })
  })
  after(async () => { await web?.close() })

  it('comes as a stream that can be looked at from the first rows on', async t => {
    const began = performance.now()
    let firstMs = 0
    const { longestMs } = await busyWhile(page, async () => {
      await page.getByRole('navigation').getByRole('link', { name: 'Pinset' }).click()
      await page.getByRole('table', { name: 'Pins' }).getByRole('link').first().waitFor()
      firstMs = Math.round(performance.now() - began)
      await page.getByText('100,000 pins', { exact: true }).waitFor({ timeout: 60_000 })
    })

    t.diagnostic(`first rows after ${firstMs} ms, all after ${Math.round(performance.now() - began)} ms; longest task ${longestMs} ms`)
    assert.ok(longestMs < 200, `the page was busy for ${longestMs} ms`)
  })

  it('scrolls without a break, whatever is asked about the rows meanwhile', async t => {
    await page.getByRole('rowgroup', { name: 'Pins' }).hover()
    const { longestMs, framesPerSecond } = await busyWhile(page, async () => {
      for (let at = 0; at < 60; at++) await page.mouse.wheel(0, at < 45 ? 1500 : 100_000)
    })
    await page.getByText(/^pin number/).first().waitFor()
    await page.getByRole('table', { name: 'Pins' }).getByText(/^[01] of 1$/).first().waitFor()

    t.diagnostic(`${framesPerSecond} frames per second, longest task ${longestMs} ms`)
    assert.ok(longestMs < 200, `the page was busy for ${longestMs} ms`)
    await shots(page, 'pinset-large')
  })

  it('goes to its end with a key, and is searched quickly', async t => {
    await page.getByRole('rowgroup', { name: 'Pins' }).focus()
    await page.keyboard.press('End')
    await page.locator('[data-index="99999"]').waitFor()
    const { longestMs } = await busyWhile(page, async () => {
      await page.getByLabel('Search names and CIDs').pressSequentially('number 7777', { delay: 30 })
      await page.getByText('11 of 100,000 pins').waitFor()
    })

    t.diagnostic(`longest task of a search ${longestMs} ms`)
    assert.ok(longestMs < 300, `the page was busy for ${longestMs} ms`)
  })
})
