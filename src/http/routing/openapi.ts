import type { ParameterDoc, ResponseDoc, Route } from './route.ts'

export interface OpenApiInit {
  title: string
  version: string
  routes: readonly Route[]
  /** JSON schemas that ResponseDoc.schema names. */
  schemas: Readonly<Record<string, unknown>>
  hasAuth: boolean
}

/** An OpenAPI 3.1 document of a route table, ready for JSON. */
export function openApiDocument ({ title, version, routes, schemas, hasAuth }: OpenApiInit): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) (paths[openApiPath(route.path)] ??= {})[route.method.toLowerCase()] = operation(route, hasAuth)
  return {
    openapi: '3.1.0',
    info: { title, version },
    paths,
    components: {
      schemas,
      ...(
        hasAuth
          ? { securitySchemes: {
            basic: { type: 'http', scheme: 'basic' }, token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }
          } }
          : {}
      )
    }
  }
}

/** A route's path as OpenAPI writes it: `{kind:a|b}` and `{path:.*}` become `{kind}` and `{path}`. */
export const openApiPath = (path: string): string => path.replace(/\{(\w+):[^}]*\}/g, '{$1}')

function operation (route: Route, hasAuth: boolean): Record<string, unknown> {
  const { summary, parameters = [], requestBody, responses } = route.doc
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/:[^}]*/g, '').replace(/\W+(\w?)/g, (_all, next: string) => next.toUpperCase())}`,
    summary,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameter) }),
    ...(requestBody == null ? {} : { requestBody: { description: requestBody.about, content: { [requestBody.contentType]: {} } } }),
    responses: Object.fromEntries(responses.map(one => [String(one.status), response(one)])),
    ...(hasAuth && route.access === 'user' ? { security: [{ basic: [] }, { token: [] }] } : {})
  }
}

const parameter = ({ name, in: place, type, about }: ParameterDoc): Record<string, unknown> =>
  ({ name, in: place, ...(place === 'path' ? { required: true } : {}), description: about, schema: { type } })

/** Lines of JSON are no JSON together: OpenAPI 3.1 has no word for what each of them is. */
function response ({ about, schema, stream }: ResponseDoc): Record<string, unknown> {
  const description = stream === true
    ? `${about} One JSON object per line; errors that come late are in the trailer X-Stream-Error.`
    : about
  return {
    description,
    ...(schema == null ? {} : {
      content: { 'application/json': { [stream === true ? 'x-line-schema' : 'schema']: { $ref: `#/components/schemas/${schema}` } } }
    })
  }
}
