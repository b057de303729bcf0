import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { successDoc } from '../../../../src/api/service/answers.ts'
import type { ServiceRoute } from '../../../../src/api/service/service-route.ts'
import { serviceRoute } from '../../../../src/api/service/service-route.ts'
import { serviceDocument } from '../../../../src/api/service/openapi.ts'
import { queryInt } from '../../../../src/api/service/v1/fields.ts'
import { sampleRoutes } from '../../../support/service-api.ts'

const init = { title: 'Test', version: '1', about: '', isPinning: false }
const documentOf = (...routes: ServiceRoute[]): any => JSON.parse(JSON.stringify(serviceDocument(init, routes))) // any: a document
const handler = (): null => null

describe('the OpenAPI document of a table of routes', () => {
  it('has each of them', () => {
    const { openapi, paths } = documentOf(...sampleRoutes)

    assert.equal(openapi, '3.1.0')
    assert.deepEqual(
      Object.entries<any>(paths).flatMap(([path, item]) => Object.keys(item).map(method => `${method.toUpperCase()} ${path}`)).toSorted(),
      sampleRoutes.map(({ method, path }) => `${method} ${path}`).toSorted()
    )
  })

  it('names each operation once', () => {
    const names = Object.values<any>(documentOf(...sampleRoutes).paths).flatMap(
      item => Object.values<any>(item).map(({ operationId }) => operationId)
    )

    assert.equal(new Set(names).size, names.length)
  })

  it('tells what comes in and goes out by the schemas that are checked', () => {
    const { paths } = documentOf(serviceRoute({
      method: 'POST', path: '/api/v1/things/{id}', access: { permission: 'files:write' }, handler,
      query: z.object({ limit: queryInt(1, 10).optional().describe('How many.') }),
      body: z.object({ name: z.string().min(1), at: z.iso.datetime().optional() }),
      doc: {
        tag: 'Things', summary: 'Make one.', params: { id: 'Which.' },
        responses: [successDoc(z.object({ id: z.string() }), { status: 201, message: true })]
      }
    }))
    const { parameters, requestBody, responses, security } = paths['/api/v1/things/{id}'].post

    assert.deepEqual(parameters, [
      { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'Which.' },
      { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 10 }, description: 'How many.' }
    ])
    assert.deepEqual(requestBody.content['application/json'].schema.required, ['name'])
    assert.deepEqual(responses['201'].content['application/json'].schema.properties.data.required, ['id'])
    assert.deepEqual(Object.keys(responses), ['201', '400', '401', '403', '404', '413', '422', '429', '500', '503', '504'])
    assert.deepEqual(responses['404'].content['application/json'].schema, { $ref: '#/components/schemas/Error' })
    assert.equal(security.length, 3)
  })

  it('tells that a form has a file', () => {
    const { paths } = documentOf(serviceRoute({
      method: 'POST', path: '/api/v1/files/upload', access: 'open', upload: 'multipart/form-data', handler,
      doc: { tag: '', summary: '', responses: [] }
    }))

    assert.deepEqual(paths['/api/v1/files/upload'].post.requestBody.content['multipart/form-data'].schema.required, ['file'])
  })

  it('has schemas with a name once, and every reference leads to one', () => {
    const pin = z.object({ cid: z.string() }).meta({ id: 'Pin' })
    const document = documentOf(serviceRoute({
      method: 'POST', path: '/api/v1/pins', access: 'open', body: pin, query: z.object({ a: z.string() }).meta({ id: 'Query' }), handler,
      doc: { tag: '', summary: '', responses: [successDoc(z.array(pin))] }
    }))

    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference)
    assert.ok(references.includes('#/components/schemas/Pin'))
    for (const reference of references) {
      assert.ok(document.components.schemas[reference.replace('#/components/schemas/', '')] != null, reference)
    }
    assert.deepEqual(document.components.schemas.Pin.required, ['cid'])
    assert.deepEqual(document.paths['/api/v1/pins'].post.parameters.map(({ name }: any) => name), ['a'])
  })
})
