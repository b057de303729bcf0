import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { sha256 } from 'multiformats/hashes/sha2'
import { placeOfCid } from '../../../../src/ipfs/compact-denylist/place.ts'
import { parseRuleLine } from '../../../../src/ipfs/compact-denylist/rule-line.ts'
import type { Rule } from '../../../../src/ipfs/compact-denylist/rule-line.ts'
import { Rules } from '../../../../src/ipfs/compact-denylist/rules.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { denyLists } from '../../../support/deny-lists.ts'
import type { DenyLists } from '../../../support/deny-lists.ts'
import { quietMs } from '../../../support/poll.ts'
import { busyMs } from '../../../support/busy-time.ts'

const cidOf = async (text: string): Promise<CID> => CID.createV1(0x70, await sha256.digest(Buffer.from(text)))
const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(cidOf)) as [CID, CID, CID]
const v0 = (cid: CID): string => CID.createV0(cid.multihash as any).toString() // any: the digest's type doesn't say sha2-256
const hex = (text: string): string => createHash('sha256').update(text).digest('hex')
const doubled = async (text: string): Promise<string> => base58btc.encode((await sha256.digest(Buffer.from(text))).bytes).slice(1)

const opened: DenyLists[] = []
after(async () => { for (const lists of opened) await lists.close() })

/** Which of the paths are denied by a list of these lines. */
async function deniedOf (lines: readonly string[], paths: readonly string[]): Promise<string[]> {
  const lists = await denyLists(lines)
  opened.push(lists)
  return paths.filter(path => lists.denylist.checkPath(path) != null)
}

