import { decode } from '@ipld/dag-cbor'
import { refuseNestedCbor } from '../base/nesting.ts'
import type { NestingLimits } from '../base/nesting.ts'

/** The value of a DAG-CBOR block of anybody. Throws INVALID_DATA when it nests too deeply or has too many values, and what the decoder throws. */
export function decodeDagCbor<T = unknown> (bytes: Uint8Array, limits?: NestingLimits): T {
  refuseNestedCbor(bytes, limits)
  return decode<T>(bytes)
}
