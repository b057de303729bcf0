import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { ServiceClient } from '../../src/client/service/service-client.ts'
import { buildWebIfStale } from '../../scripts/web-build.ts'
import { PageFaults } from './browser-faults.ts'
import { slowed } from './browser-slowness.ts'
import { underLock } from './browser-lock.ts'
import { freePorts } from './free-ports.ts'
import { peerProcess, runService } from './peer-process.ts'
import type { PeerProcess } from './peer-process.ts'
import { pollUntil } from './poll.ts'
import { anyEmail, serviceReady } from './service-peer.ts'

export { checkAccessible, shots } from './browser-checks.ts'

const root = join(import.meta.dirname, '../..')
const places = [
  process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'
].filter(path => path != null)
const chromium = places.find(path => existsSync(path))

/** Why there is no browser; false where there is one. */
export const browserSkip: string | false = chromium == null ? 'no Chromium: apt install chromium' : false

/** No test is stopped by them. */
const noLimits = { per_key: '', per_address: '', sign_up: '', login: '', code: '', per_account: '' }
const password = 'a long enough password 1'

export interface WebInit {
  /** Default: the service's pages. */
  site?: 'service' | 'cluster'
  /** Of `api.service`. */
  service?: Record<string, unknown>
  /** Of service.json, after all else. */
  change?: (json: any) => void // any: service.json
  /** Of the REST API. */
  credentials?: Record<string, string>
}

export interface WebUser { email: string, password: string, key: string, client: ServiceClient }

export interface OpenOptions {
  /** Already logged in; each user has a browser context of their own. */
  user?: WebUser
  scheme?: 'light' | 'dark'
  width?: number
  height?: number
  /** How many times slower than this machine. */
  cpuSlowdown?: number
  network?: '3g'
  /** Of the cluster's log-in. */
  credentials?: { username: string, password: string }
}

/** A real peer with web pages, and a browser. */
export interface Web {
  url: string
  /** The REST API's own address. */
  rest: string
  site: 'service' | 'cluster'
  peer: PeerProcess
  /** Signs somebody up. */
  user (options?: { email?: string, isAdmin?: boolean }): Promise<WebUser>
  open (path: string, options?: OpenOptions): Promise<Page>
  /** Errors that the pages may show in the console: those that the test brings about. */
  expectErrors (pattern: RegExp): void
  /** The peer goes away, and comes back on the same addresses. */
  stop (): Promise<void>
  start (): Promise<void>
  /** Rejects when a page had an error that nobody expected. */
  close (): Promise<void>
}

/** Builds the pages when they aren't current, starts a peer with them and a browser. */
export async function startWeb (init: WebInit = {}): Promise<Web> {
  await underLock('web-build', async () => buildWebIfStale(join(root, 'dist/web')))
  const { site = 'service' } = init
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const peer = await peerProcess(json => configure(json, init, port))
  const start = async (): Promise<void> => {
    await peer.start()
    if (site === 'service') await serviceReady(url)
    await pollUntil(
      async () => (await fetch(url, { method: 'HEAD' }).catch(() => undefined))?.status === 200, { withinMs: 30_000, what: 'the pages' }
    )
  }
  const [browser] = await Promise.all([launch(), start()])
  const isInvited = !['', 'open', undefined].includes(init.service?.registration as string | undefined)
  return new RunningWeb({ url, site, peer, browser, start, isInvited })
}

// any: service.json
function configure (json: any, { site = 'service', service = {}, change = () => {}, credentials }: WebInit, port: number): void {
  const http_listen_multiaddress = `/ip4/127.0.0.1/tcp/${port}`
  if (site === 'service') json.api.service = { http_listen_multiaddress, mail: { log: true }, rate_limits: noLimits, ...service }
  else json.api.webui = { http_listen_multiaddress }
  if (credentials != null) json.api.restapi.basic_auth_credentials = credentials
  change(json)
}

async function launch (): Promise<Browser> {
  const { chromium: driver } = await import('playwright-core')
  return driver.launch({
    executablePath: chromium ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update']
  })
}

interface RunningWebInit {
  url: string
  site: 'service' | 'cluster'
  peer: PeerProcess
  browser: Browser
  start: () => Promise<void>
  /** Nobody signs up by themselves. */
  isInvited: boolean
}

