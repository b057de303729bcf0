import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { browserSkip, checkAccessible, shots } from '../support/browser.ts'
import { pollUntil } from '../support/poll.ts'
import { operator, startWebCluster } from '../support/browser-cluster.ts'
import type { WebCluster } from '../support/browser-cluster.ts'

/** Nobody has it. */
const nowhere = 'bafkreifre7isp4znimto4vpxlwnvtd4oaddxbv7jxfpmreylqm2zyxs3xa'

describe('the pages of a cluster of three peers', { skip: browserSkip, timeout: 300_000 }, () => {
  let cluster: WebCluster
  let page: Page
  before(async () => {
    cluster = await startWebCluster()
    const three = [await cluster.rest('/peers')].flat().find(({ peername }) => peername === 'three')?.id as string
    await Promise.all([
      cluster.add('everywhere.bin', 300_000, 'replication=-1'),
      ...Array.from({ length: 8 }, async (_, at) => cluster.add(`pair-${at}.bin`, 1000 + at, `replication=2&user-allocations=${three}`)),
      cluster.rest(`/pins/${nowhere}?name=nobody%20has%20it`, 'POST')
    ])
    // the page of a pin asks for it once more when it hears that it is gone
    cluster.web.expectErrors(/404 \(Not Found\).*\/allocations\//)
    page = await cluster.web.open('/cluster', { credentials: operator })
  })
  after(async () => { await cluster?.close() })

  it('shows its peers, what they hold, and who is connected to whom', async () => {
    const table = page.getByRole('table', { name: 'Peers of the cluster' })
    for (const name of ['one', 'two', 'three']) await table.getByRole('link', { name, exact: true }).waitFor()
    await page.getByRole('img', { name: /^3 peers, 3 connections among them$/ }).waitFor()
    await page.getByText('Pins', { exact: true }).first().waitFor()

    assert.equal(await table.getByText('Up', { exact: true }).count(), 3)
    await checkAccessible(page)
    await shots(page, 'overview')
  })

  it('says of each peer whether it has the same pinset, and what differs', async () => {
    const table = page.getByRole('table', { name: 'Peers of the cluster' })
    for (const name of ['two', 'three']) {
      await table.getByRole('row', { name: new RegExp(`\\b${name}\\b`) }).getByText('In sync', { exact: true }).waitFor({ timeout: 60_000 })
    }

    const real = await cluster.rest('/health/sync')
    await page.route(
      /\/health\/sync$/,
      async route => route.fulfill({
        json: { ...real, peers: real.peers.map((one: any) => one.peername === 'three' ? { ...one, state: 'out_of_sync' } : one) }
      })
    )
    await page.reload()
    await table.getByRole('row', { name: /\bthree\b/ }).getByText('Out of sync', { exact: true }).waitFor()
    await page.getByRole('heading', { name: 'three is out of sync' }).or(page.getByText('three is out of sync')).first().waitFor()
    await page.getByRole('button', { name: 'Compare with three' }).click()
    const dialog = page.getByRole('dialog', { name: 'one and three' })
    await dialog.getByText('No pin differs any more.').waitFor({ timeout: 30_000 })
    await checkAccessible(page)
    await shots(page, 'compare')
    await dialog.getByRole('button', { name: 'Let both merge again' }).click()
    await page.getByText('Both have merged their histories again.').waitFor({ timeout: 30_000 })
    await dialog.getByRole('button', { name: 'Close' }).first().click()
    await page.unroute(/\/health\/sync$/)
    await page.reload()
    await table.getByRole('link', { name: 'three', exact: true }).waitFor()
  })

  it('says why a pin waits: which block, since when, who was asked, when again', async () => {
    await page.goto(`${cluster.web.url}/cluster/pinset?status=waiting`)
    await page.getByRole('link', { name: 'nobody has it' }).click()
    await page.getByRole('heading', { level: 1, name: 'nobody has it' }).waitFor()

    const reason = page.getByRole('strong').filter({ hasText: 'No peer has a block that it needs' })
    await reason.waitFor({ timeout: 60_000 })
    await page.getByText('one, three, two', { exact: true }).waitFor({ timeout: 30_000 })
    const text = await page.getByRole('main').innerText()
    assert.match(text, /Waits for block/)
    assert.match(text, /Peers asked\s+[23]/)
    assert.match(text, /Next try/)
    await page.getByText('Who was asked').first().click()
    await page.getByText(/^two \(12D3Koo/).first().waitFor()
    await checkAccessible(page)
    await shots(page, 'pin-waits')
  })

  it('lists the pinset, finds by name and by status, with how each pin stands', async () => {
    await page.goto(`${cluster.web.url}/cluster/pinset`)
    await page.getByText('10 pins', { exact: true }).waitFor()
    await page.getByRole('table', { name: 'Pins' }).getByText('2 of 2').first().waitFor()
    await checkAccessible(page)
    await shots(page, 'pinset')

    await page.getByLabel('Search names and CIDs').fill('pair-3')
    await page.getByText('1 of 10 pins').waitFor()
    await page.getByLabel('Search names and CIDs').fill('nothing like this')
    await page.getByText('No pin is like that').waitFor()
    await page.getByLabel('Search names and CIDs').fill('')
    await page.getByLabel('Status', { exact: true }).selectOption('under_replicated')
    await page.getByText('1 pin', { exact: true }).waitFor()
    assert.match(page.url(), /status=under_replicated/)
  })

  it('hears what others do to the pinset', async () => {
    await page.goto(`${cluster.web.url}/cluster/pinset`)
    await page.getByText('10 pins', { exact: true }).waitFor()

    const cid = await cluster.add('of another.bin', 700, 'replication=1')
    await page.getByRole('button', { name: 'The pinset has changed: load it again' }).click()
    await page.getByText('11 pins', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'of another.bin' }).waitFor()
    await cluster.rest(`/pins/${cid}`, 'DELETE')

    await page.getByText('10 pins', { exact: true }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'of another.bin' }).count(), 0)
  })

  it('unpins several at once, and takes that back', async () => {
    await page.goto(`${cluster.web.url}/cluster/pinset?q=pair`)
    await page.getByText('8 of 10 pins').waitFor()
    await page.getByLabel('Select pair-1.bin').check()
    await page.getByLabel('Select pair-2.bin').check()
    const bar = page.getByRole('group', { name: 'Selected pins' })
    await bar.getByText('2 pins selected').waitFor()
    await checkAccessible(page)
    await shots(page, 'pinset-selected')
    await bar.getByRole('button', { name: 'Unpin' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unpin 2 pins' }).click()
    await page.getByText('6 of 8 pins').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('2 pins are pinned again.').waitFor()
    await page.getByText('8 of 10 pins').waitFor()
    await pollUntil(async () => [await cluster.rest('/pins?filter=pinned')].flat().length >= 9, { what: 'the pins again' })
  })

  it('pins, moves, changes copies, unpins and takes that back', async () => {
    const cid = await cluster.add('to move.bin', 5000, 'replication=2&no-pin=true')
    await page.goto(`${cluster.web.url}/cluster/pinset`)
    await page.getByRole('button', { name: 'Add a pin' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Pin', exact: true }).click()
    await dialog.getByText('Paste a CID, a path or a link.').waitFor()
    await checkAccessible(page)
    await shots(page, 'add-pin')
    await dialog.getByLabel('CID, path or link').fill(`https://gateway.example/ipfs/${cid}?x=1`)
    await dialog.getByLabel('Name', { exact: false }).fill('moved')
    await dialog.getByLabel('On some').check()
    await dialog.getByLabel('At least').fill('1')
    await dialog.getByLabel('At most').fill('1')
    await dialog.getByRole('button', { name: 'Pin', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'moved' }).waitFor()
    await page.getByText('Copies').first().waitFor()

    const allocations = async (): Promise<string[]> => (
      (await cluster.rest(`/allocations/${cid}`)) as { allocations: string[] }
    ).allocations
    const before = await allocations()
    await page.getByRole('button', { name: 'Move' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click()
    await pollUntil(async () => {
      const now = await allocations()
      return now.length === 1 && now[0] !== before[0]
    }, { withinMs: 30_000, what: 'the move' })

    await page.getByRole('button', { name: 'Change copies' }).click()
    await page.getByRole('dialog').getByLabel('At most').fill('')
    await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click()
    await page.getByRole('dialog').getByText('Both are whole numbers, 1 or more.').waitFor()
    await page.getByRole('dialog').getByLabel('On every peer').check()
    await shots(page, 'copies')
    await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click()
    await pollUntil(async () => (await allocations()).length === 0, { what: 'every peer' })

    await page.getByRole('button', { name: 'Unpin' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unpin' }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('It is pinned again.').waitFor()
    assert.equal(((await cluster.rest(`/allocations/${cid}`)) as { name: string }).name, 'moved')
  })

  it('says which peer is missing, and what it costs', async () => {
    const [, three] = cluster.others
    await page.goto(`${cluster.web.url}/cluster`)
    await page.getByRole('table', { name: 'Peers of the cluster' }).waitFor()

    await three.end('SIGKILL')
    await page.getByRole('strong').filter({ hasText: 'three is missing' }).waitFor({ timeout: 60_000 })
    const notice = await page.getByRole('main').innerText()
    assert.match(notice, /\d+ pins have a copy less; all of them can still be reached on other peers/)
    await page.getByRole('img', { name: /missing: three$/ }).waitFor({ timeout: 30_000 })
    await checkAccessible(page)
    await shots(page, 'overview-missing')

    await page.getByRole('link', { name: 'Its pins' }).first().click()
    await page.getByText(/^\d+ of 11 pins$/).waitFor()
    await page.goto(`${cluster.web.url}/cluster/pinset?status=under_replicated`)
    await page.getByRole('table', { name: 'Pins' }).getByText('1 of 2').first().waitFor()
    await shots(page, 'pinset-under-replicated')

    await page.goto(`${cluster.web.url}/cluster`)
    await page.getByRole('table', { name: 'Peers of the cluster' }).getByRole('link', { name: 'three', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'three' }).waitFor()
    await page.getByText('Missing', { exact: true }).first().waitFor()
    await checkAccessible(page)
    await shots(page, 'peer-missing')
  })

  it('gives the pins of a missing peer to others', async () => {
    await page.getByRole('button', { name: 'Give its pins to others' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Give its pins to others' }).click()
    await page.getByText('All pins of three are allocated to other peers.').waitFor({ timeout: 30_000 })
    await pollUntil(async () => {
      const { unreachable, peers } = await cluster.rest('/health/pins') as {
        unreachable: number, peers: Array<{ peername: string, pins: number }>
      }
      return unreachable === 0 && peers.every(({ peername, pins }) => peername !== 'three' || pins === 0)
    }, { what: 'other holders' })
  })
})
