import assert from 'node:assert/strict'

/** Texts of which a document's example shows only the form. */
const forms: ReadonlyArray<readonly [example: RegExp, answer: RegExp, what: string]> = [
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/, 'a time in UTC'],
  [/^ak_x+$|^ak_y+$/, /^ak_[0-9A-Za-z]{32}$/, 'a key'],
  [/^bafkrei/, /^bafkrei[a-z2-7]{52}$/, 'a CID of one block'],
  [/^[0-9a-f]{8}-\.\.\.$/, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID'],
  [/^clxyz/, /^[0-9A-Za-z]{20,}$/, 'an ID that nobody can guess'],
  [/^\/dns4\//, /^\/(ip4|ip6|dns4)\/.*\/p2p\/\w+$/, 'a multiaddress of a node']
]

export interface ExampleOptions {
  /** Fields that the answer may have besides those of the example, by their path: `data.state`, `pin.meta`. */
  added?: readonly string[]
  /** Values that have to be just as in the example, by their path. Texts with a form and numbers are compared by kind otherwise. */
  exact?: readonly string[]
}

/**
 * That an answer is as the example in a document: every field of it is there, of the same kind, in the same form, and none besides but
 * `added`. Texts without a form, `status` and truth values are equal. A list's entries are all like its first one.
 */
export function assertLikeExample (answer: unknown, example: unknown, options: ExampleOptions = {}): void {
  compare(answer, example, { path: '', ...options })
}

function compare (answer: unknown, example: unknown, place: ExampleOptions & { path: string }): void {
  const { path, added = [], exact = [] } = place
  const where = `${path === '' ? 'the answer' : path}: ${JSON.stringify(answer)}`
  if (Array.isArray(example)) {
    assert.ok(Array.isArray(answer), `${where} is no list`)
    for (const one of answer) compare(one, example[0], { ...place, path: `${path}[]` })
  } else if (typeof example === 'object' && example != null) {
    assert.ok(typeof answer === 'object' && answer != null, `${where} is no object`)
    const below = (key: string): string => path === '' ? key : `${path}.${key}`
    const missing = Object.keys(example).filter(key => !Object.hasOwn(answer, key))
    const strange = Object.keys(answer).filter(key => !Object.hasOwn(example, key) && !added.includes(below(key)))
    assert.deepEqual({ missing, strange }, { missing: [], strange: [] }, where)
    const found = answer as Record<string, unknown>
    for (const [key, value] of Object.entries(example)) compare(found[key], value, { ...place, path: below(key) })
  } else if (typeof example === 'number' && path !== 'status' && !exact.includes(path)) {
    assert.ok(Number.isSafeInteger(answer), `${where} is no whole number`)
  } else {
    const [, form, what] = typeof example === 'string' && !exact.includes(path) ? forms.find(([shown]) => shown.test(example)) ?? [] : []
    if (form == null) assert.deepEqual(answer, example, where)
    else assert.match(String(answer), form, `${where} is not ${what ?? ''}`)
  }
}
