import { multiaddr } from '@multiformats/multiaddr'
import { ClusterError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { MultiaddrText } from './cid.ts'

/** A peer ID in an address is read and written in time that grows with the square of its length. Addresses have a hundred bytes, three hundred with relays and certificates. */
export const maxMultiaddrBytes = 512
export const maxMultiaddrText = 2048

type Multiaddr = ReturnType<typeof multiaddr>

const tooLong = (code: ErrorCode, what: string): ClusterError => new ClusterError(code, {}, { message: `an address has more than ${what}` })

/** An address that somebody else wrote. Throws INVALID_ARGUMENT for one that is too long, and what the parser throws. */
export function parseMultiaddr (text: string): Multiaddr {
  if (text.length > maxMultiaddrText) throw tooLong('INVALID_ARGUMENT', `${maxMultiaddrText} characters`)
  const address = multiaddr(text)
  if (address.bytes.length > maxMultiaddrBytes) throw tooLong('INVALID_ARGUMENT', `${maxMultiaddrBytes} bytes`)
  return address
}

export const multiaddrBytes = (text: MultiaddrText): Uint8Array => parseMultiaddr(text).bytes

/** The text of an address in binary, which is copied. Throws INVALID_DATA for one that is too long, and what the parser throws. */
export function multiaddrFromBytes (bytes: Uint8Array): MultiaddrText {
  if (bytes.length > maxMultiaddrBytes) throw tooLong('INVALID_DATA', `${maxMultiaddrBytes} bytes`)
  return multiaddr(Uint8Array.from(bytes)).toString()
}
