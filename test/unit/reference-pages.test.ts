import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { formats } from '../../src/api/gateway/location/formats.ts'
import { refusalOf } from '../../src/api/gateway/error-dialect.ts'
import { embeddedCommands } from '../../src/api/ipfs-proxy/embedded/embedded-node.ts'
import { linkRoutes } from '../../src/api/service/v1/links.ts'
import { resumableRoutes } from '../../src/api/service/v1/resumable.ts'
import { uploadOptions } from '../../src/api/service/v1/upload-options.ts'
import { uploadRoutes } from '../../src/api/service/v1/uploads.ts'
import { ClusterError, errorCodes } from '../../src/base/errors.ts'
import type { ErrorCode } from '../../src/base/errors.ts'
import { ClusterClient } from '../../src/client/client.ts'
import { ServiceClient } from '../../src/client/service/service-client.ts'
import { maxNameSteps } from '../../src/ipfs/names.ts'

/** Pages of docs/reference whose siblings are compared beside the code that they tell of. */
const page = (name: string): string => readFileSync(`docs/reference/${name}.md`, 'utf8')
const inTicks = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, inside = '']) => inside)
const firstCells = (text: string): string[] => text.split('\n').filter(line => line.startsWith('| ')).map(line => line.split('|')[1]?.trim() ?? '')
/** The part of a page between two of its texts. */
const between = (text: string, from: string, to: string): string => text.slice(text.indexOf(from), text.indexOf(to, text.indexOf(from)))
/** Whatever is asked for; nothing of it is called. */
const nothing: any = new Proxy(() => nothing, { get: () => nothing })

describe('docs/reference/gateway.md', () => {
  it('has every format', () => {
    const asked = firstCells(page('gateway')).filter(cell => cell.startsWith('`?format=')).flatMap(inTicks)
      .filter(text => !text.includes(' ') && !text.startsWith('/')).map(text => text.replace('?format=', ''))

    assert.deepEqual(asked.toSorted(), [...formats].toSorted())
  })

  it('has every status of an error', () => {
    const table = between(page('gateway'), '## What it answers when it can', '\n## ')
    const told = new Set(firstCells(table).flatMap(cell => cell.split(', ')).filter(cell => /^\d{3}$/.test(cell)).map(Number))
    const codes = Object.keys(errorCodes) as ErrorCode[]
    const given = new Set(codes.map(code => refusalOf(new ClusterError(code, {})).status))

    // an unexpected fault
    given.delete(500)
    assert.deepEqual([...given].filter(status => !told.has(status)), [])
  })
})

describe('docs/reference/ipfs-proxy.md', () => {
  it('has every command of the embedded node', () => {
    const list = between(page('ipfs-proxy'), 'these are answered here:', 'Any other command')
    const told = inTicks(list).flatMap(text => {
      const [, group = '', names = ''] = /^([a-z]+)\/([a-z|]+)$/.exec(text) ?? []
      return group === '' ? [text] : names.split('|').map(name => `${group}/${name}`)
    })

    assert.deepEqual(told.toSorted(), embeddedCommands(nothing).toSorted())
  })
})

describe('docs/reference/names.md', () => {
  it('has the steps and the keys of service.json as they are', () => {
    const text = page('names')
    const known = new Set(inTicks(page('config')).map(key => key.split('.').slice(-2).join('.')))
    const keys = inTicks(text).filter(one => /^(ipns|dnslink)\.[a-z_]+$/.test(one))

    assert.match(text, new RegExp(`After ${maxNameSteps} steps`))
    assert.ok(keys.length > 4)
    assert.deepEqual(keys.filter(key => !known.has(key)), [])
  })

  it('has only commands that there are', () => {
    const commands = new Set(embeddedCommands(nothing))
    const asked = [...page('names').matchAll(/\b(?:api \S+|ipfs) (key|name|routing) ([a-z]+)/g)].map(([, group = '', name = '']) => `${group}/${name}`)

    assert.ok(asked.length > 4)
    // of Kubo's command line, which reads the keystore itself
    assert.deepEqual(asked.filter(command => !commands.has(command) && command !== 'key/export'), [])
  })
})

describe('docs/reference/client.md', () => {
  it('imports only what the package exports', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> }
    const named = new Set([...page('client').matchAll(/helia-cluster(\/[a-z/-]+)/g)].map(([, path = '']) => `.${path}`))

    assert.deepEqual([...named].filter(path => !(path in exports)), [])
  })

  it('has the parts of the service\'s client, and calls only methods that there are', () => {
    const service = new ServiceClient({ url: 'http://127.0.0.1:1' }) as unknown as Record<string, any>
    const cluster = new ClusterClient({ url: 'http://127.0.0.1:1' }) as unknown as Record<string, unknown>
    const parts = inTicks(between(page('client'), '**Parts**', 'Each method'))
    const calls = [...page('client').matchAll(/\b(cluster|service)\.([a-z]+)(?:\.([a-zA-Z]+))?\(/g)]
    const missing = calls.filter(([, of, one = '', two]) =>
      typeof (of === 'cluster' ? cluster[one] : two == null ? service[one] : service[one]?.[two]) !== 'function')

    assert.deepEqual(parts.toSorted(), Object.keys(service).filter(name => typeof service[name] === 'object').toSorted())
    assert.ok(calls.length > 8)
    assert.deepEqual(missing.map(([call]) => call), [])
  })
})

describe('docs/reference/service-uploads.md', () => {
  it('has every option of an upload', () => {
    const table = between(page('service-uploads'), '| option | is |', '| status |')

    assert.deepEqual(firstCells(table).slice(1).map(cell => cell.replaceAll('`', '')), Object.keys(uploadOptions.shape))
  })

  it('has every route', () => {
    const text = page('service-uploads')
    const rows = [...text.matchAll(/`(GET|POST|HEAD|PATCH|DELETE) (\/api\/v1\/[^`]+)`/g)].map(([, method = '', path = '']) =>
      `${method} ${path.replace('SECRET', '{secret}').replace('ID', '{id}')}`).filter(row => !row.includes('?'))
    const routes = [...uploadRoutes(nothing), ...linkRoutes(nothing), ...resumableRoutes(nothing)].map(({ method, path }) =>
      `${method} ${path}`.replace(/(?<=DELETE \/api\/v1\/links\/)\{secret\}$/, '{id}'))
    // the last row has them together; of a new link the example tells
    const together = /\/links\/\{secret\}\/uploads\/\{id\}$|^POST \/api\/v1\/links$/

    assert.deepEqual([...new Set(routes)].filter(route => !rows.includes(route) && !together.test(route)), [])
    assert.deepEqual(rows.filter(row => !routes.includes(row)), [])
  })
})
