import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cleanPath, escapePath, parseTarget, redirectOf } from '../../../src/http/routing/path.ts'

const redirect = (url: string): unknown => redirectOf(parseTarget(url) ?? assert.fail('not a target'))

describe('request targets', () => {
  it('splits path and query, the path decoded', () => {
    const target = parseTarget('/pins/a%20b%2Fc?x=%20&y')

    assert.deepEqual(target, { path: '/pins/a b/c', query: 'x=%20&y' })
  })

  it('takes the absolute form and a lone query', () => {
    assert.deepEqual(parseTarget('http://host:1/id?x'), { path: '/id', query: 'x' })
    assert.deepEqual(parseTarget('http://host?x'), { path: '/', query: 'x' })
  })

  it('refuses broken escapes and keeps bytes that are no UTF-8', () => {
    assert.equal(parseTarget('/a%zz'), null)
    assert.equal(parseTarget('/a%'), null)
    assert.equal(parseTarget('/a%ff')?.path, '/a\udcff')
    assert.equal(parseTarget(Buffer.from('/ä').toString('latin1'))?.path, '/ä')
  })
})

describe('clean paths', () => {
  for (
    const [from, to] of [
      ['//id', '/id'], ['/pins/../id', '/id'], ['/../..', '/'], ['/a/./b//c/', '/a/b/c/'], ['/a.b/..c', '/a.b/..c'], ['/', '/']
    ] as const
  ) {
    it(`makes ${to} of ${from}`, () => {
      const clean = cleanPath(from)

      assert.equal(clean, to)
    })
  }
})

describe('redirects', () => {
  it('takes a slash at the end away and keeps the query', () => {
    assert.deepEqual(redirect('/pins/x/?name=y'), { status: 307, location: '/pins/x?name=y' })
  })

  it('cleans what is unclean, permanently', () => {
    assert.deepEqual(redirect('/pins/%2Fipfs%2FX?a=b'), { status: 301, location: '/pins/ipfs/X?a=b' })
  })

  it('lets good paths and the root alone', () => {
    assert.equal(redirect('/id?x=//'), null)
    assert.equal(redirect('/'), null)
    assert.equal(redirect('*'), null)
  })

  it('never names another host', () => {
    assert.deepEqual(redirect('//evil.test/'), { status: 307, location: '/evil.test' })
    assert.deepEqual(redirect('//evil.test'), { status: 301, location: '/evil.test' })
    assert.deepEqual(redirect('///'), { status: 307, location: '/' })
  })

  it('escapes what a location may not have', () => {
    assert.equal(escapePath('/a b?c#d\r\n'), '/a%20b%3Fc%23d%0D%0A')
  })
})
