import { ClusterError, messageOf } from '../../../base/errors.ts'
import { decodeExactCbor, encodeExactCbor } from '../../../model/dag-cbor.ts'
import { decodeDagJson, encodeDagJson } from '../../../model/dag-json.ts'
import { decodeDagPb, encodeDagPb } from '../../../model/dag-pb.ts'

interface Codec { code: number, decode: (bytes: Uint8Array) => unknown, encode: (value: unknown) => Uint8Array }

/** Codecs whose values can be read and written. */
const codecs: Record<string, Codec> = {
  raw: { code: 0x55, decode: bytes => bytes, encode: rawBytes },
  'dag-pb': { code: 0x70, decode: decodeDagPb, encode: encodeDagPb },
  'dag-cbor': { code: 0x71, decode: decodeExactCbor, encode: encodeExactCbor },
  'dag-json': { code: 0x0129, decode: decodeDagJson, encode: encodeDagJson },
  // plain JSON and CBOR are read as their IPLD relatives
  cbor: { code: 0x51, decode: decodeExactCbor, encode: encodeExactCbor },
  json: { code: 0x0200, decode: decodeDagJson, encode: encodeDagJson }
}

/** Codecs that only name what is in a block. */
const plainCodes: Record<string, number> = { 'libp2p-key': 0x72, 'git-raw': 0x78, 'dag-jose': 0x85 }

const byCode = new Map(Object.values(codecs).map(codec => [codec.code, codec]))

/** The code of a codec's name. Throws INVALID_ARGUMENT. */
export function codecCode (name: string): number {
  const code = Object.hasOwn(codecs, name) ? codecs[name]?.code : Object.hasOwn(plainCodes, name) ? plainCodes[name] : undefined
  if (code == null) throw new ClusterError('INVALID_ARGUMENT', { codec: name.slice(0, 100) }, { message: `unknown multicodec name ${JSON.stringify(name)}` })
  return code
}

/** The value in a block. Throws UNSUPPORTED for unknown codecs and INVALID_DATA. */
export function decodeBlock (code: number, bytes: Uint8Array): unknown {
  const codec = byCode.get(code)
  if (codec == null) throw new ClusterError('UNSUPPORTED', { code }, { message: `no decoder registered for multicodec code ${code} (0x${code.toString(16)})` })
  try {
    return codec.decode(bytes)
  } catch (err) {
    throw new ClusterError('INVALID_DATA', { code }, { message: messageOf(err), cause: err })
  }
}

/** Throws UNSUPPORTED for unknown codecs and INVALID_ARGUMENT for values that the codec can't hold. */
export function encodeValue (name: string, value: unknown): { code: number, bytes: Uint8Array } {
  const codec = byCode.get(codecCode(name))
  if (codec == null) throw new ClusterError('UNSUPPORTED', { codec: name }, { message: `no encoder registered for multicodec ${name}` })
  try {
    return { code: codec.code, bytes: codec.encode(value) }
  } catch (err) {
    throw new ClusterError('INVALID_ARGUMENT', { codec: name }, { message: messageOf(err), cause: err })
  }
}

function rawBytes (value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error('only bytes can be written as raw')
  return value
}
