import * as kinds from './kinds.ts'
import type { Kind, Limits } from './kinds.ts'

/**
 * How an absent or empty value is read. Go has no single rule, and existing files rely on each of these:
 * - `keep`: absent or empty ("" or 0 or []) keeps the default
 * - `literal`: absent means the zero value (false, 0, [], "")
 * - `plain`: absent means the default, what is given is taken as it is (our own keys)
 */
export type Reading = 'keep' | 'literal' | 'plain'

/** One key of service.json. `Unit` is what the TypeScript name carries behind the key: '', 'Ms' or 'Bytes'. */
export interface Field<Value = unknown, Unit extends string = string> {
  kind: Kind<Value>
  unit: Unit
  /** JSON value, as `init` writes it. */
  default: unknown
  /** JSON value for `init --profile test`, where it differs. */
  testDefault?: unknown
  reading: Reading
  /** `init` leaves the key out while it has its default. */
  omitDefault: boolean
  /** Never printed. */
  hidden: boolean
  /** A value that isn't allowed gives a warning and the default, as in Go. */
  lenient: boolean
  /** Why the key does nothing here, a sentence; "" when it does something. Another value than the default gives a warning. */
  inert: string
  /** One or two sentences for the reference. */
  doc: string
}

/** Keys in an object of their own. An absent object has all defaults. */
export interface Group<Inner extends Fields = Fields> { group: Inner, doc: string }

/** What may stand under a key of a section. */
export type Entry = Field<any, any> | Group<any> // any: the value's type is read back out of the table by ValuesOf

/** A section's table: by key, a value or a group of them. */
export interface Fields { readonly [key: string]: Entry }

type Camel<Key extends string> = Key extends `${infer First}_${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : Key
type NameOf<Key extends string, One> = One extends Field<any, infer Unit> ? `${Camel<Key>}${Unit}` : Camel<Key>
type ValueOf<One> = One extends Field<infer Value, any> ? Value : One extends Group<infer Inner> ? ValuesOf<Inner> : never

/** The typed settings that a table of keys gives: `dial_peer_timeout` (a duration) becomes `dialPeerTimeoutMs: number`. */
export type ValuesOf<Table extends Fields> = { readonly [Key in keyof Table & string as NameOf<Key, Table[Key]>]: ValueOf<Table[Key]> }

export type FieldOptions = Partial<Pick<Field, 'reading' | 'omitDefault' | 'hidden' | 'lenient' | 'inert' | 'testDefault'>>

/** A key of any kind. */
export function field<Value> (kind: Kind<Value>, fallback: unknown, doc: string, options: FieldOptions = {}): Field<Value, ''> {
  return complete({ kind, unit: '', default: fallback, doc, ...options })
}

/** A key whose value is true or false. */
export const bool = (fallback: boolean, doc: string, options: FieldOptions = {}): Field<boolean, ''> =>
  field(kinds.bool, fallback, doc, { reading: 'literal', ...options })

/** A key whose value is a whole number, within limits. */
export const int = (fallback: number, doc: string, { atLeast, above, atMost, ...options }: FieldOptions & Limits = {}): Field<number, ''> =>
  field(kinds.int(limits({ atLeast, above, atMost })), fallback, doc, options)

/** A Go duration; milliseconds in the settings. */
export const duration = (
  fallback: string, doc: string, { atLeast, above, atMost, ...options }: FieldOptions & Limits = {}
): Field<number, 'Ms'> =>
  complete({ kind: kinds.duration(limits({ atLeast, above, atMost })), unit: 'Ms', default: fallback, doc, ...options })

/** A size such as "10GB"; bytes in the settings. */
export const size = (fallback: string, doc: string, options: FieldOptions = {}): Field<number, 'Bytes'> =>
  complete({ kind: kinds.size, unit: 'Bytes', default: fallback, doc, ...options })

/** Keys in an object of their own. */
export const group = <Inner extends Fields> (inner: Inner, doc: string): Group<Inner> => ({ group: inner, doc })

/** Whether an entry of a section is a group of fields of its own. */
export const isGroup = (entry: Entry): entry is Group<any> => 'group' in entry // any: as above

type Stated<Value, Unit extends string> = Pick<Field<Value, Unit>, 'kind' | 'unit' | 'default' | 'doc'> & FieldOptions

const complete = <Value, Unit extends string>(stated: Stated<Value, Unit>): Field<Value, Unit> =>
  ({ reading: 'keep', omitDefault: false, hidden: false, lenient: false, inert: '', ...stated })

type LooseLimits = { [Key in keyof Limits]: Limits[Key] | undefined }

function limits ({ atLeast, above, atMost }: LooseLimits): Limits {
  return { ...(atLeast == null ? {} : { atLeast }), ...(above == null ? {} : { above }), ...(atMost == null ? {} : { atMost }) }
}

/** Without an expression, which takes a start longer for the first few hundred. */
function camelOf (key: string): string {
  const [first = '', ...words] = key.split('_')
  return first + words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** The name of a key in the settings: `dial_peer_timeout` → `dialPeerTimeoutMs`. */
export function nameOf (key: string, entry: Entry): string {
  const camel = key.includes('_') ? camelOf(key) : key
  return isGroup(entry) ? camel : camel + entry.unit
}
