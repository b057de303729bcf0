import assert from 'node:assert/strict'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { publicOnly, publicUrl } from '../../../src/base/public-address.ts'
import type { Lookup } from '../../../src/base/public-address.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { EventRing } from '../../../src/events/event-ring.ts'
import { ConfiguredWebhooks } from '../../../src/events/webhooks/configured-webhooks.ts'
import { httpDelivery, webhookUrl } from '../../../src/events/webhooks/http-delivery.ts'
import type { Deliver, DeliveryRequest, DeliveryResult } from '../../../src/events/webhooks/webhook.ts'
import { deliveryRequest, newSecret, pauseAfter, signatureOf } from '../../../src/events/webhooks/webhook.ts'
import { SimClock } from '../../support/sim-clock.ts'

const signal = new AbortController().signal
const closing: Array<() => Promise<unknown>> = []
afterEach(async () => { for (const close of closing.splice(0)) await close() })

/** A server on this machine; gives its port and what came. */
async function receiver (listener: RequestListener = (_request, response) => { response.end() }) {
  const came: Array<{ headers: IncomingHttpHeaders, body: string }> = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      came.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
      listener(request, response)
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => { server.close(resolve) })
  })
  return { port: (server.address() as AddressInfo).port, came }
}

const requestTo = (url: string, secret = 'whsec_c2VjcmV0'): DeliveryRequest =>
  deliveryRequest({
    url: new URL(url), secret, id: 'd1', events: [{ id: '7', at: 0, type: 'pin.status', data: { cid: 'bafy' } }], now: 1_700_000_000_500
  })

