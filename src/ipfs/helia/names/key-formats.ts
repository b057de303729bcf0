import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import { ProtobufWriter } from '../../../wire/protobuf.ts'

/** Numbers of libp2p's KeyType. */
const keyTypes = { RSA: 0, Ed25519: 1, secp256k1: 2, ECDSA: 3 } as const

const wrong = (message: string, cause?: unknown): ClusterError => new ClusterError('INVALID_ARGUMENT', {}, { message, cause })

/** Reads a private key of some format. Throws INVALID_ARGUMENT in Kubo's words; the key is never shown. */
export async function readKey (bytes: Uint8Array, format: string): Promise<PrivateKey> {
  if (format === 'libp2p-protobuf-cleartext') return keyOfProtobuf(bytes)
  if (format === 'pem-pkcs8-cleartext') return keyOfProtobuf(protobufOfPem(bytes))
  throw wrong(`unrecognized import format: ${format}`)
}

/** The private key of libp2p's protobuf. Throws INVALID_ARGUMENT in Kubo's words for anything else. */
export async function keyOfProtobuf (bytes: Uint8Array): Promise<PrivateKey> {
  const { privateKeyFromProtobuf } = await import('@libp2p/crypto/keys')
  try {
    return privateKeyFromProtobuf(bytes)
  } catch (err) {
    if (hasPem(bytes)) throw wrong('unexpected PEM block for format=libp2p-protobuf-cleartext: try again with format=pem-pkcs8-cleartext')
    throw wrong(`unable to unmarshall format=libp2p-protobuf-cleartext: ${messageOf(err)}`, err)
  }
}

const pemBlock = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/
const hasPem = (bytes: Uint8Array): boolean => pemBlock.test(Buffer.from(bytes).toString('latin1'))

function protobufOfPem (bytes: Uint8Array): Uint8Array {
  const [block, type] = pemBlock.exec(Buffer.from(bytes).toString('latin1')) ?? []
  // Kubo shows the whole input here: perhaps a secret in another form
  if (block == null) throw wrong('PEM block not found in input data')
  if (type !== 'PRIVATE KEY') throw wrong(`expected PRIVATE KEY type in PEM block but got: ${type}`)
  let key: KeyObject
  try {
    key = createPrivateKey({ key: block, format: 'pem' })
  } catch (err) {
    throw wrong(`parsing PKCS8 format: ${messageOf(err)}`, err)
  }
  return protobufOf(key)
}

function protobufOf (key: KeyObject): Uint8Array {
  const jwk = key.asymmetricKeyType === 'rsa-pss' ? {} : key.export({ format: 'jwk' })
  const part = (name: 'd' | 'x'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  switch (key.asymmetricKeyType) {
    case 'ed25519': return protobuf(keyTypes.Ed25519, Buffer.concat([part('d'), part('x')]))
    case 'rsa': return protobuf(keyTypes.RSA, key.export({ format: 'der', type: 'pkcs1' }))
    case 'ec': return jwk.crv === 'secp256k1'
      ? protobuf(keyTypes.secp256k1, part('d'))
      : protobuf(keyTypes.ECDSA, key.export({ format: 'der', type: 'sec1' }))
    default: throw wrong('converting std Go key to libp2p key: invalid or unsupported key type')
  }
}

const protobuf = (type: number, data: Uint8Array): Uint8Array =>
  Uint8Array.from(new ProtobufWriter(data.length + 8).uintField(1, type).bytesField(2, data).finish())

const minRsaBits = 2048
const maxRsaBits = 8192
const fixedBits: Record<string, number> = { ed25519: 256, secp256k1: 256 }

/** A fresh key. Throws INVALID_ARGUMENT in Kubo's words. */
export async function generateKey (type: string, bits: number | undefined): Promise<PrivateKey> {
  const { generateKeyPair } = await import('@libp2p/crypto/keys')
  const fixed = fixedBits[type]
  if (fixed != null && bits != null && bits !== fixed) throw wrong(`invalid key size ${bits}: ${type} keys are always ${fixed} bits`)
  if (type === 'ed25519') return generateKeyPair('Ed25519')
  if (type === 'secp256k1') return generateKeyPair('secp256k1')
  if (type !== 'rsa') throw wrong(`unrecognized key type: ${type}`)
  if (bits != null && bits < minRsaBits) throw wrong(`rsa keys must be >= ${minRsaBits} bits to be useful`)
  if (bits != null && bits > maxRsaBits) throw wrong(`rsa keys must be <= ${maxRsaBits} bits`)
  return generateKeyPair('RSA', bits ?? minRsaBits)
}