class RunningWeb implements Web {
  readonly url: string
  readonly site: 'service' | 'cluster'
  readonly peer: PeerProcess
  readonly #browser: Browser
  readonly #start: () => Promise<void>
  readonly #isInvited: boolean
  readonly #contexts = new Map<string, BrowserContext>()
  readonly #faults = new PageFaults()

  constructor ({ url, site, peer, browser, start, isInvited }: RunningWebInit) {
    this.#isInvited = isInvited
    this.url = url
    this.site = site
    this.peer = peer
    this.#browser = browser
    this.#start = start
  }

  get rest (): string { return this.peer.url }

  async user ({ email = anyEmail(), isAdmin = false }: { email?: string, isAdmin?: boolean } = {}): Promise<WebUser> {
    const client = new ServiceClient({ url: this.url })
    if (isAdmin || this.#isInvited) await this.#addAccount(email, isAdmin)
    else await client.account.register({ email, password })
    const key = await this.#keyOf(email)
    return { email, password, key, client: new ServiceClient({ url: this.url, key }) }
  }

  async open (path: string, options: OpenOptions = {}): Promise<Page> {
    const { width = 1280, height = 800, scheme = 'light', user, cpuSlowdown = 1, network } = options
    const page = await (await this.#contextOf(user)).newPage()
    this.#faults.watch(page)
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme: scheme })
    if (cpuSlowdown !== 1 || network != null) await slowed(page, { cpuSlowdown, network })
    await page.goto(this.url + path)
    if (options.credentials != null) await this.#loginCluster(page, options.credentials, path)
    return page
  }

  expectErrors (pattern: RegExp): void { this.#faults.expect(pattern) }

  async stop (): Promise<void> { await this.peer.end() }
  async start (): Promise<void> { await this.#start() }

  async close (): Promise<void> {
    await this.#browser.close().catch(() => {})
    await this.peer.remove()
    this.#faults.throwIfAny()
  }

  /** One context for all pages of a user; a fresh one for each page of nobody. */
  async #contextOf (user: WebUser | undefined): Promise<BrowserContext> {
    const known = user == null ? undefined : this.#contexts.get(user.email)
    if (known != null) return known
    const context = await this.#browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], reducedMotion: 'reduce' })
    context.setDefaultTimeout(15_000)
    if (user == null) return context
    this.#contexts.set(user.email, context)
    await this.#login(context, user)
    return context
  }

  /** As the log-in page does it, without its page. */
  async #login (context: BrowserContext, { email, password }: WebUser): Promise<void> {
    const page = await context.newPage()
    await page.goto(`${this.url}/login`)
    const status = await page.evaluate(async credentials => {
      const answer = await fetch('/api/v1/users/login', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(credentials)
      })
      localStorage.setItem('helia-cluster-user', JSON.stringify(credentials.email))
      return answer.status
    }, { email, password })
    await page.close()
    if (status !== 200) throw new Error(`nobody was logged in: ${status}`)
  }

  async #loginCluster (page: Page, { username, password }: { username: string, password: string }, path: string): Promise<void> {
    await page.getByLabel('User', { exact: true }).fill(username)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.waitForURL(url => url.pathname === new URL(path, this.url).pathname)
  }

  async #addAccount (email: string, isAdmin: boolean): Promise<void> {
    const { status, stderr } = await runService(
      ['-c', this.peer.folder, 'user', 'add', email, ...(isAdmin ? ['--admin'] : [])], {}, `${password}\n`
    )
    if (status !== 0) throw new Error(`no account was made: ${stderr}`)
  }

  /** Made with a session, as the Developer page does. */
  async #keyOf (email: string): Promise<string> {
    const answer = await fetch(`${this.url}/api/v1/users/login`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password })
    })
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    const made = await fetch(`${this.url}/api/v1/users/me/keys`, {
      method: 'POST', headers: { 'content-type': 'application/json', cookie, origin: this.url }, body: JSON.stringify({ name: 'test' })
    })
    const { data, message } = await made.json() as { data?: { api_key: string }, message?: string }
    if (data == null) throw new Error(`no key was made: ${message}`)
    return data.api_key
  }
}