describe('rules of a denylist', { timeout: quietMs(20_000) }, () => {
  it('denies a CID in every version, codec and base, and what is below it', async () => {
    const paths = [
      `/ipfs/${v0(a)}`, `/ipfs/${a}`, `/ipfs/${CID.createV1(0x55, a.multihash)}`, `/ipfs/${a.toString(base58btc)}`, `/ipld/${a}`,
      `/ipfs/${a}/x/y`, `/ipfs/${a}/`, String(a)
    ]

    assert.deepEqual(await deniedOf([`/ipfs/${v0(a)}`], paths), paths)
    assert.deepEqual(await deniedOf([`/ipfs/${a}`], paths), paths)
    assert.deepEqual(await deniedOf([String(a)], paths), paths)
    assert.deepEqual(await deniedOf([`/ipfs/${a}`], [`/ipfs/${b}`, `/ipns/${a}`]), [])
  })

  it('denies one path exactly, and beginnings of paths with a star', async () => {
    const exact = await deniedOf(
      [`/ipfs/${a}/one%20two/x`],
      [`/ipfs/${a}/one two/x`, `/ipfs/${v0(a)}/one two/x/`, `/ipfs/${a}`, `/ipfs/${a}/one two`, `/ipfs/${a}/one two/x/y`]
    )
    const starred = await deniedOf(
      [`/ipfs/${a}/test*`, `/ipfs/${b}/test/*`],
      [a, b].flatMap(cid => ['/test', '/test2', '/test/one', '', '/tes', '/one/test'].map(path => `/ipfs/${cid}${path}`))
    )

    assert.deepEqual(exact, [`/ipfs/${a}/one two/x`, `/ipfs/${v0(a)}/one two/x/`])
    assert.deepEqual(starred, [a, b].flatMap(cid => ['/test', '/test2', '/test/one'].map(path => `/ipfs/${cid}${path}`)))
    assert.deepEqual(await deniedOf([`/ipfs/${a}/*`], [`/ipfs/${a}`, `/ipfs/${a}/any`, `/ipfs/${b}`]), [`/ipfs/${a}`, `/ipfs/${a}/any`])
    assert.deepEqual(await deniedOf([`/ipfs/${a}/100%2A`], [`/ipfs/${a}/100*`, `/ipfs/${a}/100x`]), [`/ipfs/${a}/100*`])
  })

  it('lets the last rule win, with + - and ! for what is allowed', async () => {
    const paths = ['/no', '/no1', '/no2', '/no3'].map(path => `/ipfs/${a}${path}`)

    assert.deepEqual(await deniedOf([`/ipfs/${a}/no*`, `!/ipfs/${a}/no1`, `+/ipfs/${a}/no2`, `-/ipfs/${a}/no3*`], paths), [`/ipfs/${a}/no`])
    assert.deepEqual(await deniedOf([`!/ipfs/${a}/no1`, `/ipfs/${a}/no*`], paths), paths)
    assert.deepEqual(
      await deniedOf(
        [`/ipfs/${a}`, `!/ipfs/${a}`, '/ipns/x.example', '!/ipns/x.example', '/ipns/x.example'], [`/ipfs/${a}`, '/ipns/x.example']
      ),
      ['/ipns/x.example']
    )
  })

  it('allows no path below a denied root: its block is needed for it', async () => {
    assert.deepEqual(await deniedOf([`/ipfs/${a}/*`, `!/ipfs/${a}/fine`], [`/ipfs/${a}/fine`]), [`/ipfs/${a}/fine`])
  })

  it('denies names: keys in every form, domains in any case and as one label', async () => {
    const key = [
      'k51qzi5uqu5dhmzyv3zac033i7rl9hkgczxyl81lwoukda2htteop7d3x0y1mf', 'bafzaajaiaejcaotjfs57kieazxny5japcmy5p2pgv2cic77tu6ogghttvurnrufx',
      '12D3KooWDkNqEJNmreF3NYYFK1ws7Ra2fuW6cHBTu567SPV3LdYA'
    ].map(text => `/ipns/${text}`)
    const domain = ['/ipns/one-two.example', '/ipns/One-Two.example', '/ipns/one--two-example', '/ipns/one-two.example/below']

    for (const rule of key) assert.deepEqual(await deniedOf([rule], key), key)
    assert.deepEqual(await deniedOf(['/ipns/one-two.example'], [...domain, '/ipns/one.two.example', '/ipns/two.example']), domain)
    assert.deepEqual(
      await deniedOf(
        ['/ipns/one.example/a*', '!/ipns/one.example/ab'], ['', '/a', '/ab', '/abc', '/b'].map(path => `/ipns/one.example${path}`)
      ),
      ['/ipns/one.example/a', '/ipns/one.example/abc']
    )
  })

  it('denies what hashes to a rule in the older form: the CIDv1 or the domain, a slash, the path', async () => {
    const published = [
      '//d9d295bde21f422d471a90f2a37ec53049fdf3e5fa3ee2e8f20e10003da429e7',
      '//3f8b9febd851873b3774b937cce126910699ceac56e72e64b866f8e258d09572',
      '//6ef262a67f2c7caa9722b0fe46aced2f1559c749eab2bcf2f2701f43f802e900',
      '//fb5a70b1aade810d21e8195a0da05f40ebd099e4b4d6bf088dc604e4fcf34263'
    ]
    const root = 'bafybeiefwqslmf6zyyrxodaxx4vwqircuxpza5ri45ws3y5a62ypxti42e'
    const key = '/ipns/k51qzi5uqu5dixwsch9wpd9rolqby1m0uqj5hhxwtxal0dwltastfmh01dlniq'

    assert.deepEqual(
      await deniedOf(published, [`/ipfs/${root}`, key, '/ipns/very-bad-example.eth', '/ipns/very-bad-example.et', `/ipfs/${b}`]),
      [`/ipfs/${root}`, key, '/ipns/very-bad-example.eth']
    )
    assert.deepEqual(
      await deniedOf(published.slice(1, 2), [`/ipfs/${root}/path`, `/ipfs/${root}/path2`, `/ipfs/${root}`]), [`/ipfs/${root}/path`]
    )
    assert.deepEqual(await deniedOf([`//${hex(`${a}/`).toUpperCase()}`], [`/ipfs/${a}`]), [`/ipfs/${a}`])
  })

  it('finds such a rule also when the block is asked for with another codec', async () => {
    assert.deepEqual(
      await deniedOf(
        [`//${hex(`${a}/`)}`], [CID.createV1(0x55, a.multihash), CID.createV1(0x71, a.multihash), v0(a)].map(cid => `/ipfs/${cid}`)
      ),
      [CID.createV1(0x55, a.multihash), CID.createV1(0x71, a.multihash), v0(a)].map(cid => `/ipfs/${cid}`)
    )
  })

  it('denies what hashes to a rule in the newer form: the multihash in base58 or the path of a name, by any hash function', async () => {
    const blake3 = '/ipfs/bafyb4ieqht3b2rssdmc7sjv2cy2gfdilxkfh7623nvndziyqnawkmo266a'

    assert.deepEqual(await deniedOf([
      `//${await doubled(v0(a))}`, `//${await doubled(`${v0(b)}/x y`)}`, `//${await doubled('/ipns/one.example')}`
    ],
      [`/ipfs/${a}`, `/ipfs/${b}/x y`, '/ipns/one.example', `/ipfs/${b}`, `/ipfs/${c}`]),
      [`/ipfs/${a}`, `/ipfs/${b}/x y`, '/ipns/one.example'])
    assert.deepEqual(
      await deniedOf(['//gW813G35CnLsy7gRYYHuf63hrz71U1xoLFDVeV7actx6oX'], [`${blake3}/path`, `${blake3}/path2`, blake3]),
      [`${blake3}/path`]
    )
    assert.deepEqual(await deniedOf([`//${await doubled(v0(a))}`, `!//${await doubled(v0(a))}`], [`/ipfs/${a}`]), [])
  })

  it('never denies what is empty', async () => {
    const empty = [
      'QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn', 'bafyaabakaieac', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
      'bafkqaaa', 'QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH', 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua',
      'baguqeeraiqjw7i2vwntyuekgvulpp2det2kpwt6cd7tx5ayqybqpmhfk76fa'
    ]

    const paths = empty.map(text => `/ipfs/${text}`)
    assert.deepEqual(await deniedOf([...paths, ...await Promise.all(empty.map(async text => `//${hex(`${text}/`)}`))], paths), [])
  })

  it('denies a path behind any root', async () => {
    assert.deepEqual(
      await deniedOf(
        ['/bad/thing', '/worse*'],
        [`/ipfs/${a}/bad/thing`, `/ipfs/${b}/worse2`, '/ipns/one.example/worse/x', `/ipfs/${a}/bad`, `/ipfs/${a}`]
      ),
      [`/ipfs/${a}/bad/thing`, `/ipfs/${b}/worse2`, '/ipns/one.example/worse/x']
    )
  })

  it('tells reason, list and line; 451 by a hint of the rule or of the header', async () => {
    const lists = await denyLists(
      [
        'version: 1', 'name: x', 'hints:', '  gateway_status: 451', '---', '# comment', '', `/ipfs/${a}`,
        `/ipfs/${b} gateway_status=410 sensitivity=high`
      ]
    )
    opened.push(lists)

    assert.deepEqual(lists.denylist.checkCid(a), { reason: 'legal', list: 'test.deny', rule: 'test.deny:8' })
    assert.deepEqual(lists.denylist.checkCid(b), { reason: 'policy', list: 'test.deny', rule: 'test.deny:9' })
    assert.deepEqual(await deniedOf([`/ipfs/${a} gateway_status:451`], [`/ipfs/${a}`]), [`/ipfs/${a}`])
  })

  it('answers for blocks as for their CIDs, and not at all for what is no path', async () => {
    const lists = await denyLists([`/ipfs/${a}`, `/ipfs/${b}/x`, `//${await doubled(v0(c))}`])
    opened.push(lists)

    assert.deepEqual(
      [a, b, c, parseCid(v0(a))].map(cid => lists.denylist.checkCid(cid)?.rule), ['test.deny:1', undefined, 'test.deny:3', 'test.deny:1']
    )
    assert.deepEqual(
      ['', '/', '/ipfs', '/ipfs/', '/ipfs/nonsense', '/other/x', '/ipns/', '/ipns//'].map(path => lists.denylist.checkPath(path)),
      Array(8).fill(undefined)
    )
  })

  it('keeps the texts of 100,000 rules for beginnings of paths, and of no more; other rules have no text', { timeout: quietMs(5000) }, () => {
    const rules = new Rules()
    const rule = (at: number, isPrefix: boolean): Rule => ({
      cover: { kind: 'place', id: String(at), path: 'a', isPrefix }, allows: false, isLegal: false
    })

    const taken = Array.from({ length: 100_001 }, (_, at) => rules.add(rule(at, true), at + 1))

    assert.deepEqual([taken.indexOf(false), rules.count], [100_000, 100_000])
    assert.ok(rules.add(rule(1, false), 100_002))
  })

  it('looks for the base 58 of multihashes of 256 bytes, and of no longer ones', () => {
    const modern = (sizeBytes: number): string =>
      placeOfCid(CID.createV1(0x55, Digest.create(0, new Uint8Array(sizeBytes - 3).fill(1)))).modern()

    // an identity of 128 bytes or more says its length in two
    assert.deepEqual([base58btc.decode(`z${modern(256)}`).length, modern(257)], [256, ''])
  })

  it('reads multihashes of 1024 characters and paths with any number of slashes at their ends, in time that is linear', async () => {
    const slashes = '/'.repeat(100_000)
    const begun = busyMs()

    assert.deepEqual(await deniedOf([`/ipfs/${a}${slashes}x${slashes}`], [`/ipfs/${a}/x`]), [`/ipfs/${a}/x`])
    assert.deepEqual(await deniedOf([`/ipfs/${a}${slashes}x${slashes}y`, `/ipfs/${b}`], [`/ipfs/${b}`]), [`/ipfs/${b}`])
    for (const length of [1024, 1025]) assert.throws(() => parseRuleLine(`//${'1'.repeat(length)}`), { code: 'INVALID_DATA' })
    assert.ok(busyMs() - begun < 2000)
  })
})
