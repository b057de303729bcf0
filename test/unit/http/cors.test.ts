import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CorsInit } from '../../../src/http/cors.ts'
import { cors } from '../../../src/http/cors.ts'

const init: CorsInit = {
  allowedOrigins: ['https://*.app.test', 'http://one.test'], allowedMethods: ['get', 'POST'], allowedHeaders: [],
  exposedHeaders: ['A', 'B'], allowCredentials: false, maxAgeSeconds: 9
}
const names = (headers: ReadonlyArray<readonly [string, string]> | null): string[] => (headers ?? []).map(([name]) => name)

describe('cross-origin requests', () => {
  const rules = cors(init)

  it('grants known origins, also with wildcards, and names them', () => {
    assert.deepEqual(
      rules.actual({ method: 'GET', headers: { origin: 'https://x.APP.test' } }),
      [['Vary', 'Origin'], ['Access-Control-Allow-Origin', 'https://x.APP.test'], ['Access-Control-Expose-Headers', 'A, B']]
    )
    assert.deepEqual(
      names(rules.actual({ method: 'POST', headers: { origin: 'http://one.test' } })),
      ['Vary', 'Access-Control-Allow-Origin', 'Access-Control-Expose-Headers']
    )
  })

  it('grants nothing to strangers, other methods and requests without origin', () => {
    for (const request of [
      { method: 'GET', headers: { origin: 'https://app.test.evil' } }, { method: 'PUT', headers: { origin: 'http://one.test' } },
      { method: 'GET', headers: {} }
    ]) assert.deepEqual(rules.actual(request), [['Vary', 'Origin']])
  })

  it('answers preflights with what was asked', () => {
    const granted = rules.preflight({
      method: 'OPTIONS',
      headers: {
        origin: 'http://one.test', 'access-control-request-method': 'POST', 'access-control-request-headers': 'accept,content-type'
      }
    })

    assert.deepEqual(granted?.slice(1), [
      ['Access-Control-Allow-Origin', 'http://one.test'],
      ['Access-Control-Allow-Methods', 'POST'],
      ['Access-Control-Allow-Headers', 'accept,content-type'],
      ['Access-Control-Max-Age', '9']
    ])
  })

  it('refuses preflights by saying nothing', () => {
    const ask = (headers: Record<string, string>): string[] => names(rules.preflight({
      method: 'OPTIONS', headers: { origin: 'http://one.test', 'access-control-request-method': 'GET', ...headers }
    }))

    assert.deepEqual(ask({ 'access-control-request-headers': 'x-foo' }), ['Vary'])
    assert.deepEqual(ask({ 'access-control-request-headers': 'content-type,accept' }), ['Vary'])
    assert.deepEqual(ask({ 'access-control-request-method': 'PUT' }), ['Vary'])
    assert.deepEqual(ask({ origin: 'http://two.test' }), ['Vary'])
  })

  it('leaves plain OPTIONS alone', () => {
    assert.equal(rules.preflight({ method: 'OPTIONS', headers: { origin: 'http://one.test' } }), null)
  })

  it('lets everybody in where no origins are named', () => {
    const open = cors({ ...init, allowedOrigins: [], allowedHeaders: ['*'], allowCredentials: true, maxAgeSeconds: 0 })

    assert.deepEqual(open.preflight({
      method: 'OPTIONS', headers: { origin: 'x', 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-any' }
    })?.slice(1),
    [
      ['Access-Control-Allow-Origin', '*'],
      ['Access-Control-Allow-Methods', 'GET'],
      ['Access-Control-Allow-Headers', 'x-any'],
      ['Access-Control-Allow-Credentials', 'true']
    ])
  })
})
