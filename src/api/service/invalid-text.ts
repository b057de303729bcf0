/**
 * What is wrong with the texts in a value of JSON, names included; undefined: nothing. No text of the service has U+0000, which databases
 * don't take, nor half of a surrogate pair, which stands for bytes that aren't UTF-8 and of which databases would make U+FFFD, as of all
 * others.
 */
export function invalidTextReason (value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return 'a text has the character U+0000'
    return value.isWellFormed() ? undefined : 'a text is not Unicode: it has bytes that are not UTF-8, or half of a surrogate pair'
  }
  if (typeof value !== 'object' || value == null) return undefined
  for (const [key, one] of Object.entries(value)) {
    const reason = key === '__proto__' ? 'nothing can be called __proto__' : invalidTextReason(key) ?? invalidTextReason(one)
    if (reason != null) return reason
  }
  return undefined
}
