import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, checkAccessible, shots, startWeb } from '../support/browser.ts'
import type { Web, WebUser } from '../support/browser.ts'
import { pollUntil } from '../support/poll.ts'

describe('Administration', { skip: browserSkip, timeout: 120_000 }, () => {
  let web: Web
  let root: WebUser
  let anna: WebUser
  before(async () => {
    web = await startWeb()
    root = await web.user({ email: 'root@example.com', isAdmin: true })
    anna = await web.user({ email: 'anna@example.com' })
  })
  after(async () => web?.close())

  const idOf = async (email: string): Promise<string> => (await root.client.admin.users({ q: email })).data[0]?.id ?? ''

  it('is for admins alone', async () => {
    const page = await web.open('/dashboard', { user: anna })
    await page.getByRole('heading', { level: 1 }).waitFor()

    assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0)
    await page.goto(`${web.url}/admin/users`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    assert.equal(await page.getByRole('row', { name: /root@example\.com/ }).count(), 0)
  })

  it('finds a user, changes the quota and suspends', async () => {
    const page = await web.open('/admin/users', { user: root })
    await page.getByRole('row', { name: /root@example\.com/ }).waitFor()
    await page.getByRole('searchbox', { name: 'Search by address' }).fill('ANNA')
    await page.getByRole('row', { name: /root@example\.com/ }).waitFor({ state: 'detached' })
    await checkAccessible(page)
    await shots(page, 'users')

    await page.getByRole('link', { name: 'anna@example.com' }).click()
    await page.getByRole('heading', { level: 1, name: 'anna@example.com' }).waitFor()
    await page.getByLabel('New quota').fill('2.5')
    await page.getByRole('button', { name: 'Change quota' }).click()
    await page.getByText('of 2.5 GiB').first().waitFor()
    await page.getByRole('row', { name: /Quota changed/ }).waitFor()
    await page.getByRole('button', { name: 'Suspend' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click()
    await page.getByText('Suspended', { exact: true }).first().waitFor()
    await checkAccessible(page)
    await shots(page, 'user')

    assert.equal((await root.client.admin.user(await idOf('anna'))).quota_bytes, 2.5 * 2 ** 30)
    assert.equal((await fetch(`${web.url}/api/v1/files`, { headers: { 'x-api-key': anna.key } })).status, 403)
    await page.getByRole('button', { name: 'End suspension' }).click()
    await page.getByRole('button', { name: 'Suspend' }).waitFor()
    assert.equal((await fetch(`${web.url}/api/v1/files`, { headers: { 'x-api-key': anna.key } })).status, 200)
  })

  it('invites somebody with a link that fills in the invitation', async () => {
    const page = await web.open('/admin/users', { user: root })
    await page.getByRole('button', { name: 'Invite' }).click()
    const dialog = page.getByRole('dialog', { name: 'Invite somebody' })
    await dialog.getByLabel('E-mail address').fill('ben@example.com')
    await dialog.getByRole('button', { name: 'Make invitation' }).click()
    const made = page.getByRole('dialog', { name: 'Your invitation' })
    const address = /http\S+\/register\?invite=\S+/.exec(await made.innerText())?.[0] ?? ''

    assert.ok(address.startsWith(`${web.url}/register?invite=`), address)
    await checkAccessible(page)
    await shots(page, 'invite')

    await made.getByRole('button', { name: 'Done' }).click()
    const row = page.getByRole('table', { name: 'Invitations' }).getByRole('row', { name: /ben@example\.com/ })
    await row.getByRole('button', { name: 'Revoke the invitation for ben@example.com' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No invitation is open.').waitFor()
    await page.getByLabel('Show used, expired and revoked ones').check()
    await row.getByText('Revoked', { exact: true }).waitFor()
    await checkAccessible(page)
    assert.deepEqual((await root.client.admin.invites()).data.map(({ email, state }) => [email, state]), [['ben@example.com', 'revoked']])
  })

  it('sorts users by what they use and when they were last seen, and keeps that in the address', async () => {
    const page = await web.open('/admin/users', { user: root })
    const users = page.getByRole('table', { name: 'Users' })
    const first = users.getByRole('row').nth(1)
    await first.getByRole('link', { name: 'anna@example.com' }).waitFor()
    await page.getByRole('button', { name: 'Address' }).click()
    await first.getByRole('link', { name: 'root@example.com' }).waitFor()
    assert.equal(await users.getByRole('columnheader', { name: 'Address' }).getAttribute('aria-sort'), 'descending')
    for (
      const [name, sort] of [
        ['Storage', '-used_bytes'], ['Last seen', '-last_seen_at'], ['State', 'state'], ['Since', '-created_at']
      ] as const
    ) {
      await page.getByRole('button', { name }).click()
      await page.waitForURL(url => url.searchParams.get('sort') === sort)
    }
    await page.reload()
    await pollUntil(
      async () => await users.getByRole('columnheader', { name: 'Since' }).getAttribute('aria-sort') === 'descending',
      { what: 'the sort after a reload' }
    )
    await checkAccessible(page)
  })

  it('shows tasks to their owner, with what came of them', async () => {
    const ben = await web.user({ email: 'ben@example.net' })
    const { task_id: id } = await ben.client.files.deleteWhere({})
    await pollUntil(async () => (await ben.client.tasks.status(id)).state === 'SUCCESS', { what: 'the deletion' })
    await ben.client.account.export()
    const page = await web.open('/tasks', { user: ben })

    const row = page.getByRole('row', { name: /Delete files/ })
    await row.getByText('0 deleted').waitFor()
    const exported = page.getByRole('row', { name: /Export the account/ })
    const [download] = await Promise.all(
      [page.waitForEvent('download'), exported.getByRole('link', { name: 'Download the export' }).click()]
    )
    const text = Buffer.concat(await Array.fromAsync(await download.createReadStream())).toString()
    assert.match(text, /ben@example\.net/)
    await checkAccessible(page)
    await shots(page, 'tasks')
    // the next one shows up by itself
    await ben.client.files.deleteWhere({ q: 'nothing of this name' })
    await pollUntil(
      async () => await page.getByRole('row', { name: /Delete files/ }).count() === 2,
      { withinMs: 10_000, what: 'the new task on the page' }
    )
  })

  it('shows everybody\'s tasks to admins, and stops one that waits', async () => {
    // its endpoint never answers in time: the task is begun again and again
    const { task_id: id } = await anna.client.pins.import({ endpoint: 'https://pins.invalid/psa', token: 'x' })
    const page = await web.open('/admin/tasks', { user: root })
    await page.getByLabel('Kind').selectOption({ label: 'Import pins from another service' })
    const row = page.getByRole('row', { name: /Import pins from another service/ })
    await row.getByText('anna@example.com').waitFor()
    await checkAccessible(page)
    await shots(page, 'admin-tasks')

    const { state } = await anna.client.tasks.status(id)
    if (state === 'PENDING' || state === 'STARTED') {
      await row.getByRole('button', { name: /^Stop/ }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Stop the task' }).click()
      await row.getByText('Stopped').waitFor()
      assert.equal((await anna.client.tasks.status(id)).state, 'REVOKED')
    } else await row.getByText('Failed').waitFor()
  })
})
