import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Query } from '../../../src/http/request/query.ts'

describe('queries', () => {
  it('gives the first value of a repeated name, and blanks for pluses', () => {
    const query = new Query('name=a+b%2Bc&name=second&x')

    assert.equal(query.get('name'), 'a b+c')
    assert.deepEqual(query.all('name'), ['a b+c', 'second'])
    assert.equal(query.get('x'), '')
    assert.deepEqual([...query.entries()], [['name', 'a b+c'], ['x', '']])
  })

  it('drops pairs with a semicolon or a broken escape and keeps the others', () => {
    const query = new Query('a=1;b=2&c=%zz&%=1&d=4&&')

    assert.deepEqual([...query.entries()], [['d', '4']])
  })

  it('has nothing when empty', () => {
    assert.equal(new Query('').get('a'), '')
  })

  it('treats every name alike', () => {
    assert.equal(new Query('__proto__=1').get('__proto__'), '1')
    assert.equal(new Query('').get('toString'), '')
  })
})
