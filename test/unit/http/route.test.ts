import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { emptyReply } from '../../../src/http/answer/reply.ts'
import type { Method, Route } from '../../../src/http/routing/route.ts'
import { RouteTable } from '../../../src/http/routing/route.ts'

const route = (text: string): Route => {
  const [method, path = ''] = text.split(' ')
  return { method: method as Method, path, access: 'user', doc: { summary: text, responses: [] }, handler: () => emptyReply() }
}

const table = new RouteTable(
  [
    'GET /pins', 'POST /pins/{cid}/recover', 'POST /pins/recover', 'GET /pins/{cid}', 'POST /pins/{cid}',
    'POST /pins/{kind:ipfs|ipns}/{path:.*}', 'GET /a.b'
  ].map(route)
)
const found = (method: string, path: string): unknown => {
  const match = table.match(method, path)
  return match == null ? null : [match.route.path, { ...match.params }]
}

describe('route tables', () => {
  it('finds fixed and variable paths', () => {
    assert.deepEqual(found('GET', '/pins'), ['/pins', {}])
    assert.deepEqual(found('POST', '/pins/recover'), ['/pins/recover', {}])
    assert.deepEqual(found('GET', '/pins/recover'), ['/pins/{cid}', { cid: 'recover' }])
    assert.deepEqual(found('POST', '/pins/ipfs/a/b'), ['/pins/{kind:ipfs|ipns}/{path:.*}', { kind: 'ipfs', path: 'a/b' }])
  })

  it('matches whole paths, case-sensitively, dots as dots', () => {
    assert.equal(found('GET', '/PINS'), null)
    assert.equal(found('GET', '/pins/a/b'), null)
    assert.equal(found('GET', '/axb'), null)
  })

  it('knows the methods of a path', () => {
    assert.deepEqual(table.methodsOf('/pins/x'), ['GET', 'POST'])
    assert.deepEqual(table.methodsOf('/nope'), [])
  })

  it('refuses a route that an earlier one hides', () => {
    assert.throws(() => new RouteTable(['GET /pins/{cid}', 'GET /pins/recover'].map(route)), /hidden/)
  })
})
