import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openApiDocument } from '../../../src/http/routing/openapi.ts'
import { serviceDocument } from '../../../src/api/service/openapi.ts'
import { choices, exampleOf, found, kindText, readDocument, rowsOf } from '../../../src/web/pages/docs/openapi.ts'
import { sampleRoutes } from '../../support/service-api.ts'

const document = readDocument({
  openapi: '3.1.0',
  info: { title: 'T', version: '1', description: 'About `it`.' },
  tags: [{ name: 'Keys' }, { name: 'Unused' }],
  paths: {
    '/keys/{id}': {
      delete: {
        operationId: 'deleteKey', tags: ['Keys'], summary: 'Revoke.',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }], responses: { 200: { description: 'Done.' } },
        security: [{ bearer: [] }]
      }
    },
    '/pins/{cid}': {
      get: {
        summary: 'One pin.',
        responses: { 200: { description: 'Yes.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Pin' } } } } }
      }
    }
  },
  components: { schemas: {
    Pin: {
      type: 'object', required: ['cid'],
      properties: { cid: { type: 'string', description: 'Which.' }, below: { type: 'array', items: { $ref: '#/components/schemas/Pin' } } }
    }
  } }
})
const { schemas } = document

describe('the reference of an API', () => {
  it('has each call of the document under its tag, or under the first part of its path', () => {
    assert.deepEqual(
      document.groups.map(({ name, operations }) => [name, operations.map(({ method, path }) => `${method} ${path}`)]),
      [['Keys', ['DELETE /keys/{id}']], ['Pins', ['GET /pins/{cid}']]]
    )
    assert.deepEqual(document.groups.map(({ operations }) => operations[0]?.isOpen), [false, true])
  })

  it('reads the documents of the service and of the cluster', () => {
    const service = readDocument(
      JSON.parse(JSON.stringify(serviceDocument({ title: 'S', version: '1', about: '', isPinning: false }, sampleRoutes)))
    )
    const cluster = readDocument(openApiDocument({ title: 'C', version: '1', routes: [], schemas: {}, hasAuth: true }))

    assert.equal(service.groups.flatMap(({ operations }) => operations).length, sampleRoutes.length)
    const login = service.groups.flatMap(({ operations }) => operations).find(
      ({ method, path }) => method === 'POST' && path === '/api/v1/open'
    )
    assert.deepEqual(
      [login?.body?.contentType, login?.isOpen, login?.answers.some(({ status }) => status === '429')], ['application/json', true, true]
    )
    assert.deepEqual(cluster.groups, [])
  })

  it('finds calls by words of path, summary and group', () => {
    const names = (text: string): string[] => found(document, text).flatMap(({ operations }) => operations.map(({ id }) => id))

    assert.deepEqual(names('keys revoke'), ['deleteKey'])
    assert.deepEqual(names('PIN get'), ['get-/pins/{cid}'])
    assert.deepEqual(names('nothing'), [])
    assert.equal(names(' ').length, 2)
  })

  it('tells the fields of what is sent, those of inner objects too', () => {
    const rows = rowsOf({ type: 'object', properties: { data: { type: 'array', items: { $ref: '#/components/schemas/Pin' } } } }, schemas)

    assert.deepEqual(rows.slice(0, 3).map(({ name, kind, isRequired, about }) => [name, kind, isRequired, about]), [
      ['data', 'list of object', false, ''],
      ['data[].cid', 'string', true, 'Which.'],
      ['data[].below', 'list of object', false, '']
    ])
  })

  it('says in words what fits', () => {
    const text = (schema: object): string => kindText(schema, schemas)

    assert.equal(text({ type: 'integer', minimum: 1, maximum: 1000 }), 'integer, 1 to 1,000')
    assert.equal(text({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), 'integer, at least 0')
    assert.equal(text({ type: 'string', maxLength: 200 }), 'string, at most 200 characters')
    assert.equal(text({ anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] }), 'time or null')
    assert.equal(text({ type: ['array', 'null'], items: { enum: ['a', 'b'] } }), 'list of a or b or null')
    assert.equal(text({}), 'any')
  })

  it('makes examples that end, and fit', () => {
    assert.deepEqual(
      exampleOf(
        { type: 'object', required: ['email'], properties: { email: { type: 'string' }, days: { type: 'integer', minimum: 3 } } }, schemas
      ),
      { email: 'user@example.com', days: 3 }
    )
    assert.deepEqual(
      exampleOf(
        { type: 'object', required: ['email'], properties: { email: { type: 'string' }, days: { type: 'integer' } } }, schemas,
        { isRequiredOnly: true }
      ),
      { email: 'user@example.com' }
    )
    assert.ok(JSON.stringify(exampleOf({ $ref: '#/components/schemas/Pin' }, schemas)).length < 1000)
    assert.deepEqual(choices({ $ref: '#/components/schemas/Nothing' }, schemas), { schema: {}, isNullable: false })
  })
})
