import { isGroup } from './fields.ts'
import type { Field, Fields } from './fields.ts'
import type { JsonObject } from '../base/json-object.ts'
import type { Variables } from './reader.ts'
import { initSections } from './sections.ts'
import { variableName } from './section.ts'

/** `public` listens and finds peers as Go and Kubo do; `test` stays on 127.0.0.1 and dials nobody. */
export type Profile = 'public' | 'test'

export interface DefaultJsonInit {
  profile: Profile
  /** Written into the file where they are set, so that they hold without the environment too. */
  variables: Variables
}

/** The content of a fresh service.json: every section that `init` writes, keys in Go's order. Secret and peer name are still empty. */
export function defaultServiceJson ({ profile, variables }: DefaultJsonInit): JsonObject {
  const file: JsonObject = {}
  // the identity has a file of its own
  const init = { profile, variables: { ...variables, CLUSTER_ID: undefined, CLUSTER_PRIVATEKEY: undefined } }
  for (const section of initSections) {
    const [folder = '', component] = section.path.split('.')
    const values = valuesOf(section.fields, { ...init, path: section.path, keys: [] })
    if (component == null) file[folder] = values
    else file[folder] = { ...(file[folder] as JsonObject | undefined), [component]: values }
  }
  return file
}

interface Place extends DefaultJsonInit { path: string, keys: readonly string[] }

function valuesOf (fields: Fields, place: Place): JsonObject {
  const entries = Object.entries(fields).flatMap(([key, entry]): Array<[string, unknown]> => {
    const inner = { ...place, keys: [...place.keys, key] }
    if (isGroup(entry)) {
      const values = valuesOf(entry.group, inner)
      return Object.keys(values).length === 0 ? [] : [[key, values]]
    }
    const value = valueOf(entry, inner)
    return entry.omitDefault && value === entry.default ? [] : [[key, value]]
  })
  return Object.fromEntries(entries)
}

/** A variable that isn't allowed stays as it is: reading the file tells what is wrong with it. */
function valueOf (field: Field, { profile, variables, path, keys }: Place): unknown {
  const text = variables[variableName(path, keys)]
  if (text != null) {
    const value = field.kind.fromText(text)
    return typeof value === 'symbol' ? text : oneAsText(field, value)
  }
  return oneAsText(field, profile === 'test' && field.testDefault !== undefined ? field.testDefault : field.default)
}

/** As Go: a single multiaddress is written as plain text where both forms are read and other programs expect it. */
function oneAsText (field: Field, value: unknown): unknown {
  return field.kind.name === 'list of multiaddresses' && field.reading !== 'plain' && Array.isArray(value) && value.length === 1
    ? value[0]
    : value
}

/**
 * The text of service.json.example: what `init` writes, with a secret that doesn't load until it is replaced, so that nobody runs a cluster
 * with a secret that everybody knows.
 */
export function exampleServiceJson (): string {
  const file = defaultServiceJson({
    profile: 'public', variables: { CLUSTER_PEERNAME: 'example-peer', CLUSTER_SECRET: '64 hexadecimal digits: openssl rand -hex 32' }
  })
  return `${JSON.stringify(file, null, 2)}\n`
}
