import { badRequest } from '../../http/error-dialect.ts'
import type { Query } from '../../http/request/query.ts'

const trueTexts = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const falseTexts = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** A parameter that is true or false, as Go's strconv.ParseBool reads it; missing or '' is the default. Throws a 400 for all else. */
export function booleanParam (query: Query, name: string, whenMissing = false): boolean {
  const text = query.get(name)
  if (text === '') return whenMissing
  if (trueTexts.has(text)) return true
  if (falseTexts.has(text)) return false
  throw badRequest(`parameter ${name} invalid`)
}
