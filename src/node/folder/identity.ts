import { createPrivateKey, createPublicKey, createECDH, createHash, generateKeyPairSync } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { ClusterError } from '../../base/errors.ts'

/** Who a libp2p host is. `privateKey` is the protobuf that libp2p and Go write. */
export interface Identity {
  /** Base58 peer ID. */
  id: string
  privateKey: Uint8Array
}

// libp2p's KeyType
const rsa = 0
const ed25519 = 1
const secp256k1 = 2
const keyTypeNames = ['RSA', 'Ed25519', 'secp256k1', 'ECDSA']

const pkcs8Ed25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const longestInlineKey = 42

/** A fresh Ed25519 identity, as Go's `init` makes it. */
export function newIdentity (): Identity {
  const { privateKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(pkcs8Ed25519.length)
  const encoded = protobuf(ed25519, Buffer.concat([seed, ed25519PublicKey(seed)]))
  return { id: peerIdOf(encoded), privateKey: encoded }
}

/**
 * The peer ID of a private key protobuf. Reads Ed25519, RSA and secp256k1 keys without loading libp2p, which would cost more than the rest
 * of the start. Throws INVALID_DATA for anything else, never showing the key.
 */
export function peerIdOf (privateKey: Uint8Array): string {
  const { type, data } = readProtobuf(privateKey)
  const publicKey = protobuf(type, publicKeyOf(type, data))
  const multihash = publicKey.length <= longestInlineKey
    ? Buffer.concat([Uint8Array.of(0x00, publicKey.length), publicKey])
    : Buffer.concat([Uint8Array.of(0x12, 32), createHash('sha256').update(publicKey).digest()])
  return base58btc.encode(multihash).slice(1)
}

function publicKeyOf (type: number, data: Uint8Array): Uint8Array {
  try {
    if (type === ed25519) return checkedEd25519(data)
    if (type === rsa) {
      return createPublicKey(createPrivateKey({
        key: Buffer.from(data), format: 'der', type: 'pkcs1'
      })).export({ format: 'der', type: 'spki' })
    }
    if (type === secp256k1) return secp256k1PublicKey(data)
  } catch {
    throw invalidKey(`the ${keyTypeNames[type]} private key is damaged`)
  }
  throw invalidKey(`${keyTypeNames[type] ?? `type ${type}`} private keys are not supported: use an Ed25519, RSA or secp256k1 key`)
}

/** Seed and public key, in old files with the public key once more behind. */
function checkedEd25519 (data: Uint8Array): Uint8Array {
  const isLong = data.length === 96
  const publicKey = data.subarray(32, 64)
  const isRight = (data.length === 64 || isLong) && Buffer.compare(ed25519PublicKey(data.subarray(0, 32)), publicKey) === 0
  if (!isRight || (isLong && Buffer.compare(publicKey, data.subarray(64)) !== 0)) throw new Error('public key does not belong to the seed')
  return publicKey
}

function ed25519PublicKey (seed: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Ed25519, seed]), format: 'der', type: 'pkcs8' })
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}

function secp256k1PublicKey (scalar: Uint8Array): Uint8Array {
  const curve = createECDH('secp256k1')
  curve.setPrivateKey(scalar)
  return curve.getPublicKey(null, 'compressed')
}

/** libp2p's key message: field 1 the type (varint), field 2 the bytes. Public and private keys have the same shape. */
function protobuf (type: number, data: Uint8Array): Uint8Array {
  const length = data.length < 0x80 ? [data.length] : data.length < 0x4000 ? [(data.length & 0x7f) | 0x80, data.length >> 7] : []
  return Uint8Array.from([0x08, type, 0x12, ...length, ...data])
}

function readProtobuf (bytes: Uint8Array): { type: number, data: Uint8Array } {
  const [typeTag, type = 0, dataTag, low = 0, high = 0] = bytes
  const isLong = low >= 0x80
  const length = isLong ? (low & 0x7f) | (high << 7) : low
  const start = isLong ? 5 : 4
  if (typeTag !== 0x08 || dataTag !== 0x12 || type > 3 || high >= 0x80 && isLong || bytes.length !== start + length) {
    throw invalidKey('the private key is not a libp2p key')
  }
  return { type, data: bytes.subarray(start) }
}

const invalidKey = (message: string): ClusterError => new ClusterError('INVALID_DATA', {}, { message })

/**
 * Reads the text of an identity.json, with variables on top (CLUSTER_ID, CLUSTER_PRIVATEKEY for the cluster host's). Throws INVALID_CONFIG
 * when a part is missing or id and key don't belong together; the key is never shown.
 */
export function parseIdentity (text: string, variables: Readonly<Record<string, string | undefined>> = {}): Identity {
  const fields = readFields(text)
  const id = variables.CLUSTER_ID ?? fields.id
  const key = variables.CLUSTER_PRIVATEKEY ?? fields.private_key
  if (typeof id !== 'string' || id === '') throw wrong('id must be a peer ID such as "12D3Koo…"')
  if (typeof key !== 'string' || !/^[A-Za-z\d+/]+={0,2}$/.test(key)) throw wrong('private_key must be a libp2p private key in base64')
  return checkedIdentity(id, Uint8Array.from(Buffer.from(key, 'base64')))
}

/** Throws INVALID_CONFIG when the id isn't the key's. */
export function checkedIdentity (id: string, privateKey: Uint8Array): Identity {
  const actual = peerIdOf(privateKey)
  if (actual !== id) throw wrong(`id ${id} does not match the private_key, which belongs to ${actual}`)
  return { id, privateKey }
}

function readFields (text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>
  } catch {}
  throw wrong('the file must hold a JSON object with id and private_key')
}

const wrong = (what: string): ClusterError => new ClusterError('INVALID_CONFIG', {}, { message: `identity: ${what}` })

/** The text of an identity.json exactly as Go writes it. */
export function identityJson ({ id, privateKey }: Identity): string {
  return JSON.stringify({ id, private_key: Buffer.from(privateKey).toString('base64') }, null, 4)
}
