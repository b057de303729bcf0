import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { quietMs } from '../support/poll.ts'
import { operationsOf, sampleOf, textOf, undocumented } from '../support/service-documents.ts'
import type { Operation, Schema } from '../support/service-documents.ts'
import { serviceProcess } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'

/**
 * Bodies, queries and paths that almost fit: out of the documents of the service, by chance that can be repeated. Nothing of that is a
 * fault of the server.
 */
let service: ServiceProcess
let key: string

const rounds = Number(process.env.FUZZ_ROUNDS ?? 12)

before(async () => {
  service = await serviceProcess({ registration: 'open' })
  await service.start()
  key = await service.register('fuzz@example.com')
}, { timeout: quietMs(60_000) })

after(async () => { await service?.peer.remove() })

/** mulberry32 */
function dice (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const oddTexts = [
  '', ' ', '0', '-1', '../..', '%', '\u0000', '\ud800', '\u202e', '"', "'; drop table users; --", '{}', 'null', 'x'.repeat(5000),
  'bafkreih5aznjvttude6c3wbvqeebb6rlx7kibuzn7i56aklrbb2a5v53em', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', 'é'.repeat(300),
  '2026-02-30T25:61:61Z', '1e400', 'fuzz@example.com'
]
const oddValues: unknown[] = [
  null, true, false, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER + 2, [], {}, [[]], [null], { a: { b: {} } }, ...oddTexts
]

class Fuzz {
  readonly #next: () => number
  constructor (seed: number) { this.#next = dice(seed) }

  pick<T> (list: readonly T[]): T { return list[Math.floor(this.#next() * list.length)]! }
  chance (share: number): boolean { return this.#next() < share }

  /** What fits, with some of it replaced, left out, added or doubled. */
  near (schema: Schema): unknown {
    if (this.chance(0.15)) return this.pick(oddValues)
    const choice = schema.anyOf ?? schema.oneOf
    if (choice != null) return this.near(this.pick(choice as Schema[]))
    if (schema.type === 'object') {
      const entries = Object.entries<Schema>(schema.properties ?? {}).filter(() => this.chance(0.85)).map(
        ([name, inner]) => [name, this.near(inner)]
      )
      if (this.chance(0.1)) entries.push([this.pick(['__proto__', 'constructor', 'more', '']), this.pick(oddValues)])
      if (schema.properties == null) entries.push([this.pick(oddTexts), this.pick(oddTexts)])
      return Object.fromEntries(entries)
    }
    if (schema.type === 'array') return Array.from({ length: this.pick([0, 1, 2, 11, 101]) }, () => this.near(schema.items ?? {}))
    if (schema.enum != null) return this.pick(schema.enum as unknown[])
    return this.chance(0.5) ? sampleOf(schema) : this.pick(oddValues)
  }

  text (): string { return this.pick(oddTexts).toWellFormed() }
}

function requestOf ({ method, path, query, body, upload }: Operation, fuzz: Fuzz): { url: string, init: RequestInit } {
  const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(fuzz.text()).slice(0, 2000) || 'x')
  const pairs = query.filter(() => fuzz.chance(0.6)).flatMap(({ name, schema }) => {
    const value = fuzz.near(schema)
    return (Array.isArray(value) ? value.slice(0, 20) : [value]).map(
      one => `${encodeURIComponent(name)}=${encodeURIComponent((typeof one === 'string' ? one : JSON.stringify(one)).toWellFormed()).slice(0, 1500)}`
    )
  })
  const text = body != null
    ? fuzz.chance(0.1) ? fuzz.text() : JSON.stringify(fuzz.near(body))
    : upload != null ? fuzz.text() : null
  const type: Record<string, string> = upload == null
    ? {}
    : { 'content-type': fuzz.pick([upload, `${upload}; boundary=x`, 'text/plain', '']) }
  const tus: Record<string, string> = path.includes('/uploads') && fuzz.chance(0.9)
    ? {
      'tus-resumable': fuzz.pick(['1.0.0', '1.0.0', '1.0.0', '0.2.2']),
      'upload-length': fuzz.pick(['5', '-1', 'x', '0', '99999999999999999999']), 'upload-offset': fuzz.pick(['0', '1', 'x']),
      'upload-metadata': fuzz.pick(['', 'name', 'name eA==', '= =', 'meta e30=,meta e30='])
    }
    : {}
  const withKey: Record<string, string> = fuzz.chance(0.9) ? { 'x-api-key': key } : {}
  return {
    url: `${service.api}${filled}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`,
    init: {
      method, redirect: 'manual', headers: { ...withKey, ...type, ...tus },
      ...(text == null || method === 'GET' || method === 'HEAD' ? {} : { body: text })
    }
  }
}

describe('requests that almost fit', { timeout: quietMs(110_000) }, () => {
  it('are answered without a fault on every route, and errors have their form', async () => {
    const operations = await operationsOf(service.api)
    const wrong: string[] = []
    for (const [at, operation] of operations.entries()) {
      // the account is needed to the end
      if (operation.method === 'DELETE' && operation.path === '/api/v1/users/me') continue
      for (let round = 0; round < rounds; round++) {
        const seed = at * 10_000 + round
        const { url, init } = requestOf(operation, new Fuzz(seed))
        const response = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) })
        const text = await textOf(response)
        const what = `${operation.method} ${url.slice(service.api.length, 160)} (seed ${seed}): ${response.status} ${text.slice(0, 160)}`
        // content that nobody has is looked for, and not found in time: no fault of the server
        const contentType = response.headers.get('content-type') ?? ''
        // steps upwards lead to other routes
        const isElsewhere = operation.path.startsWith('/ip') || url.split('?')[0]?.includes('..') === true
        const other = isElsewhere || init.method === 'HEAD'
          ? undefined
          : undocumented(operation, { status: response.status, contentType, text })
        if (response.status >= 500 && response.status !== 504 && !operation.path.startsWith('/ip')) wrong.push(what)
        else if (other != null) wrong.push(`${what}: ${other}`)
        else if (
          response.status >= 400 && init.method !== 'HEAD' && operation.path.startsWith('/api/')
            && !hasForm(operation.path, response.status, text)
        ) wrong.push(`${what}: not the form of errors`)
      }
    }

    assert.deepEqual(wrong, [])
    assert.doesNotMatch(service.peer.log(), /\bERROR\b.*sending error response/)
  })
})

function hasForm (path: string, status: number, text: string): boolean {
  // tus has answers of its own
  if (path.includes('/uploads')) return true
  try {
    const body = JSON.parse(text)
    return path.startsWith('/api/pinning')
      ? typeof body.error.reason === 'string'
      : body.status === status && typeof body.error === 'string' && typeof body.message === 'string'
  } catch {
    return false
  }
}
