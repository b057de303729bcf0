import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browserSkip, startWeb } from '../support/browser.ts'
import type { Web } from '../support/browser.ts'

describe('what the pages may do', { skip: browserSkip, timeout: 180_000 }, () => {
  let web: Web
  before(async () => { web = await startWeb() })
  after(async () => { await web.close() })

  it('is said by a strict policy, on every page', async () => {
    const response = await fetch(`${web.url}/login`)
    const policy = new Map(
      (response.headers.get('content-security-policy') ?? '').split('; ').map(
        part => [part.slice(0, part.indexOf(' ')), part.slice(part.indexOf(' ') + 1)]
      )
    )

    assert.equal(policy.get('default-src'), "'none'")
    for (const name of ['script-src', 'style-src', 'connect-src', 'form-action']) assert.equal(policy.get(name), "'self'", name)
    for (const name of ['object-src', 'base-uri', 'frame-ancestors']) assert.equal(policy.get(name), "'none'", name)
    assert.doesNotMatch([...policy.values()].join(' '), /unsafe|\*|https?:(?!\/\/)/)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
  })

  it('keeps out scripts and styles that are written into a document, handlers, eval, and other hosts', async () => {
    web.expectErrors(/violates the following|Content Security Policy|Refused to|blocked|404 \(Not Found\).*\/no$|EvalError/i)
    const page = await web.open('/')
    await page.getByRole('heading', { level: 1 }).waitFor()

    const ran = await page.evaluate(async () => {
      const marks: string[] = []
      Object.assign(globalThis, { mark: (name: string) => { marks.push(name) } })
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', event => { violations.push(event.effectiveDirective) })
      const script = document.createElement('script')
      script.textContent = 'mark("inline script")'
      document.body.append(script)
      const holder = document.createElement('div')
      holder.innerHTML =
        '<img src="/no" onerror="mark(\'handler\')"><p style="color: rgb(1, 2, 3)">text</p><a href="javascript:mark(\'url\')">x</a><iframe srcdoc="<script>parent.mark(\'frame\')</script>"></iframe>'
      document.body.append(holder)
      const style = document.createElement('style')
      style.textContent = 'h1 { color: rgb(1, 2, 3) }'
      document.body.append(style)
      const indirect = globalThis as unknown as { eval: (text: string) => void }
      // what the debugger itself calls may do anything: a timer is the page's own
      setTimeout(() => { indirect.eval('mark("eval")') })
      holder.querySelector('a')?.click()
      const elsewhere = await fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused')
      await new Promise(resolve => { setTimeout(resolve, 200) })
      const heading = document.querySelector('h1')
      const colours = [heading, holder.querySelector('p')].map(one => one == null ? '' : getComputedStyle(one).color)
      return { marks, colours, elsewhere, violations: [...new Set(violations)].toSorted() }
    })

    assert.deepEqual(ran.marks, [])
    assert.ok(!ran.colours.includes('rgb(1, 2, 3)'), ran.colours.join(' '))
    assert.equal(ran.elsewhere, 'refused')
    for (const directive of ['script-src-elem', 'script-src-attr', 'style-src-elem', 'style-src-attr', 'connect-src']) {
      assert.ok(ran.violations.includes(directive), `${directive}: ${ran.violations.join(' ')}`)
    }
  })

  it('lets nobody show them in a frame', async () => {
    const response = await fetch(`${web.url}/dashboard`)

    assert.equal(response.headers.get('x-frame-options'), 'DENY')
  })

  it('keeps stored content away from the session, though it is on the same host', async () => {
    const user = await web.user()
    const attack = `<!doctype html><title>attack</title><script>
      fetch('/api/v1/users/status').then(r => r.status, () => 'refused').then(status => { document.title = 'asked ' + status })
    </script>`
    const { cid } = await user.client.files.upload({ path: 'attack.html', content: new Blob([attack], { type: 'text/html' }) })
    web.expectErrors(/sandboxed|CORS|ERR_FAILED|Blocked script|ipfs.*401 \(Unauthorized\)/i)
    const page = await web.open('/dashboard', { user })
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()

    await page.goto(`${web.url}/ipfs/${cid}`)
    await page.waitForFunction(() => document.readyState === 'complete')
    const title = await page.title()

    assert.notEqual(title, 'asked 200')
  })

  it('has files that stay the same for ever, and documents that are asked for each time', async () => {
    const page = await fetch(`${web.url}/`)
    const [asset = ''] = /\/assets\/index-[\w-]+\.js/.exec(await page.text()) ?? []
    const file = await fetch(web.url + asset)
    const again = await fetch(`${web.url}/`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })
    const answers = await Promise.all(
      ['/assets/none.js', '/nothing', '/api/v1/none', '/assets/..%2fpages.json'].map(async path => (await fetch(web.url + path)).status)
    )

    assert.deepEqual(
      [page.headers.get('cache-control'), file.headers.get('cache-control'), again.status],
      ['no-cache', 'public, max-age=31536000, immutable', 304]
    )
    assert.deepEqual(answers, [404, 404, 404, 404])
  })
})
