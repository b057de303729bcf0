/** A JSON object whose values are all strings; throws otherwise. Any key is taken, `__proto__` too. */
export function stringMap (value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value == null || Array.isArray(value)) throw new TypeError('must be an object of strings')
  const pairs = Object.entries(value).map(([key, one]) => {
    if (typeof one !== 'string') throw new TypeError(`the value of ${JSON.stringify(key.slice(0, 100))} must be a string`)
    return [key, one] as const
  })
  return Object.fromEntries(pairs)
}

/** A string, or '' for none (also null); throws otherwise. */
export function optionalString (value: unknown, field: string): string {
  if (value == null) return ''
  if (typeof value !== 'string') throw new TypeError(`${field} must be a string`)
  return value
}

/** A list of strings, empty for none; throws otherwise. */
export function stringList (value: unknown, field: string): string[] {
  if (value == null) return []
  if (!Array.isArray(value) || !value.every(one => typeof one === 'string')) throw new TypeError(`${field} must be a list of strings`)
  return value
}
