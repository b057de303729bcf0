import type { IncomingMessage } from 'node:http'
import { BlockList } from 'node:net'
import { ipFamily } from '../../base/text/ip-family.ts'

/** Where a request comes from, and how its client has reached this server. */
export interface Arrival {
  /** The client's address; '' when it came by a unix socket from nobody who told. */
  address: string
  scheme: 'http' | 'https'
  /** With its port, as the client gave it; '' when it gave none that can be one. */
  host: string
}

/** Whose `X-Forwarded-…` headers count: addresses, and networks such as `10.0.0.0/8`. A unix socket is reached by who may open it. */
export class TrustedProxies {
  readonly #networks = new BlockList()

  constructor (list: readonly string[]) {
    for (const entry of list) {
      const [address = '', bits] = entry.split('/')
      if (bits == null) this.#networks.addAddress(address, familyOf(address))
      else this.#networks.addSubnet(address, Number(bits), familyOf(address))
    }
  }

  /** `address` undefined: a unix socket. */
  isTrusted (address: string | undefined): boolean {
    return address == null || (ipFamily(address) !== 0 && this.#networks.check(address, familyOf(address)))
  }

  arrivalOf (request: IncomingMessage): Arrival {
    return {
      address: this.addressOf(request),
      scheme: this.schemeOf(request),
      host: hostOf(this.forwardedHost(request) ?? request.headers.host ?? '')
    }
  }

  /** As `Arrival.address`. */
  addressOf ({ headers, socket }: IncomingMessage): string {
    const direct = plainAddress(socket.remoteAddress)
    const chain = headers['x-forwarded-for']
    return chain != null && this.isTrusted(direct) ? this.#clientOf(listOf(chain), direct) : direct ?? ''
  }

  /** As `Arrival.scheme`. */
  schemeOf (request: IncomingMessage): 'http' | 'https' {
    const own = (request.socket as { encrypted?: boolean }).encrypted === true ? 'https' : 'http'
    return (this.#forwarded(request, 'x-forwarded-proto') ?? own) === 'https' ? 'https' : 'http'
  }

  /** The host as a trusted proxy passed it on, whatever it is; undefined when there is none. */
  forwardedHost (request: IncomingMessage): string | undefined { return this.#forwarded(request, 'x-forwarded-host') }

  #forwarded ({ headers, socket }: IncomingMessage, name: string): string | undefined {
    const value = headers[name]
    return value != null && this.isTrusted(plainAddress(socket.remoteAddress)) ? listOf(value)[0] : undefined
  }

  /** Each proxy adds who it was reached by: the last one that isn't a proxy of ours. What is before that, anybody may have written. */
  #clientOf (chain: readonly string[], direct: string | undefined): string {
    let client = direct ?? ''
    for (const entry of chain.toReversed()) {
      const address = plainAddress(entry.replace(/^\[(.+)\](:\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1'))
      if (address == null || ipFamily(address) === 0) return client
      client = address
      if (!this.isTrusted(address)) return client
    }
    return client
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => ipFamily(address) === 6 ? 'ipv6' : 'ipv4'
const plainAddress = (address: string | undefined): string | undefined => address?.replace(/^::ffff:(?=\d+\.)/, '')
const hostOf = (text: string): string => /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(text) ? text : ''
const listOf = (header: string | string[] | undefined): string[] =>
  (Array.isArray(header) ? header.join(',') : header ?? '').split(',').map(one => one.trim()).filter(one => one !== '')

/** By which addresses are counted: one household has a whole /64 of IPv6. */
export function countedAddress (address: string): string {
  if (ipFamily(address) !== 6) return address
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail == null || tail === '' ? [] : tail.split(':')
  const groups = tail == null
    ? left
    : [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
  return `${groups.slice(0, 4).map(group => parseInt(group, 16).toString(16)).join(':')}::/64`
}
