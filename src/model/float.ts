/**
 * A floating-point number without a fraction: `1.0` is another value than `1` in dag-json and dag-cbor, with another CID. Those with a
 * fraction are plain numbers, which can't be meant as integers.
 */
export class Float extends Number {}

/** The number as a value that stays a floating-point number. */
export const floatOf = (value: number): number | Float => Number.isInteger(value) ? new Float(value) : value