describe('the signature of a delivery', () => {
  it('is that of the Standard Webhooks specification', () => {
    // the example of the specification's reference libraries
    const signed = signatureOf(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }
    )

    assert.equal(signed, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  it('covers id, time and body', () => {
    const parts = { id: 'a', timestamp: 1, body: 'b' }
    const others = [
      { ...parts, id: 'x' }, { ...parts, timestamp: 2 }, { ...parts, body: 'c' }
    ].map(one => signatureOf('whsec_c2VjcmV0', one))

    assert.ok(!others.includes(signatureOf('whsec_c2VjcmV0', parts)))
    assert.match(newSecret(systemRandom), /^whsec_[A-Za-z0-9+/]{32}$/)
  })
})

describe('sending', () => {
  it('posts the events with their signature', async () => {
    const { port, came } = await receiver()
    const result = await httpDelivery({ privateAllowed: true }, { clock: systemClock })(
      requestTo(`http://127.0.0.1:${port}/hook?x=1`), { signal }
    )

    assert.deepEqual([result.status, result.error], [200, null])
    const { headers, body } = came[0] ?? { headers: {}, body: '' }
    assert.deepEqual(JSON.parse(body), {
      id: 'd1', events: [{ id: '7', type: 'pin.status', at: '1970-01-01T00:00:00.000Z', data: { cid: 'bafy' } }]
    })
    assert.deepEqual(
      [headers['webhook-id'], headers['webhook-timestamp'], headers['content-type']], ['d1', '1700000000', 'application/json']
    )
    assert.equal(headers['webhook-signature'], signatureOf('whsec_c2VjcmV0', { id: 'd1', timestamp: 1_700_000_000, body }))
  })

  it('reports what is no success, and follows no redirect', async () => {
    const elsewhere = await receiver()
    const { port } = await receiver((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${elsewhere.port}/` }).end()
    })
    const result = await httpDelivery({ privateAllowed: true }, { clock: systemClock })(requestTo(`http://127.0.0.1:${port}/`), { signal })

    assert.deepEqual([result.status, result.error, elsewhere.came.length], [302, 'it answers 302', 0])
  })

  it('gives up a receiver that does not answer', async () => {
    const clock = new SimClock()
    const { port, came } = await receiver(() => {})
    const sending = httpDelivery({ privateAllowed: true }, { clock })(requestTo(`http://127.0.0.1:${port}/`), { signal })
    while (came.length === 0) await new Promise(resolve => setImmediate(resolve))
    await clock.advance(10_001)

    assert.deepEqual(await sending, { status: null, error: 'no answer within 10 s', tookMs: 10_000 })
  })

  it('reads no answer without end', async () => {
    const { port } = await receiver((_request, response) => {
      const more = (): void => { if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more)) }
      more()
    })
    const result = await httpDelivery({ privateAllowed: true }, { clock: systemClock })(requestTo(`http://127.0.0.1:${port}/`), { signal })

    assert.equal(result.status, 200)
  })

  it('goes to no address of a private network: not by its number, its name, or a name that leads elsewhere by then', async () => {
    const { port, came } = await receiver()
    const asked: string[] = []
    const lookup: Lookup = (name, _options, done) => {
      asked.push(name)
      done(null, [{ address: '127.0.0.1', family: 4 }])
    }
    const deliver = httpDelivery({ privateAllowed: false }, { clock: systemClock, lookup })
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', 'rebound.example', 'localhost']) {
      const { status, error } = await deliver(requestTo(`http://${host}:${port}/`), { signal })
      assert.equal(status, null, host)
      assert.match(error ?? '', /private network/, host)
    }
    assert.deepEqual([came.length, asked], [0, ['rebound.example', 'localhost']])
  })

  it('goes nowhere when a name leads to a public and to a private address, or to one of this machine', async () => {
    const own = (): string[] => ['203.0.113.7']
    for (const answers of [
      ['93.184.215.14', '127.0.0.1'], ['2606:2800:21f::1', '::ffff:10.0.0.1'], ['203.0.113.7'], ['0.0.0.0'], ['64:ff9b::169.254.169.254'],
      []
    ]) {
      const guarded = publicOnly(
        (_name, _options, done) => { done(null, answers.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))) }, own
      )
      const told = await new Promise<unknown>(resolve => {
        guarded('a.example', { all: true }, (err, addresses) => { resolve(err ?? addresses) })
      })
      assert.ok(isClusterError(told, 'INVALID_ARGUMENT'), answers.join())
    }
    assert.throws(
      () => publicUrl('http://203.0.113.7/', { what: 'the address', privateAllowed: false, own }),
      err => isClusterError(err, 'INVALID_ARGUMENT')
    )
  })

  it('takes an answer that changes the protocol for none', async () => {
    const server = createTcpServer(socket => {
      socket.on('error', () => {}).once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n')
      })
    })
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    closing.push(async () => new Promise(resolve => { server.close(resolve) }))
    const deliver = httpDelivery({ privateAllowed: true }, { clock: systemClock })

    const { status, tookMs } = await deliver(requestTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), { signal })

    assert.ok(status == null || status === 101, `${status}`)
    assert.ok(tookMs < 9000, `${tookMs}`)
  })

  it('dials the address that was checked, and asks no second time', async () => {
    const answers = ['93.184.215.14', '127.0.0.1']
    const guarded = publicOnly((_name, _options, done) => { done(null, [{ address: answers.shift() ?? '', family: 4 }]) })
    const first = await new Promise<unknown>((resolve, reject) => {
      guarded('a.example', { all: false }, (err, address) => { if (err == null) resolve(address); else reject(err) })
    })
    const second = await new Promise<unknown>(resolve => { guarded('a.example', { all: false }, err => { resolve(err) }) })

    assert.equal(first, '93.184.215.14')
    assert.ok(isClusterError(second, 'INVALID_ARGUMENT'))
  })

  it('refuses addresses that are none', () => {
    for (const wrong of [
      '', 'example.com', 'ftp://example.com', 'javascript:alert(1)', 'https://user:pass@example.com', 'http://10.1.2.3/',
      'http://[fe80::1]/'
    ]) {
      assert.throws(() => webhookUrl(wrong, { privateAllowed: false }), err => isClusterError(err, 'INVALID_ARGUMENT'), wrong)
    }
    assert.equal(webhookUrl('https://example.com/hook?key=1', { privateAllowed: false }).href, 'https://example.com/hook?key=1')
  })
})

