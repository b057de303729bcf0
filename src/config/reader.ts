import type { JsonObject } from '../base/json-object.ts'
import { isJsonObject } from '../base/json-object.ts'
import { isGroup, nameOf } from './fields.ts'
import type { Field, Fields } from './fields.ts'
import { refused } from './kinds.ts'
import type { Section } from './section.ts'
import { variableName, variablesBegin } from './section.ts'

/** The environment, as `process.env` has it. */
export type Variables = Readonly<Record<string, string | undefined>>

/** What was found while reading: sentences for people. */
export interface Findings {
  /** Each makes the file unusable. */
  problems: string[]
  warnings: string[]
  /** Paths of keys that mean nothing here. */
  unknownKeys: string[]
}

/** Nothing found yet. */
export const newFindings = (): Findings => ({ problems: [], warnings: [], unknownKeys: [] })

/** What a section is read with. */
export interface ReadContext { variables: Variables, findings: Findings }
/** `hasVariables`: there may be one that counts. */
interface Context extends ReadContext { hasVariables: boolean }

/** How an object of keys is read: as it stands in the file, or as all defaults because it isn't there. */
interface Place { section: Section, keys: readonly string[], raw: JsonObject | null }

/**
 * Reads one section: the file's values (null: the section isn't there, so all defaults), then variables on top, then the checks. Problems
 * are added to the findings; the settings that come back are of use only when none was.
 */
export function readSection (section: Section, raw: unknown, { variables, findings }: ReadContext): JsonObject {
  const context = { variables, findings, hasVariables: Object.keys(variables).some(name => name.startsWith(variablesBegin)) }
  const before = findings.problems.length
  if (raw != null && !isJsonObject(raw)) findings.problems.push(`${section.path} is ${show(raw)}: must be an object`)
  const values = readFields(section.fields, { section, keys: [], raw: isJsonObject(raw) ? raw : null }, context)
  if (findings.problems.length > before) return values
  for (const { key, value, allowed } of section.check?.(values as never) ?? []) {
    findings.problems.push(`${section.path}.${key} is ${show(value)}: must be ${allowed}`)
  }
  return values
}

function readFields (fields: Fields, place: Place, context: Context): JsonObject {
  const { section, keys, raw } = place
  for (const key of Object.keys(raw ?? {})) {
    if (!Object.hasOwn(fields, key)) context.findings.unknownKeys.push([section.path, ...keys, key].join('.'))
  }
  return Object.fromEntries(Object.entries(fields).map(([key, entry]) => {
    const inner = { section, keys: [...keys, key], raw }
    return [nameOf(key, entry), isGroup(entry) ? readGroup(entry.group, inner, context) : readField(entry, inner, context)]
  }))
}

function readGroup (fields: Fields, place: Place, context: Context): JsonObject {
  const raw = place.raw?.[place.keys.at(-1) ?? '']
  if (raw != null && !isJsonObject(raw)) context.findings.problems.push(`${pathOf(place)} is ${show(raw)}: must be an object`)
  return readFields(fields, { ...place, raw: isJsonObject(raw) ? raw : null }, context)
}

function readField (field: Field, place: Place, context: Context): unknown {
  const { variable = '', text } = variableOf(place, context)
  const given = text == null ? place.raw?.[place.keys.at(-1) ?? ''] : field.kind.fromText(text)
  const effective = effectiveValue(field, given, place)
  const value = field.kind.parse(effective)
  const where = text == null ? pathOf(place) : `${variable} (${pathOf(place)})`
  if (value !== refused) {
    if (field.inert !== '' && given != null && !isUsual(field, effective)) {
      context.findings.warnings.push(`${where} has no effect here: ${field.inert}`)
    }
    return value
  }
  const part = field.hidden ? undefined : field.kind.wrongPart?.(effective)
  if (part != null) {
    const path = pathOf(place) + part.keys.map(keyText).join('')
    context.findings.problems.push(`${text == null ? path : `${variable} (${path})`} is ${show(part.value)}: must be ${part.allowed}`)
    return undefined
  }
  const shown = field.hidden ? 'a hidden value' : show(text ?? effective)
  if (field.lenient && typeof effective === 'string') {
    context.findings.warnings.push(`${where} is ${shown}, which is not ${field.kind.allowed}; the default ${show(field.default)} is used`)
    return field.kind.parse(field.default)
  }
  context.findings.problems.push(
    `${where} is ${shown}: must be ${(text == null ? undefined : field.kind.allowedText) ?? field.kind.allowed}`
  )
  return undefined
}

/** Most processes have no such variable, and names of some hundreds take a start 3 ms. */
function variableOf ({ section, keys }: Place, { variables, hasVariables }: Context): { variable?: string, text?: string | undefined } {
  if (!hasVariables) return {}
  const variable = variableName(section.path, keys)
  return { variable, text: variables[variable] }
}

/** The JSON value that counts, see `Reading`. A variable of a section that is absent still acts on its defaults. */
function effectiveValue (field: Field, given: unknown, place: Place): unknown {
  const fallback = place.raw != null || place.keys.length > 1
    ? field.default
    : place.section.whenAbsent?.[place.keys[0] ?? ''] ?? field.default
  if (given == null) return place.raw != null && field.reading === 'literal' ? field.kind.zero : fallback
  return field.reading === 'keep' && field.kind.isEmpty(given) ? fallback : given
}

/** What `init` writes. */
const isUsual = (field: Field, value: unknown): boolean =>
  [field.default, field.testDefault].some(usual => JSON.stringify(usual) === JSON.stringify(value))

const pathOf = ({ section, keys }: Place): string => [section.path, ...keys].join('.')

/** A step into the value of a key: `.weight`, or `["a.b"]` for names that somebody chose and that may hold anything; `[2]` in a list. */
const keyText = (key: string | number): string => typeof key === 'string' && /^[\w*-]+$/.test(key) ? `.${key}` : `[${show(key)}]`

function show (value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'symbol' || value === undefined) return 'not given'
  const text = JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 117)}…` : text
}
