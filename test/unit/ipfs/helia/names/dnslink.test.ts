import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { decode, encode } from '@dnsquery/dns-packet'
import { DnsLink, pathOfEntry } from '../../../../../src/ipfs/helia/names/dnslink.ts'
import type { TxtAnswer, TxtLookup } from '../../../../../src/ipfs/helia/names/txt-lookup.ts'
import { firstOf, httpsTxt, systemTxt } from '../../../../../src/ipfs/helia/names/txt-resolvers.ts'
import { followName } from '../../../../../src/ipfs/names.ts'
import { makeNames } from '../../../../support/names.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const init = { cache: { size: 3, maxAgeMs: 3_600_000 }, timeoutMs: 10_000, concurrency: 2 }
const cid = 'bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am'
const signal = new AbortController().signal

/** A resolver out of a map, which notes what it is asked. */
function zone (entries: Record<string, TxtAnswer | Error>): { txt: TxtLookup, asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    txt: async name => {
      asked.push(name)
      const entry = entries[name.replace('_dnslink.', '')] ?? { texts: [], ttlSeconds: undefined }
      if (entry instanceof Error) throw entry
      return entry
    }
  }
}

const entry = (...texts: string[]): TxtAnswer => ({ texts, ttlSeconds: 60 })

describe('DNSLink', () => {
  it('is what the TXT entry of _dnslink says, other entries aside', async () => {
    const { txt, asked } = zone({ 'example.org': entry('v=spf1 -all', `dnslink=/ipfs/${cid}/a b/c`, 'dnslink=https://example.org') })
    const dnslink = new DnsLink(init, { txt, clock: new SimClock() })

    assert.deepEqual(await dnslink.resolve('Example.ORG.'), { value: `/ipfs/${cid}/a b/c`, ttlSeconds: 60 })
    assert.deepEqual(asked, ['_dnslink.example.org'])
  })

  it('reads old forms, and nothing else', () => {
    const forms: Array<[string, string | undefined]> = [
      [`dnslink=/ipfs/${cid}`, `/ipfs/${cid}`], ['dnslink=/ipns/example.org/a', '/ipns/example.org/a'], [`dnslink=${cid}`, `/ipfs/${cid}`],
      [cid, `/ipfs/${cid}`], [`/ipfs/${cid}/x`, `/ipfs/${cid}/x`],
      ['dnslink=/ipfs/nothing', undefined], ['dnslink=/ipns/', undefined], ['dnslink=/ipld/x', undefined], ['dnslink=', undefined],
      ['', undefined], ['DNSLINK=/ipns/x', undefined]
    ]

    for (const [text, path] of forms) assert.equal(pathOfEntry(text), path, text)
  })

  it('that is missing or double is told in the words of Kubo', async () => {
    const { txt, asked } = zone({ 'two.example': entry('dnslink=/ipns/a', 'dnslink=/ipns/b'), 'down.example': new Error('SERVFAIL') })
    const dnslink = new DnsLink(init, { txt, clock: new SimClock() })

    await assert.rejects(dnslink.resolve('None.example'), {
      code: 'NOT_FOUND',
      message: 'DNSLink lookup for "None.example." failed: could not resolve name: DNSLink lookup could not find a TXT record (https://docs.ipfs.tech/concepts/dnslink/)'
    })
    await assert.rejects(dnslink.resolve('two.example'), { code: 'INVALID_DATA', message: /more than one IPFS content path/ })
    await assert.rejects(dnslink.resolve('down.example'), {
      code: 'IPFS_UNAVAILABLE', message: 'DNSLink lookup for "down.example." failed: SERVFAIL'
    })
    await assert.rejects(new DnsLink(init, { txt: undefined, clock: new SimClock() }).resolve('example.org'), { code: 'UNSUPPORTED' })
    for (const odd of ['a b', '-a.example', 'a_.-', '😀.example', 'a/b', 'x'.repeat(64), `${'a.'.repeat(130)}a`]) {
      await assert.rejects(dnslink.resolve(odd), { code: 'NOT_FOUND' }, odd)
    }
    assert.deepEqual(asked, ['_dnslink.none.example', '_dnslink.two.example', '_dnslink.down.example'])
  })

  it('is kept for its TTL, and without one for a moment', async () => {
    const clock = new SimClock()
    const { txt, asked } = zone({
      'a.example': entry('dnslink=/ipns/x'), 'b.example': { texts: ['dnslink=/ipns/x'], ttlSeconds: undefined }
    })
    const dnslink = new DnsLink(init, { txt, clock })
    for (const name of ['a.example', 'b.example']) await dnslink.resolve(name)
    await clock.advance(9_500)
    assert.equal((await dnslink.resolve('a.example')).ttlSeconds, 50)
    assert.equal((await dnslink.resolve('b.example')).ttlSeconds, undefined)
    assert.equal(asked.length, 2)

    await clock.advance(1000)
    await dnslink.resolve('b.example')
    assert.equal(asked.length, 3)
    await clock.advance(50_000)
    await dnslink.resolve('a.example')
    await dnslink.resolve('a.example', { fresh: true })
    assert.equal(asked.length, 5)
  })

  it('that is missing, or could not be asked for, is not asked for again at once', async () => {
    const clock = new SimClock()
    const { txt, asked } = zone({ 'down.example': new Error('SERVFAIL') })
    const dnslink = new DnsLink(init, { txt, clock })
    const codes = async (fresh = false): Promise<unknown[]> =>
      Promise.all(['none.example', 'down.example'].map(async name => dnslink.resolve(name, { fresh }).catch(err => err.code)))

    for (const _ of [1, 2, 3]) assert.deepEqual(await codes(), ['NOT_FOUND', 'IPFS_UNAVAILABLE'])
    assert.equal(asked.length, 2)
    await codes(true)
    assert.equal(asked.length, 4)
    await clock.advance(10_000)
    await codes()
    assert.equal(asked.length, 6)
  })

  it('asks once for many, a few names at a time, and no longer than allowed', async () => {
    const clock = new SimClock()
    let running = 0
    let most = 0
    const asked: string[] = []
    const txt: TxtLookup = async (name, options) => {
      asked.push(name)
      most = Math.max(most, ++running)
      await clock.sleep(1e9, options.signal).finally(() => { running-- })
      return entry()
    }
    const dnslink = new DnsLink(init, { txt, clock })
    const gone = new AbortController()
    const impatient = assert.rejects(dnslink.resolve('a.example', { signal: gone.signal }), /gone/)
    const askers = ['a', 'a', 'b', 'c', 'd'].map(async name => dnslink.resolve(`${name}.example`).catch(err => err.code))
    await clock.settle()
    gone.abort(new Error('gone'))
    await impatient

    await clock.advance(10_000)

    assert.deepEqual(await Promise.all(askers), ['TIMEOUT', 'TIMEOUT', 'TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    assert.equal(most, 2)
    assert.equal(new Set(asked).size, asked.length)
    await clock.settle()
    assert.equal(running, 0)
  })

  it('leads on to keys and other domains, with the shortest TTL', async () => {
    const { txt } = zone({
      'a.example': entry('dnslink=/ipns/b.example/x'), 'b.example': { texts: [`dnslink=/ipfs/${cid}`], ttlSeconds: 7 },
      'c.example': entry('dnslink=/ipns/c.example')
    })
    const { names } = makeNames({}, { txt, clock: new SimClock() })

    assert.deepEqual(await followName('/ipns/a.example/y', names), { value: `/ipfs/${cid}/x/y`, ttlSeconds: 7 })
    await assert.rejects(followName('/ipns/c.example', names), { code: 'INVALID_DATA' })
  })
})

/** Answers of a DNS server, by name: pieces of TXT, or the number of an error. */
const answers: Record<string, string[][] | number> = {
  '_dnslink.a.example': [['v=spf1'], ['dnslink=', `/ipfs/${cid}`, `/${'x'.repeat(200)}`]],
  '_dnslink.none.example': 3,
  '_dnslink.empty.example': [],
  '_dnslink.down.example': 2
}

function answerTo (query: Uint8Array): Uint8Array {
  const { id, questions } = decode(query)
  const name = questions?.[0]?.name ?? ''
  const found = answers[name] ?? 3
  const texts = typeof found === 'number' ? [] : found
  return encode({
    type: 'response', id: id ?? 0, flags: typeof found === 'number' ? 0x80 | found : 0x80, questions: questions ?? [],
    answers: texts.map(data => ({ type: 'TXT', name, ttl: 33, data }))
  })
}

describe('DNS resolvers', async () => {
  const udp = createSocket('udp4')
  udp.on('message', (query, { port, address }) => udp.send(answerTo(query), port, address))
  udp.bind(0, '127.0.0.1')
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x')
    if (url.pathname === '/long') { response.end(Buffer.alloc(100_000)); return }
    if (url.pathname.startsWith('/sized/')) {
      const answer = Buffer.alloc(Number(url.pathname.slice('/sized/'.length)))
      answer.set(answerTo(Buffer.from(url.searchParams.get('dns') ?? '', 'base64url')))
      response.end(answer)
      return
    }
    if (url.pathname === '/moved') { response.writeHead(302, { location: '/dns-query' }).end(); return }
    if (url.pathname !== '/dns-query') { response.writeHead(500).end(); return }
    response.setHeader('content-type', 'application/dns-message')
    response.end(answerTo(Buffer.from(url.searchParams.get('dns') ?? '', 'base64url')))
  }).listen(0, '127.0.0.1')
  await Promise.all([once(udp, 'listening'), once(http, 'listening')])
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  after(() => { udp.close(); http.closeAllConnections(); http.close() })

  const resolvers: Array<[string, TxtLookup, number | undefined]> = [
    ['of the system', systemTxt([`127.0.0.1:${udp.address().port}`]), undefined], ['over HTTPS', httpsTxt(`${base}/dns-query`), 33]
  ]
  for (const [name, txt, ttlSeconds] of resolvers) {
    it(`${name} put long texts together and tell "nothing there" from "out of order"`, async () => {
      assert.deepEqual(
        await txt('_dnslink.a.example', { signal }), { texts: ['v=spf1', `dnslink=/ipfs/${cid}/${'x'.repeat(200)}`], ttlSeconds }
      )
      for (const none of ['none', 'empty']) {
        assert.deepEqual(await txt(`_dnslink.${none}.example`, { signal }), { texts: [], ttlSeconds: undefined })
      }
      await assert.rejects(txt('_dnslink.down.example', { signal }), { code: 'IPFS_UNAVAILABLE' })
      await assert.rejects(txt('_dnslink.a.example', { signal: AbortSignal.abort(new Error('gone')) }), /gone/)
    })
  }

  it('over HTTPS answer with 64 KiB at most', async () => {
    const sized = async (sizeBytes: number): Promise<number> => (
      await httpsTxt(`${base}/sized/${sizeBytes}`)('_dnslink.a.example', { signal })
    ).texts.length

    assert.equal(await sized(64 * 1024), 2)
    await assert.rejects(sized(64 * 1024 + 1), { code: 'IPFS_UNAVAILABLE' })
  })

  it('over HTTPS are not believed everything', async () => {
    for (const path of ['long', 'moved', 'broken']) {
      await assert.rejects(httpsTxt(`${base}/${path}`)('_dnslink.a.example', { signal }), { code: 'IPFS_UNAVAILABLE' }, path)
    }
  })

  it('are asked one after the other', async () => {
    const { texts } = await firstOf([httpsTxt(`${base}/broken`), httpsTxt(`${base}/dns-query`)])('_dnslink.a.example', { signal })

    assert.equal(texts.length, 2)
    await assert.rejects(firstOf([httpsTxt(`${base}/broken`)])('_dnslink.a.example', { signal }), { code: 'IPFS_UNAVAILABLE' })
  })
})
