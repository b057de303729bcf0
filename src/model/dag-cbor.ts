import { decode, decodeOptions, encodeOptions } from '@ipld/dag-cbor'
import { decode as decodeCbor, encode as encodeCbor, Token, Tokenizer, Type } from 'cborg'
import type { DecodeOptions, EncodeOptions } from 'cborg'
import { bytesOfText, textOfBytes } from '../base/text/byte-text.ts'
import { refuseNestedCbor } from '../base/nesting.ts'
import type { NestingLimits } from '../base/nesting.ts'
import { Float, floatOf } from './float.ts'

/**
 * The value of a DAG-CBOR block of anybody. Throws INVALID_DATA when it nests too deeply or has too many values, and what the decoder
 * throws.
 */
export function decodeDagCbor<T = unknown> (bytes: Uint8Array, limits?: NestingLimits): T {
  refuseNestedCbor(bytes, limits)
  return decode<T>(bytes)
}

/** The same, for values that are written again: floating-point numbers stay such (`Float`), texts keep their bytes (`byte-text.ts`). */
export function decodeExactCbor (bytes: Uint8Array): unknown {
  refuseNestedCbor(bytes)
  const options: DecodeOptions = { ...decodeOptions, retainStringBytes: true }
  return decodeCbor(bytes, { ...options, tokenizer: new ExactTokenizer(bytes, options) })
}

/** A DAG-CBOR block of a value as `decodeExactCbor` or `decodeDagJson` gives it. */
export const encodeExactCbor = (value: unknown): Uint8Array => encodeCbor(value, exactOptions)

class ExactTokenizer extends Tokenizer {
  override next (): Token {
    const token = super.next()
    // tokens may be shared: they are never changed
    if (token.type === Type.float && Number.isInteger(token.value)) {
      return new Token(Type.float, floatOf(token.value as number), token.encodedLength)
    }
    if (token.type === Type.string && token.byteValue != null) {
      return new Token(Type.string, textOfBytes(token.byteValue), token.encodedLength)
    }
    return token
  }
}

const exactOptions: EncodeOptions = {
  ...encodeOptions,
  typeEncoders: {
    ...encodeOptions.typeEncoders,
    Object: value => value instanceof Float ? new Token(Type.float, Number(value)) : encodeOptions.typeEncoders.Object(value),
    string: text => {
      if ((text as string).isWellFormed()) return null
      const token = new Token(Type.string, text)
      token.encodedBytes = bytesOfText(text as string)
      return token
    }
  }
}
