import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { tryRequest, isTextual, pretty } from '../../../src/web/pages/docs/try-request.ts'
import type { Shown } from '../../../src/web/pages/docs/try-request.ts'
import type { Operation } from '../../../src/web/pages/docs/openapi.ts'
import { addressOf, curlOf, jsonFault, missing, requestOf } from '../../../src/web/pages/docs/request.ts'
import type { Filled } from '../../../src/web/pages/docs/request.ts'

const parameter = (name: string, place: 'path' | 'query', isRequired = place === 'path') => ({
  name, place, isRequired, about: '', schema: {}
})
const operation = (more: Partial<Operation> = {}): Operation =>
  ({
    id: 'x', method: 'GET', path: '/api/v1/files/{cid}', summary: '', about: '', isOpen: false,
    parameters: [parameter('cid', 'path'), parameter('q', 'query')], body: null, answers: [], ...more
  })
const json = { contentType: 'application/json', about: '', schema: {} }
const filled = (parameters: Record<string, string> = {}, more: Partial<Filled> = {}): Filled => ({
  parameters, body: '{}', file: null, ...more
})

describe('a call that is tried', () => {
  it('goes where the form says, whatever the values have in them', () => {
    assert.equal(addressOf(operation(), filled({ cid: ' a/b?c ', q: 'x y&z' })), '/api/v1/files/a%2Fb%3Fc?q=x%20y%26z')
    assert.equal(
      addressOf(
        operation({ path: '/ipfs/{path}', parameters: [parameter('path', 'path')] }), filled({ path: 'cid/a b/c' }), '/api/cluster'
      ),
      '/api/cluster/ipfs/cid/a%20b/c'
    )
  })

  it('names what is missing', () => {
    assert.deepEqual(missing(operation(), filled()), ['cid'])
    assert.deepEqual(missing(operation({ body: { ...json, contentType: 'multipart/form-data' } }), filled({ cid: 'x' })), ['file'])
    assert.deepEqual(missing(operation({ body: json }), filled({ cid: 'x' })), [])
    assert.equal(jsonFault('{"a":1}'), null)
    assert.match(jsonFault('{a}') ?? '', /JSON/)
  })

  it('has one credential: the key, where there is one', () => {
    const withKey = requestOf(operation({ method: 'POST', body: json }), filled(), { key: 'ak_1' })
    const withSession = requestOf(operation({ method: 'DELETE' }), filled(), { key: null })

    assert.deepEqual(
      [withKey.headers, withKey.credentials, withKey.body], [{ 'X-API-Key': 'ak_1', 'Content-Type': 'application/json' }, 'omit', '{}']
    )
    assert.deepEqual([withSession.headers, withSession.credentials, withSession.body], [{}, undefined, undefined])
  })

  it('is the same in a terminal, quotes and all', () => {
    const line = curlOf(
      operation({ method: 'POST', body: json }), filled({ cid: "it's" }, { body: '{ "name": "it\'s $HOME" }' }),
      { origin: 'http://x', key: 'ak_1' }
    )

    const words = execFileSync(
      'sh', ['-c', `for word in ${line.replaceAll(' \\\n', ' ')}; do printf '%s\\n' "$word"; done`], { encoding: 'utf8' }
    ).trim().split('\n')
    assert.deepEqual(words, ['curl', '-H', 'X-API-Key: ak_1', '--json', '{"name":"it\'s $HOME"}', "http://x/api/v1/files/it's"])
  })
})

describe('the answer to a call that is tried', () => {
  const shownOf = async (response: Response, signal = new AbortController().signal): Promise<Shown[]> => {
    const shown: Shown[] = []
    await tryRequest('/x', {}, { fetch: async () => response, signal, onShown: one => { shown.push(one) } })
    return shown
  }

  it('is set out when it is JSON, and shown as it is when it is another text', async () => {
    const [whole, lines] = [
      (await shownOf(Response.json({ a: [1] }))).at(-1),
      (await shownOf(new Response('{"a":1}\n{"a":2}\n', { headers: { 'content-type': 'application/x-ndjson' } }))).at(-1)
    ]

    assert.deepEqual([whole?.status, whole?.text, whole?.isOpen, whole?.isCut], [200, '{\n  "a": [\n    1\n  ]\n}', false, false])
    assert.equal(lines?.text, '{"a":1}\n{"a":2}\n')
  })

  it('is told by its size when it is no text', async () => {
    const last = (await shownOf(new Response(new Uint8Array(1000), { headers: { 'content-type': 'image/png' } }))).at(-1)

    assert.deepEqual([last?.text, last?.bytes], [null, 1000])
    assert.ok(isTextual('application/problem+json') && isTextual('text/event-stream') && !isTextual('application/zip'))
  })

  it('is read no further than a page can show, though it has no end', async () => {
    let isCancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(new Uint8Array(64 * 1024).fill(97)), cancel: () => { isCancelled = true }
    })

    const last = (await shownOf(new Response(endless, { headers: { 'content-type': 'text/plain' } }))).at(-1)

    assert.ok(last != null && last.isCut && !last.isOpen && last.bytes < 512 * 1024)
    assert.ok(isCancelled)
  })

  it('shows what came when the reader stops it', async () => {
    const stop = new AbortController()
    const stream = new ReadableStream<Uint8Array>({
      start: controller => {
        controller.enqueue(new TextEncoder().encode('one'))
        stop.signal.addEventListener('abort', () => controller.error(stop.signal.reason), { once: true })
      }
    })
    const shown: Shown[] = []
    await tryRequest('/x', {}, {
      fetch: async () => new Response(stream, { headers: { 'content-type': 'text/plain' } }), signal: stop.signal,
      onShown: one => {
        shown.push(one)
        if (one.bytes > 0) stop.abort()
      }
    })

    assert.deepEqual([shown.at(-1)?.text, shown.at(-1)?.isCut], ['one', true])
    assert.equal(pretty('{"a":1', false), '{"a":1')
  })
})
