import { createHash, hash } from 'node:crypto'
import type { MultihashDigest } from 'multiformats'
import type { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { ClusterError, invalidArgument } from '../base/errors.ts'
import { murmur3 } from './murmur3.ts'

/** A multihash function that is ready to be called. */
export interface HashFunction {
  /** Multihash code. */
  code: number
  digest (bytes: Uint8Array): Uint8Array
}

type Digest = HashFunction['digest']

const nativeAlgorithms: Record<string, string> = {
  sha1: 'sha1',
  md5: 'md5',
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha2-512-224': 'sha512-224',
  'sha2-512-256': 'sha512-256',
  'sha3-224': 'sha3-224',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
  'blake2b-512': 'blake2b512',
  'blake2s-256': 'blake2s256'
}

/** Names that Go's multihash library knows, whether it can compute them or not. */
const codesByName: Record<string, number> = {
  identity: 0x00,
  sha1: 0x11,
  'sha2-256': 0x12,
  'sha2-512': 0x13,
  'sha3-512': 0x14,
  'sha3-384': 0x15,
  'sha3-256': 0x16,
  'sha3-224': 0x17,
  'shake-128': 0x18,
  'shake-256': 0x19,
  'keccak-224': 0x1a,
  'keccak-256': 0x1b,
  'keccak-384': 0x1c,
  'keccak-512': 0x1d,
  blake3: 0x1e,
  'murmur3-x64-64': 0x22,
  'dbl-sha2-256': 0x56,
  md5: 0xd5,
  'sha2-256-trunc254-padded': 0x1012,
  x11: 0x1100,
  'poseidon-bls12_381-a2-fc1': 0xb401,
  ...Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`blake2b-${8 * (i + 1)}`, 0xb201 + i])),
  ...Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`blake2s-${8 * (i + 1)}`, 0xb241 + i]))
}

/** Computed by Go when a CID asks for them, but not to be asked for by name. */
const namelessCodes: Record<string, number> = { 'sha2-384': 0x20, 'sha2-224': 0x1013, 'sha2-512-224': 0x1014, 'sha2-512-256': 0x1015 }

const namesByCode = new Map(Object.entries({ ...codesByName, ...namelessCodes }).map(([name, code]) => [code, name]))

/** The name of a multihash code; undefined for codes that Go's library doesn't know. */
export const hashName = (code: number): string | undefined => namesByCode.get(code)

/** Codes of which Kubo stores blocks, besides blake2b and blake2s of 160 bits and more. */
const acceptedCodes = new Set([0x00, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x56])
const minDigestBytes = 20
const maxDigestBytes = 128

/** Whether Kubo stores blocks with multihashes of this code and digest length (bytes): its list of functions that are safe enough. */
export function isStorable (code: number, digestLength: number): boolean {
  if (digestLength > maxDigestBytes) return false
  if (code === 0) return true
  if (digestLength < minDigestBytes) return false
  return acceptedCodes.has(code) || (code >= 0xb214 && code <= 0xb240) || (code >= 0xb254 && code <= 0xb260)
}

/** What Go says at the end when no destination takes the blocks. */
export const notStored = (): ClusterError => new ClusterError('IPFS_ERROR', {}, { message: 'failed to put block on all destinations' })

/** The code of a multihash name in any case. Throws INVALID_ARGUMENT with Go's text. */
export function hashCode (name: string): number {
  const lower = name.toLowerCase()
  const code = lower === 'sha3' ? 0x14 : Object.hasOwn(codesByName, lower) ? codesByName[lower] : undefined
  if (code == null) throw invalidArgument('hash function name not known', { hash: name.slice(0, 100) })
  return code
}

const loaded = new Map<number, Digest>()

/** The function with this code. Throws INVALID_ARGUMENT with Go's text when Go can't compute it either. */
export async function hashFunction (code: number): Promise<HashFunction> {
  let digest = loaded.get(code)
  if (digest == null) {
    digest = await loadDigest(code)
    loaded.set(code, digest)
  }
  return { code, digest }
}

/** True when the bytes are those that the CID names. Throws INVALID_ARGUMENT for a function that can't be computed. */
export async function isContentOf (cid: CID, bytes: Uint8Array): Promise<boolean> {
  const { code, digest } = cid.multihash
  const hashed = (await hashFunction(code)).digest(bytes)
  if (code === 0 && hashed.length !== digest.length) return false
  return Buffer.compare(hashed.subarray(0, digest.length), digest) === 0
}

async function loadDigest (code: number): Promise<Digest> {
  const name = namesByCode.get(code) ?? ''
  const algorithm = nativeAlgorithms[name]
  if (algorithm != null) return bytes => hash(algorithm, bytes, 'buffer')
  if (name.startsWith('blake2')) return await loadBlake2(name)
  switch (name) {
    case 'identity': return bytes => bytes
    case 'dbl-sha2-256': return bytes => hash('sha256', hash('sha256', bytes, 'buffer'), 'buffer')
    case 'shake-128': return bytes => createHash('shake128', { outputLength: 32 }).update(bytes).digest()
    case 'shake-256': return bytes => createHash('shake256', { outputLength: 64 }).update(bytes).digest()
    case 'murmur3-x64-64': return murmur3
    case 'keccak-256': return (await import('@noble/hashes/sha3.js')).keccak_256
    case 'keccak-512': return (await import('@noble/hashes/sha3.js')).keccak_512
    case 'blake3': return (await import('@noble/hashes/blake3.js')).blake3
  }
  const message = `unknown multihash code ${code} (0x${code.toString(16)}): no such hash registered`
  throw invalidArgument(message, { code })
}

async function loadBlake2 (name: string): Promise<Digest> {
  const { blake2b, blake2s } = await import('@noble/hashes/blake2.js')
  const options = { dkLen: Number(name.slice('blake2b-'.length)) / 8 }
  const compute = name.startsWith('blake2b') ? blake2b : blake2s
  return bytes => compute(bytes, options)
}

/** The multihash of bytes, by the function's name. Throws INVALID_ARGUMENT with Kubo's text for names it doesn't know. */
export async function namedHash (name: string, bytes: Uint8Array): Promise<MultihashDigest> {
  let code: number
  try {
    code = hashCode(name)
  } catch (err) {
    throw new ClusterError(
      'INVALID_ARGUMENT', { hash: name.slice(0, 100) }, { message: `unrecognized multihash function: ${name}`, cause: err }
    )
  }
  const { digest } = await hashFunction(code)
  const multihash = create(code, digest(bytes))
  if (!isStorable(code, multihash.size)) {
    throw invalidArgument(`potentially insecure hash functions not allowed: ${name}`, { hash: name })
  }
  return multihash
}
