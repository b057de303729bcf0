import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { Logger } from '../../../src/base/log.ts'
import { Secret } from '../../../src/config/secret.ts'
import { createLogger, parseLogLevels } from '../../../src/node/logging.ts'

function logged (levels: string, use: (log: Logger) => void, format: 'text' | 'json' = 'text'): string[] {
  const lines: string[] = []
  use(createLogger({ levels: parseLogLevels(levels), format, write: line => { lines.push(line) } }))
  return lines
}

describe('logging', () => {
  it('prints lines as Go does', () => {
    const [line = ''] = logged('info', log => log.child('cluster').info('pin added', { cid: 'bafy', count: 2 }))

    assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tINFO\tcluster\tpin added\t\{"cid":"bafy","count":2\}\n$/)
  })

  it('prints no facts when there are none', () => {
    const lines = logged('info', log => log.warn('careful'))

    assert.deepEqual(lines.map(line => line.split('\t').slice(1)), [['WARN', 'service', 'careful\n']])
  })

  it('has a level for each component', () => {
    const lines = logged('error,pintracker:debug', log => {
      log.child('cluster').info('no')
      log.child('cluster').error('yes')
      log.child('pintracker').debug('yes')
      log.child('pintracker').child('crdt').debug('no')
    })

    assert.equal(lines.length, 2)
    assert.ok(lines.every(line => line.includes('yes')))
  })

  it('prints JSON with the names of Go', () => {
    const [line = ''] = logged('info', log => log.child('crdt').error('bad', { err: new ClusterError('NOT_FOUND') }), 'json')

    const { ts, ...rest } = JSON.parse(line)
    assert.match(ts, /Z$/)
    assert.deepEqual(rest, { level: 'error', logger: 'crdt', msg: 'bad', facts: { err: 'NOT_FOUND: there is no such item' } })
  })

  it('never prints secrets', () => {
    const lines = logged('debug', log => log.info('loaded', {
      secret: 'hush', config: { private_key: 'hush', basicAuthCredentials: { bob: 'hush' }, wrapped: new Secret('hush') }
    }))

    assert.ok(!lines.join('').includes('hush'))
    assert.ok(lines.join('').includes('XXX_hidden_XXX'))
  })

  it('refuses unknown levels', () => {
    for (const text of ['loud', 'info,crdt:loud', 'a:b:info', ':info']) {
      assert.throws(() => parseLogLevels(text), { code: 'INVALID_ARGUMENT' })
    }
  })

  it('prints a surprise by its text and places, and none of the source that Node puts into a stack', () => {
    const fault = new TypeError('x is not a function')
    fault.stack =
      `/dist/bundle.js:1\n${'source'.repeat(20_000)}\n   ^\n\nTypeError: x is not a function\n${'    at place (/dist/bundle.js:1:2)\n'.repeat(100)}`

    for (const format of ['text', 'json'] as const) {
      const [line = ''] = logged('info', log => log.warn('failed', { err: fault }), format)

      assert.ok(line.includes('TypeError: x is not a function') && line.includes('at place'))
      assert.ok(!line.includes('source') && line.length < 2000)
    }
  })

  it('prints what an error of ours was made from, unless it says so itself', () => {
    const shown = (message: string): string => logged('info', log => log.warn('failed', {
      err: new ClusterError('NOT_READY', {}, { message, cause: new Error('refused') })
    }))[0]?.split('\t')[4]?.trim() ?? ''

    assert.equal(shown('it is away'), '{"err":"NOT_READY: it is away (refused)"}')
    assert.equal(shown('it was refused'), '{"err":"NOT_READY: it was refused"}')
  })

  it('prints 4096 characters of a text, and of more says how many', () => {
    const shown = (text: string): string => logged('info', log => log.warn('failed', { text }))[0]?.split('\t')[4]?.trim() ?? ''

    assert.equal(shown('a'.repeat(4096)), JSON.stringify({ text: 'a'.repeat(4096) }))
    assert.equal(shown('a'.repeat(4097)), JSON.stringify({ text: `${'a'.repeat(4096)}… (4097 characters)` }))
    for (const err of [new Error('b'.repeat(100_000)), new ClusterError('INTERNAL', {}, { message: 'b'.repeat(100_000) })]) {
      assert.ok((logged('info', log => log.warn('failed', { err }))[0] ?? '').length < 12_000)
    }
  })
})
