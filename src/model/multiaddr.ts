import { base58btc } from 'multiformats/bases/base58'
import { multiaddr } from '@multiformats/multiaddr'
import { quotedText } from '../base/text/byte-text.ts'
import { ClusterError, messageOf } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import { withoutEndSlashes } from '../base/text/path-segments.ts'
import { libp2pKeyCodec } from './multicodec.ts'
import type { MultiaddrText } from './cid.ts'
import { parseCid } from './cid.ts'

/**
 * A peer ID in an address is read and written in time that grows with the square of its length. Addresses have a hundred bytes, three
 * hundred with relays and certificates.
 */
export const maxMultiaddrBytes = 512
/** Characters. Longer than any address in use; nobody parses what strangers write without end. */
export const maxMultiaddrText = 2048

type Multiaddr = ReturnType<typeof multiaddr>

const tooLong = (code: ErrorCode, what: string): ClusterError => new ClusterError(code, {}, { message: `an address has more than ${what}` })

/**
 * An address that somebody else wrote, read as go-multiaddr does: numbers may begin with zeros, and a peer ID may be a CID in any base.
 * Throws INVALID_ARGUMENT for one that is too long, else with what is wrong ("failed to parse multiaddr …").
 */
export function parseMultiaddr (text: string): Multiaddr {
  if (text.length > maxMultiaddrText) throw tooLong('INVALID_ARGUMENT', `${maxMultiaddrText} characters`)
  const address = read(withoutEndSlashes(text))
  if (address.bytes.length > maxMultiaddrBytes) throw tooLong('INVALID_ARGUMENT', `${maxMultiaddrBytes} bytes`)
  return address
}

function read (text: string): Multiaddr {
  try {
    if (text === '') throw new Error('empty multiaddr')
    if (!text.startsWith('/')) throw new Error('must begin with /')
    if (text.includes('//')) throw new Error('unknown protocol ')
    const address = multiaddr(
      text.replace(padded, '$1').replace(peerPart, (_, protocol: string, peer: string) => `/${protocol}/${peerOf(peer)}`)
    )
    // what is wrong with a peer ID shows only here
    if (address.bytes.length === 0) throw new Error('empty multiaddr')
    return address
  } catch (err) {
    const why = messageOf(err).replace(/^Protocol (.*) was unknown$/s, 'unknown protocol $1')
    throw new ClusterError('INVALID_ARGUMENT', {}, {
      message: `failed to parse multiaddr ${quotedText(text.slice(0, 300))}: ${why}`, cause: err
    })
  }
}

const padded = /(?<=\/)((?:tcp|udp|dccp|sctp|ipcidr|memory)\/)0+(?=\d)/g
/** Shorter names are those of hosts. */
const peerPart = /\/(p2p|ipfs)\/([^/]{30,})/g

/** Base58 stays; a CID's multihash is written in it. */
function peerOf (text: string): string {
  if (text.startsWith('1') || text.startsWith('Qm')) return text
  const wrong = (why: string): Error =>
    new Error(`invalid value ${quotedText(text)} for protocol p2p: failed to parse p2p addr: ${text} ${why}`)
  try {
    const { code, multihash } = parseCid(text)
    if (code !== libp2pKeyCodec) throw new Error(`has the invalid codec ${code}`)
    return base58btc.encode(multihash.bytes).slice(1)
  } catch (err) {
    throw wrong(messageOf(err))
  }
}

/** The address as go-multiaddr prints it: an IPv4 address inside of an IPv6 one in dots. */
export const multiaddrText = (address: Multiaddr): MultiaddrText =>
  address.toString().replace(mappedIp4, (_, high: string, low: string) => `/ip6/::ffff:${dotted(high)}.${dotted(low)}`)

/** An IPv4 address in an IPv6 one. */
const mappedIp4 = /\/ip6\/::ffff:([\da-f]{1,4}):([\da-f]{1,4})(?=\/|$)/g

function dotted (group: string): string {
  const value = parseInt(group, 16)
  return `${value >> 8}.${value & 255}`
}

/** A multiaddress in its binary form. Throws INVALID_ARGUMENT for what is none. */
export const multiaddrBytes = (text: MultiaddrText): Uint8Array => parseMultiaddr(text).bytes

/** The text of an address in binary, which is copied. Throws INVALID_DATA for one that is too long, and what the parser throws. */
export function multiaddrFromBytes (bytes: Uint8Array): MultiaddrText {
  if (bytes.length > maxMultiaddrBytes) throw tooLong('INVALID_DATA', `${maxMultiaddrBytes} bytes`)
  return multiaddrText(multiaddr(Uint8Array.from(bytes)))
}
