import { CID } from 'multiformats/cid'
import { quotedText } from '../../../base/text/byte-text.ts'
import { ClusterError, invalidArgument, messageOf } from '../../../base/errors.ts'
import { decodeExactCbor, encodeExactCbor } from '../../../model/dag-cbor.ts'
import { decodeDagJson, encodeDagJson } from '../../../model/dag-json.ts'
import { decodeDagPb, encodeDagPb } from '../../../model/dag-pb.ts'
import { Float } from '../../../model/float.ts'
import { dagCborCodec, dagJsonCodec, dagPbCodec, libp2pKeyCodec, rawCodec } from '../../../model/multicodec.ts'

interface Codec { code: number, decode: (bytes: Uint8Array) => unknown, encode: (value: unknown) => Uint8Array }

/** Codecs whose values can be read and written. */
const codecs: Record<string, Codec> = {
  raw: { code: rawCodec, decode: bytes => bytes, encode: rawBytes },
  'dag-pb': { code: dagPbCodec, decode: decodeDagPb, encode: encodeDagPb },
  'dag-cbor': { code: dagCborCodec, decode: decodeExactCbor, encode: encodeExactCbor },
  'dag-json': { code: dagJsonCodec, decode: decodeDagJson, encode: encodeDagJson },
  // plain JSON and CBOR are read as their IPLD relatives
  cbor: { code: 0x51, decode: decodeExactCbor, encode: encodeExactCbor },
  json: { code: 0x0200, decode: decodeDagJson, encode: encodeDagJson }
}

/** Codecs that only name what is in a block. */
const plainCodes: Record<string, number> = { 'libp2p-key': libp2pKeyCodec, 'git-raw': 0x78, 'dag-jose': 0x85 }

const byCode = new Map(Object.values(codecs).map(codec => [codec.code, codec]))

/** The multicodec code of a codec's name: "dag-cbor" → 0x71. Throws INVALID_ARGUMENT in Kubo's words for names that aren't known. */
export function codecCode (name: string): number {
  const code = Object.hasOwn(codecs, name) ? codecs[name]?.code : Object.hasOwn(plainCodes, name) ? plainCodes[name] : undefined
  if (code == null) {
    throw invalidArgument(`unknown multicodec: ${quotedText(name)}`, { codec: name.slice(0, 100) })
  }
  return code
}

/** Whether `encodeValue` can write values in the codec with this code. */
export const isWritable = (code: number): boolean => byCode.has(code)

/** The value in a block. Throws UNSUPPORTED for unknown codecs and INVALID_DATA. */
export function decodeBlock (code: number, bytes: Uint8Array): unknown {
  const codec = byCode.get(code)
  if (codec == null) {
    throw new ClusterError('UNSUPPORTED', { code }, {
      message: `no decoder registered for multicodec code ${code} (0x${code.toString(16)})`
    })
  }
  try {
    return codec.decode(bytes)
  } catch (err) {
    throw new ClusterError('INVALID_DATA', { code }, { message: messageOf(err), cause: err })
  }
}

/** Throws UNSUPPORTED for unknown codecs and INVALID_ARGUMENT for values that the codec can't hold. */
export function encodeValue (name: string, value: unknown): { code: number, bytes: Uint8Array } {
  const code = codecCode(name)
  const codec = byCode.get(code)
  if (codec == null) {
    throw new ClusterError('UNSUPPORTED', { codec: name }, {
      message: `no encoder registered for multicodec code ${code} (0x${code.toString(16)})`
    })
  }
  try {
    return { code: codec.code, bytes: codec.encode(value) }
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', { codec: name }, { message: messageOf(err), cause: err })
  }
}

/** What IPLD calls the kind of a value. */
function kindOf (value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'bigint') return 'int'
  if (value instanceof Float || typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return Array.isArray(value) ? 'list' : CID.asCID(value) == null ? 'map' : 'link'
}

function rawBytes (value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new Error(
      `func called on wrong kind: "AsBytes" called on a ${kindOf(value)} node (kind: ${kindOf(value)}), but only makes sense on bytes`
    )
  }
  return value
}
