/**
 * A number as people write it: digits, and a fraction behind a point. NaN for what is none, such as 0x10, 1e3, "+5", " 5" or Infinity.
 * For parameters of our own: Go's take what Go's own functions read.
 */
export const decimalOf = (text: string): number => /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
