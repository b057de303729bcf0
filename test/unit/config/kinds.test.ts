import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, it } from 'node:test'
import * as kinds from '../../../src/config/kinds.ts'
import type { Kind } from '../../../src/config/kinds.ts'
import { Secret } from '../../../src/config/secret.ts'

const parseAll = (kind: Kind<unknown>, values: unknown[]): unknown[] =>
  values.map(value => kind.parse(value) === kinds.refused ? 'refused' : kind.parse(value))
const readAll = (kind: Kind<unknown>, texts: string[]): unknown[] =>
  texts.map(text => kind.fromText(text) === kinds.refused ? 'refused' : kind.fromText(text))

describe('kinds of configuration values', () => {
  it('reads booleans of variables as Go does', () => {
    const read = readAll(kinds.bool, ['1', 't', 'TRUE', 'false', 'F', '0', 'yes', ''])

    assert.deepEqual(read, [true, true, true, false, false, false, 'refused', 'refused'])
  })

  it('reads integers of variables strictly', () => {
    const read = readAll(kinds.int(), ['12', '-1', '+3', '0x10', '', '1.5', '1e3', 'abc'])

    assert.deepEqual(read, [12, -1, 3, 16, 'refused', 'refused', 'refused', 'refused'])
  })

  it('keeps integers within their limits', () => {
    const parsed = parseAll(kinds.int({ atLeast: -1, atMost: 5 }), [-2, -1, 5, 6, 1.5, '3', null])

    assert.deepEqual(parsed, ['refused', -1, 5, 'refused', 'refused', 'refused', 'refused'])
  })

  it('gives durations in milliseconds', () => {
    const parsed = parseAll(kinds.duration({ atLeast: 0 }), ['1h30m', '500ms', '0', '-1s', '1d', 5, ''])

    assert.deepEqual(parsed, [5_400_000, 500, 0, 'refused', 'refused', 'refused', 'refused'])
  })

  it('gives sizes in bytes, decimal and binary', () => {
    const parsed = parseAll(kinds.size, ['10GB', '1.5 GiB', '500', 1000, '2kb', '0', '-1GB', '10XB', ''])

    assert.deepEqual(parsed, [10e9, 1.5 * 2 ** 30, 500, 1000, 2000, 'refused', 'refused', 'refused', 'refused'])
  })

  it('takes no half bytes, and no sizes and numbers that are too large to be counted', () => {
    const wrong = [
      1.5, 0.5, -1, 1e21, 2 ** 53, Infinity, '1.5', '1.5B', '0.5 b', '1e3', '0x10', ' 5', '+5', '9007199254740992',
      '5TB1', '99999TiB'
    ]
    const right = [1, 1e15, '1.0', '1.5kB', '0.5GiB']

    assert.deepEqual(parseAll(kinds.size, wrong).filter(one => one !== 'refused'), [])
    assert.deepEqual(parseAll(kinds.bytes, wrong).filter(one => one !== 'refused'), [])
    assert.deepEqual(parseAll(kinds.bytes, right), [1, 1e15, 1, 1500, 2 ** 29])
    assert.deepEqual(parseAll(kinds.bytes, [0, '0', '0.0001kB']), [0, 0, 'refused'])
    assert.deepEqual(parseAll(kinds.float({ atLeast: 0 }), [0.5, Infinity, NaN, '1']), [0.5, 'refused', 'refused', 'refused'])
  })

  it('reads numbers with a fraction of variables as Go does', () => {
    const read = readAll(kinds.float(), ['0.3', '1e3', '-1', '+.5', '5.', '0x10', ' 5', '', 'Infinity', 'NaN', '1_000', '1e'])

    assert.deepEqual(read, [0.3, 1000, -1, 0.5, 5, ...Array<string>(7).fill('refused')])
  })

  it('takes no empty name where names are listed', () => {
    const parsed = parseAll(kinds.names, [[], ['a', 'b'], [''], ['a', ''], 'a', [1]])

    assert.deepEqual(parsed, [[], ['a', 'b'], ...Array<string>(4).fill('refused')])
  })

  it('names the entry of a map that is wrong', () => {
    assert.deepEqual(kinds.stringMap.wrongPart?.({ a: 'x', b: 5 })?.keys, ['b'])
    assert.deepEqual(kinds.headerMap.wrongPart?.({ 'X-A': ['1'], 'X-B': '1' })?.keys, ['X-B'])
    assert.deepEqual(kinds.publicHosts.wrongPart?.({ 'example.com': {}, 'b.org': { subdomains: 'yes' } })?.keys, ['b.org'])
    for (const map of [kinds.stringMap, kinds.headerMap, kinds.publicHosts]) {
      for (const raw of [{}, [], 5, null]) assert.equal(map.wrongPart?.(raw), undefined)
    }
  })

  it('names the element of a list that is wrong', () => {
    assert.deepEqual(kinds.strings.wrongPart?.(['a', 5]), { keys: [1], value: 5, allowed: 'a string' })
    assert.deepEqual(kinds.names.wrongPart?.(['']), { keys: [0], value: '', allowed: 'a string that is not empty' })
    assert.deepEqual(kinds.addresses.wrongPart?.(['10.0.0.1', '10.0.0.1/33'])?.keys, [1])
    assert.deepEqual(kinds.multiaddrs().wrongPart?.(['/ip4/127.0.0.1/tcp/1', 'nope'])?.keys, [1])
    assert.deepEqual(kinds.trustedPeers.wrongPart?.(['*', 'nobody'])?.keys, [1])
    assert.deepEqual(kinds.dnsResolvers.wrongPart?.(['system', 'ftp://x'])?.keys, [1])
    for (const list of [kinds.strings, kinds.names, kinds.multiaddrs(), kinds.trustedPeers]) {
      for (const raw of [{}, [], 5, null, 'a']) assert.equal(list.wrongPart?.(raw), undefined)
    }
  })

  it('takes words out of a set, and headers that HTTP can carry', () => {
    const kind = kinds.words(['pin', 'peer'])
    assert.deepEqual(parseAll(kind, [['pin'], [], ['pni'], 'pin']), [['pin'], [], 'refused', 'refused'])
    assert.equal(kind.wrongPart?.(['pin', 'pni'])?.allowed, 'one of pin, peer')

    const read = parseAll(kinds.headerMap, [{ 'X-A': ['ü', 'a\tb'] }, { 'X A': ['1'] }, { '': [] }, { 'X-Ü': [] }, { 'X-A': ['1\r\nX-B: 2'] }])
    assert.deepEqual(read, [{ 'X-A': ['ü', 'a\tb'] }, ...Array<string>(4).fill('refused')])
    assert.deepEqual(kinds.headerMap.wrongPart?.({ 'X-A': ['1', '\n'] })?.keys, ['X-A', 1])
    assert.deepEqual(kinds.headerMap.wrongPart?.({ 'X A': ['1'] }), {
      keys: ['X A'], value: ['1'], allowed: 'under the name of a header, such as "X-Frame-Options"'
    })
  })

  it('takes one multiaddress as a text where several are allowed', () => {
    const parsed = parseAll(
      kinds.multiaddrs(), ['/ip4/127.0.0.1/tcp/1', ['/ip4/127.0.0.1/tcp/1', '/unix/a/b'], '', [], 'nope', ['/ip4/1.2.3/tcp/1'], 5]
    )

    assert.deepEqual(parsed, [['/ip4/127.0.0.1/tcp/1'], ['/ip4/127.0.0.1/tcp/1', '/unix/a/b'], [], [], 'refused', 'refused', 'refused'])
  })

  it('asks for the peer where an address is dialled', () => {
    const peer = '/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

    const parsed = parseAll(kinds.multiaddrs({ withPeer: true }), [[`/ip4/127.0.0.1/tcp/1${peer}`], ['/ip4/127.0.0.1/tcp/1']])

    assert.deepEqual(parsed, [[`/ip4/127.0.0.1/tcp/1${peer}`], 'refused'])
  })

  it('reads maps and lists of variables', () => {
    const read = [
      kinds.stringMap.fromText('group:a,region:b'), kinds.headerMap.fromText('X-A:1,X-B:2:3'), kinds.strings.fromText('a,b'),
      kinds.strings.fromText('')
    ]

    assert.deepEqual(read, [{ group: 'a', region: 'b' }, { 'X-A': ['1'], 'X-B': ['2:3'] }, ['a', 'b'], []])
    assert.equal(kinds.stringMap.fromText('a:1,b'), kinds.refused)
    for (const kind of [kinds.stringMap, kinds.credentials, kinds.headerMap]) {
      for (const json of ['{"user":"password"}', ' {"a":"b","c":"d"}', '["a:b"]']) assert.equal(kind.fromText(json), kinds.refused)
    }
  })

  it('takes the machine and servers over HTTPS as resolvers of names, plain HTTP on this machine only', () => {
    const parsed = parseAll(
      kinds.dnsResolvers,
      [
        [], ['system', 'https://dns.example/dns-query'], ['http://127.0.0.1:53/x'], ['http://localhost/x'], ['http://[::1]/x'],
        ['http://dns.example/x'], ['dns.example'], ['ftp://127.0.0.1'], ['System'], 'system'
      ]
    )

    assert.deepEqual(parsed.map(one => one === 'refused'), [false, false, false, false, false, true, true, true, true, true])
  })

  it('gives trusted peers in base58, also when they are CIDs', () => {
    const parsed = kinds.trustedPeers.parse(['*', 'k51qzi5uqu5dkwkqm42v9j9kqcam2jiuvloi16g72i4i4amoo2m8u3ol3mqu6s'])

    assert.ok(parsed !== kinds.refused)
    assert.equal(parsed[0], '*')
    assert.match(parsed[1] ?? '', /^12D3Koo/)
  })

  it('never shows a secret', () => {
    const secret = kinds.secretHex.parse('ab'.repeat(32))

    const printed = [JSON.stringify({ secret }), String(secret), inspect({ secret }, { depth: 9 })]

    assert.ok(secret instanceof Secret)
    assert.equal(secret.reveal().length, 32)
    assert.ok(printed.every(text => text.includes('XXX_hidden_XXX') && !text.includes('abab') && !text.includes('171')))
  })

  it('takes no secret, but no short or odd one', () => {
    const parsed = parseAll(kinds.secretHex, ['', 'abcd', 'z'.repeat(64), 5])

    assert.deepEqual(parsed, [null, 'refused', 'refused', 'refused'])
  })

  it('takes null or at least one user for credentials', () => {
    const parsed = parseAll(kinds.credentials, [null, {}, { u: 1 }])
    const users = kinds.credentials.parse({ u: 'p' })

    assert.deepEqual(parsed, [null, 'refused', 'refused'])
    assert.deepEqual(users instanceof Secret && users.reveal(), { u: 'p' })
  })
})
