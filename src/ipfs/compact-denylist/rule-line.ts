import { base58btc } from 'multiformats/bases/base58'
import * as Digest from 'multiformats/hashes/digest'
import { percentDecode } from '../../base/text/byte-text.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { withoutEndSlashes } from '../../base/text/path-segments.ts'
import { isCid, maxSlowText, parseCid } from '../../model/cid.ts'
import { identityHash, sha256Hash } from '../../model/multicodec.ts'
import { hashName } from '../../hash/multihash.ts'
import { placeOfCid, placeOfName } from './place.ts'

/**
 * What a rule covers. `place`: a root with the path behind it. `subpath`: a path behind whatever root. `double`: what hashes to one of
 * these.
 */
export type Cover =
  { kind: 'place', id: string, path: string, isPrefix: boolean } |
  { kind: 'subpath', path: string, isPrefix: boolean } |
  { kind: 'double', hashes: Array<{ code: number, digest: Uint8Array }> } |
  /** The empty block or directory, which half of all software needs. */
  { kind: 'nothing' }

/** A line that says something. `allows`: an exception (`!`); `isLegal`: answered with 451 in place of 410. */
export interface Rule { cover: Cover, allows: boolean, isLegal: boolean }

/** `key=value` or `key:value` behind a rule or in the head of its list. Only `gateway_status` means something here. */
export type Hints = Readonly<Record<string, string>>

/** A shorter digest would deny what nobody meant. */
const minDigestBytes = 16

/** Multihashes of what is empty: as UnixFS directory and block, also inlined, as dag-pb, dag-cbor and dag-json. */
export const harmless: ReadonlySet<string> = new Set([
  'QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn', 'bafyaabakaieac', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
  'bafkqaaa',
  'QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH', 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua',
  'baguqeeraiqjw7i2vwntyuekgvulpp2det2kpwt6cd7tx5ayqybqpmhfk76fa'
].map(text => placeOfCid(parseCid(text)).id))

/** Reads one line of a list: undefined for comments and empty ones. Throws INVALID_DATA with the reason. */
export function parseRuleLine (line: string, listHints: Hints = {}): Rule | undefined {
  const [first = '', ...hints] = line.trim().split(/\s+/)
  if (first === '' || first.startsWith('#')) return undefined
  const allows = /^[-+!]/.test(first)
  return {
    cover: coverOf(allows ? first.slice(1) : first), allows, isLegal: isLegal({ ...listHints, ...Object.fromEntries(hints.map(hintOf)) })
  }
}

/** `key=value`, as programs write it, or `key:value`, as the specification has it. */
const hintOf = (text: string): [string, string] => {
  const [, key = text, value = ''] = /^([^=:]+)[=:](.*)$/.exec(text) ?? []
  return [key, value]
}

const isLegal = ({ gateway_status: status }: Hints): boolean => status === '451'

function coverOf (text: string): Cover {
  if (text.startsWith('//')) return { kind: 'double', hashes: doubleHashes(text.slice(2)) }
  const [, namespace = '', root = '', rest = ''] = /^\/([^/]+)\/([^/]*)(.*)$/s.exec(text) ?? []
  if (namespace === 'ipfs' || namespace === 'ipld') return coverOfCid(root, rest)
  if (namespace === 'ipns') return coverOfName(root, rest)
  if (text.startsWith('/')) {
    if (isCid(root)) throw fault(`there is nothing below /${namespace}/: the namespaces are ipfs, ipld and ipns`)
    return { kind: 'subpath', ...pathOf(text) }
  }
  const [bare = '', ...names] = text.split('/')
  if (!isCid(bare)) throw fault('a rule begins with /ipfs/, /ipns/ or //')
  return coverOfCid(bare, names.length === 0 ? '' : `/${names.join('/')}`)
}

function coverOfCid (root: string, rest: string): Cover {
  const { id } = placeOfCid(parseCid(root))
  return harmless.has(id) && rest === '' ? { kind: 'nothing' } : { kind: 'place', id, ...pathOf(rest) }
}

function coverOfName (root: string, rest: string): Cover {
  if (root === '' || root.includes('*')) throw fault('a name is missing after /ipns/')
  return { kind: 'place', id: placeOfName(root).id, ...pathOf(rest) }
}

/** `/a/b*` and `/a/b/*` are the same: whatever begins with `a/b`. An escaped star is a star. */
function pathOf (raw: string): { path: string, isPrefix: boolean } {
  const isPrefix = raw.endsWith('*')
  const plain = isPrefix ? raw.replace(/\/?\*$/, '') : raw
  return { path: trimSlashes(decoded(plain)), isPrefix }
}

function decoded (text: string): string {
  const path = percentDecode(text)
  if (path == null) throw fault('a percent escape is broken')
  return path
}

/** Without the slashes at both ends. */
export function trimSlashes (path: string): string {
  let from = 0
  while (path[from] === '/') from++
  return withoutEndSlashes(path.slice(from))
}

/** A multihash in base58, or sha2-256 in hex; a text that can be read as both is both. */
function doubleHashes (text: string): Array<{ code: number, digest: Uint8Array }> {
  const isHex = /^[\da-f]{64}$/i.test(text)
  const hashes = isHex ? [{ code: sha256Hash, digest: Buffer.from(text, 'hex') as Uint8Array }] : []
  const multihash = isHex && text.includes('0') ? undefined : multihashOf(text)
  if (multihash != null) hashes.push(multihash)
  if (hashes.length === 0) throw fault('after // comes a multihash in base58 or a sha2-256 in 64 hexadecimal digits')
  return hashes
}

function multihashOf (text: string): { code: number, digest: Uint8Array } | undefined {
  if (text.length > maxSlowText) return undefined
  try {
    const { code, digest } = Digest.decode(base58btc.decode(`z${text}`))
    return code === identityHash || digest.length < minDigestBytes || hashName(code) == null ? undefined : { code, digest }
  } catch {
    return undefined
  }
}

const fault = (message: string): ClusterError => new ClusterError('INVALID_DATA', {}, { message })

/** The reason why a line can't be read, in short. */
export const reasonOf = (err: unknown): string => messageOf(err).slice(0, 200)