describe('tries', () => {
  it('come after longer and longer pauses, half a day in all', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map(pauseAfter)
    const sum = pauses.reduce<number>((all, pause) => all + (pause ?? 0), 0)

    assert.ok(pauses.every((pause, at) => pause != null && (at === 0 || pause > (pauses[at - 1] ?? 0))))
    assert.ok(sum > 10 * 3_600_000 && sum < 13 * 3_600_000)
    assert.equal(pauseAfter(9), undefined)
  })
})

describe('webhooks of the configuration', () => {
  function configured (answers: Array<number | null>, { types = [] as string[], urls = ['https://example.com/hook?token=secret'] } = {}) {
    const clock = new SimClock()
    const ring = new EventRing({ maxEvents: 500, maxReaders: 10 }, { clock })
    const sent: DeliveryRequest[] = []
    const deliver: Deliver = async request => {
      sent.push(request)
      const status = answers.shift() ?? 200
      return { status, error: status === 200 ? null : 'no', tookMs: 1 } satisfies DeliveryResult
    }
    const webhooks = new ConfiguredWebhooks({ urls, secret: 'whsec_c2VjcmV0', types }, { feed: ring, deliver, clock, log: silentLogger })
    closing.push(() => webhooks.stop())
    const told = (): string[][] =>
      sent.map(({ body }) => (JSON.parse(body) as { events: Array<{ type: string }> }).events.map(({ type }) => type))
    return { clock, ring, sent, told, webhooks }
  }

  it('send what was wanted, in order', async () => {
    const { clock, ring, told, webhooks } = configured([], { types: ['pin'] })
    await webhooks.start()
    for (const type of ['pin.put', 'alert', 'pin.status']) ring.add(type, {})
    await clock.advance(50)

    assert.deepEqual(told(), [['pin.put', 'pin.status']])
  })

  it('try again until it is there, with the same id, and go on with the next only then', async () => {
    const { clock, ring, sent, told, webhooks } = configured([500, 500])
    await webhooks.start()
    ring.add('a', {})
    await clock.advance(50)
    ring.add('b', {})
    await clock.advance(4000)
    assert.deepEqual([told(), webhooks.list()[0]?.failures], [[['a']], 1])

    await clock.advance(40_000)
    assert.deepEqual(told(), [['a'], ['a'], ['a'], ['b']])
    assert.equal(new Set(sent.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size, 1)
    assert.deepEqual(
      webhooks.list().map(({ url, failures, nextTryAt, missed }) => [url, failures, nextTryAt, missed]),
      [['https://example.com/hook?…', 0, null, false]]
    )
    assert.deepEqual(
      webhooks.list()[0]?.deliveries.map(({ status, attempt }) => [status, attempt]), [[200, 1], [200, 3], [500, 2], [500, 1]]
    )
  })

  it('tell that events were lost while a receiver was away for too long', async () => {
    const { clock, ring, webhooks } = configured(Array.from({ length: 3 }, () => null))
    await webhooks.start()
    ring.add('first', {})
    await clock.advance(50)
    for (let n = 0; n < 2000; n++) ring.add(`e.${n}`, {})
    await clock.advance(600_000)

    assert.equal(webhooks.list()[0]?.missed, true)
  })

  it('send a test when they are told to', async () => {
    const { told, webhooks } = configured([204, 404])

    assert.equal((await webhooks.test(0, { signal })).status, 204)
    assert.equal((await webhooks.test(0, { signal })).status, 404)
    assert.deepEqual(told(), [['test'], ['test']])
    await assert.rejects(webhooks.test(1, { signal }), err => isClusterError(err, 'NOT_FOUND'))
  })

  it('stop at once, also between two tries', async () => {
    const { clock, ring, webhooks } = configured([500, 500, 500])
    await webhooks.start()
    ring.add('a', {})
    await clock.advance(50)

    await webhooks.stop()

    assert.equal(clock.pending, 0)
  })
})
