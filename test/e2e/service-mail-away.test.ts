import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pollUntil } from '../support/poll.ts'
import type { ServicePeer } from '../support/service-peer.ts'
import { servicePeer } from '../support/service-peer.ts'
import { TestSmtp } from '../support/smtp-server.ts'

const password = 'a long enough password 1'
interface Answered { status: number, retryAfter: string | null, body: any } // any: JSON of whatever was asked

/** A peer whose users prove their address first, and a real mail server that comes and goes. */
describe('a service whose mail server goes away', { timeout: 90_000 }, () => {
  const smtp = new TestSmtp()
  let peer: ServicePeer

  before(async () => {
    await smtp.listen()
    peer = await servicePeer({
      registration: 'verified', mail: { smtp_url: `smtp://127.0.0.1:${smtp.port}`, from: 'service@example.com' }
    })
    await peer.start()
  }, { timeout: 60_000 })
  after(async () => {
    await peer?.remove()
    await smtp.close()
  })

  async function post (path: string, json: unknown, key?: string): Promise<Answered> {
    const response = await fetch(`${peer.service}/api/v1/users/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key == null ? {} : { 'x-api-key': key }) },
      body: JSON.stringify(json)
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }
  }
  const lettersTo = (email: string): string[] => smtp.received.filter(({ to }) => to === email).map(({ text }) => text)
  async function codeFor (email: string, letters = 1): Promise<string> {
    await pollUntil(() => lettersTo(email).length === letters, { withinMs: 30_000, what: `the letter to ${email}` })
    return /code is (\d{6})/.exec(lettersTo(email).at(-1) ?? '')?.[1] ?? ''
  }
  const statusWith = async (key: string): Promise<number> => (
    await fetch(`${peer.service}/api/v1/users/status`, { headers: { 'x-api-key': key } })
  ).status
  /** Registers, with the code from the letter; gives the key. */
  async function signUp (email: string): Promise<string> {
    assert.equal((await post('register', { email, password })).status, 202)
    const { status, body } = await post('verify', { email, verification_code: await codeFor(email) })
    assert.equal(status, 200, JSON.stringify(body))
    return body.data.api_key
  }

  it('refuses what needs a letter with 503 and Retry-After, does all else, and comes back by itself', async () => {
    const email = 'first@example.com'
    const key = await signUp(email)
    await smtp.close()

    const refused = [
      await post('register', { email: 'late@example.com', password }), await post('renew/challenge', { email }),
      await post('password/reset/challenge', { email }), await post('verify/challenge', { email }),
      // the same for an address that nobody has
      await post('renew/challenge', { email: 'nobody@example.com' })
    ]
    for (const { status, retryAfter, body } of refused) {
      assert.deepEqual([status, body.status, body.error, Number(retryAfter) >= 1], [503, 503, 'Service Unavailable', true])
      assert.ok(!/127\.0\.0\.1|ECONN/.test(body.message), body.message)
    }
    assert.equal(await statusWith(key), 200)
    assert.equal((await post('login', { email, password })).status, 200)
    assert.equal((await post('me/keys', { name: 'meanwhile' }, key)).status, 201)

    await smtp.listen()

    assert.equal(await statusWith(await signUp('late@example.com')), 200)
    assert.equal((await post('renew/challenge', { email })).status, 200)
    const renewed = await post('renew', { email, verification_code: await codeFor(email, 2) })
    assert.equal(await statusWith(renewed.body.data.api_key), 200)
    assert.equal(await statusWith(key), 403)
  })

  it('brings the letter that was promised before, once the server takes it again', async () => {
    const email = 'promised@example.com'
    // it answers when it is asked whether it is there, and takes nothing
    smtp.isFull = true
    assert.equal((await post('register', { email, password })).status, 202)
    await pollUntil(() => peer.log().includes('mail can not be sent'), { what: 'the first try' })
    await smtp.close()
    assert.equal((await post('register', { email: 'not-now@example.com', password })).status, 503)

    smtp.isFull = false
    await smtp.listen()

    const { status, body } = await post('verify', { email, verification_code: await codeFor(email) })
    assert.deepEqual([status, await statusWith(body.data.api_key)], [200, 200])
    assert.deepEqual(lettersTo('not-now@example.com'), [])
  })
})
