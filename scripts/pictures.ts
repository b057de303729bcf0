/**
 * Makes the pictures of README and guide: pages of real peers with example content, as a reader sees them. `npm run pictures` (`-- NAME …` for some of them); they are
 * written to docs/pictures as WebP.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { messageOf } from '../src/base/errors.ts'
import { browserSkip, startWeb } from '../test/support/browser.ts'
import type { Web, WebUser } from '../test/support/browser.ts'
import type { PeerProcess } from '../test/support/peer-process.ts'
import { examplePeers, exampleService, twoCopies } from './pictures-content.ts'

interface Picture {
  name: string
  path: string
  scheme?: 'light' | 'dark'
  width?: number
  height?: number
  /** Nobody is logged in. */
  isGuest?: boolean
  /** What is done before the picture is taken. */
  until (page: Page): Promise<unknown>
}

const folder = join(import.meta.dirname, '../docs/pictures')
const heading = async (page: Page): Promise<unknown> => page.getByRole('heading', { level: 1 }).waitFor()
const inTable = (text: RegExp) => async (page: Page): Promise<unknown> => page.getByRole('row', { name: text }).first().waitFor()

/** `send` is the path of an upload link's page. */
const pictures = ({ send }: { send: string }): Picture[] => [
  { name: 'dashboard', path: '/dashboard', height: 900, until: settled('Storage') },
  { name: 'dashboard-dark', path: '/dashboard', height: 900, scheme: 'dark', until: settled('Storage') },
  { name: 'files', path: '/files', until: inList('holiday') },
  { name: 'files-phone', path: '/files', width: 390, height: 780, until: inList('holiday') },
  { name: 'links', path: '/links', height: 620, until: inTable(/anniversary/) },
  { name: 'send-phone', path: send, width: 390, height: 780, isGuest: true, until: heading },
  { name: 'developer', path: '/developer', height: 960, until: inTable(/office server/) },
  { name: 'docs', path: '/docs/api#postGroups', height: 1000, until: tried },
  { name: 'cluster', path: '/cluster', height: 1000, until: inTable(/berlin.*Up/) },
  { name: 'cluster-dark', path: '/cluster', height: 1000, scheme: 'dark', until: inTable(/berlin.*Up/) }
]

function settled (text: string): Picture['until'] {
  return async page => page.getByText(text).first().waitFor()
}

function inList (text: string): Picture['until'] {
  return async page => page.getByText(text).first().waitFor()
}

async function tried (page: Page): Promise<unknown> {
  const call = page.locator('details[open]').first()
  await call.getByRole('button', { name: 'Try it' }).click()
  await call.getByRole('textbox', { name: 'Body' }).fill('{\n  "name": "Music"\n}')
  await call.getByRole('button', { name: 'Send' }).click()
  await call.getByText('201 Created').waitFor()
  await page.evaluate(() => scrollBy(0, 10_000))
  return call.getByText('The same with curl').evaluate(element => element.scrollIntoView({ block: 'end' }))
}

/** What runs, so that it ends whatever happens. */
interface Running { web: Web, others: PeerProcess[], admin: WebUser, send: string }

async function prepare (): Promise<Running> {
  const web = await startWeb({ change: json => { Object.assign(json.cluster, { ...twoCopies, peername: 'berlin' }) } })
  const others: PeerProcess[] = []
  try {
    others.push(...await examplePeers(web.peer, ['lisbon', 'oslo']))
    const admin = await web.user({ email: 'anna@example.com', isAdmin: true })
    const { send } = await exampleService(web, admin)
    return { web, others, admin, send }
  } catch (err) {
    await end({ web, others })
    throw err
  }
}

async function end ({ web, others }: Pick<Running, 'web' | 'others'>): Promise<void> {
  await Promise.all(others.map(async peer => peer.remove()))
  await web.close()
}

async function take ({ web, admin }: Running, { name, path, scheme = 'light', width = 1280, height = 800, isGuest = false, until }: Picture): Promise<number> {
  const page = await web.open(path, { scheme, width, height, ...(isGuest ? {} : { user: admin }) })
  await heading(page)
  await until(page)
  await page.waitForLoadState('networkidle').catch(() => {}) // a page with events never is
  const debug = await page.context().newCDPSession(page)
  const { data } = await debug.send('Page.captureScreenshot', { format: 'webp', quality: 80 })
  await page.close()
  const bytes = Buffer.from(data, 'base64')
  await writeFile(join(folder, `${name}.webp`), bytes)
  return bytes.length
}

async function main (wanted: readonly string[]): Promise<void> {
  if (browserSkip !== false) throw new Error(browserSkip)
  await mkdir(folder, { recursive: true })
  const running = await prepare()
  try {
    const all = pictures(running)
    for (const picture of all.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
      console.log(`${picture.name}.webp: ${Math.round(await take(running, picture) / 1024)} KiB`)
    }
    const known = new Set(all.map(({ name }) => `${name}.webp`))
    for (const file of await readdir(folder)) if (!known.has(file)) await rm(join(folder, file))
  } finally {
    await end(running)
  }
}

try {
  await main(process.argv.slice(2))
} catch (err) {
  console.error(messageOf(err))
  process.exitCode = 1
}
