/**
 * Go's integers with any of its prefixes: 384, 0600, 0o600, 0x180, 0b11. Undefined for what is none,
 * and unlike in Go beyond 2^53 (a time 285 million years away).
 */
export function goInteger (text: string): number | undefined {
  const [, sign, digits = ''] = /^([+-]?)(\d+|0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.exec(text) ?? []
  const value = Number(/^0\d+$/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return digits === '' || !Number.isSafeInteger(value) ? undefined : sign === '-' ? -value : value
}
